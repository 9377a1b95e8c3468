"""The text of the nftables table and the map elements."""

from __future__ import annotations

from budu.network.contract import PortBinding
from budu.network.ruleset import BridgeRules, Published, element_of, map_of, render_table

RULES = BridgeRules(bridge="budu0", subnet="172.17.0.0/16")


def published(host_port: int, *, host_address: str = "0.0.0.0", protocol: str = "tcp") -> Published:
    binding = PortBinding(
        container_port=80, protocol=protocol, host_address=host_address, host_port=host_port
    )
    return Published(binding=binding, address="172.17.0.2")


def test_table_replaces_itself_in_one_text() -> None:
    lines = render_table("budu-7", [RULES], []).splitlines()
    assert lines[:3] == ["table ip budu-7", "delete table ip budu-7", "table ip budu-7 {"]
    assert lines[-1] == "}"


def test_published_ports_are_elements_not_rules() -> None:
    without = render_table("budu", [RULES], [])
    text = render_table("budu", [RULES], [published(8080), published(53, protocol="udp")])
    added = [line.strip(" \t,") for line in text.splitlines() if line not in without.splitlines()]
    assert added == [
        "elements = {",
        "tcp . 8080 : 172.17.0.2 . 80",
        "udp . 53 : 172.17.0.2 . 80",
        "}",
    ]


def test_port_at_one_address_is_in_the_other_map() -> None:
    text = render_table("budu", [RULES], [published(8080, host_address="127.0.0.1")])
    head, _, tail = text.partition("map published_at")
    assert "elements" not in head
    assert "127.0.0.1 . tcp . 8080 : 172.17.0.2 . 80" in tail


def test_packets_to_loopback_from_outside_are_dropped_before_translation() -> None:
    text = render_table("budu", [RULES], [])
    raw = text.partition("chain raw")[2].partition("}")[0]
    assert "priority -300" in raw
    assert 'iifname != "lo" ip daddr 127.0.0.0/8 drop' in raw


def test_every_bridge_has_its_rules() -> None:
    other = BridgeRules(bridge="budu1", subnet="172.18.0.0/16")
    text = render_table("budu", [RULES, other], [])
    assert 'oifname != "budu0" ip saddr 172.17.0.0/16 masquerade' in text
    assert 'oifname != "budu1" ip saddr 172.18.0.0/16 masquerade' in text


def test_accepts_into_a_bridge_stand_before_its_drop() -> None:
    lines = render_table("budu", [RULES], []).partition("chain forward")[2].splitlines()
    into = [line.split('"budu0" ')[1] for line in lines if line.strip().startswith("oifname")]
    assert into[0] == "ct state established,related accept"
    assert "drop" in into[3]


def test_element_of_a_port_everywhere() -> None:
    element = element_of(published(8080))
    assert element.key == b"\x06\0\0\0\x1f\x90\0\0"
    assert element.value == b"\xac\x11\0\x02\0\x50\0\0"
    assert map_of(published(8080).binding) == "published"


def test_element_of_a_port_at_an_address() -> None:
    item = published(53, host_address="192.0.2.2", protocol="udp")
    assert element_of(item).key == b"\xc0\0\x02\x02\x11\0\0\0\0\x35\0\0"
    assert map_of(item.binding) == "published_at"
