"""The text of the nftables table and the elements of networks and ports."""

from __future__ import annotations

from budu.network.contract import EndpointState, NetworkSpec, PortBinding
from budu.network.rules import PortRules, endpoint_rows, network_rows
from budu.network.ruleset import Row, Skeleton, element_of, render_table

ID = "a" * 64
ICC = "com.docker.network.bridge.enable_icc"
MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"
MODE4 = "com.docker.network.bridge.gateway_mode_ipv4"


def network(*, internal: bool = False, enable_ipv6: bool = False, **options: str) -> list[Row]:
    spec = NetworkSpec(
        id=ID, name="n", link="b0", internal=internal, enable_ipv6=enable_ipv6, options=options
    )
    return network_rows(spec)


def endpoint(
    binding: PortBinding, *, address6: str = "", rules: PortRules | None = None
) -> list[Row]:
    state = EndpointState(
        endpoint_id=ID,
        container_id=ID,
        name="web",
        address="172.17.0.2",
        prefix_length=16,
        gateway="172.17.0.1",
        mac="",
        host_link="v0",
        mtu=1500,
        address6=address6,
        bindings=(binding,),
    )
    return endpoint_rows(state, rules or PortRules())


def port(
    host_port: int, *, host_address: str = "0.0.0.0", protocol: str = "tcp", reach: str = "world"
) -> PortBinding:
    return PortBinding(
        container_port=80,
        protocol=protocol,
        host_address=host_address,
        host_port=host_port,
        reach=reach,
    )


def test_table_replaces_itself_in_one_text() -> None:
    lines = render_table(Skeleton(table="budu-7"), []).splitlines()
    assert lines[:2] == ["table ip budu-7", "delete table ip budu-7"]
    assert lines[2:5] == ["table inet budu-7", "delete table inet budu-7", "table inet budu-7 {"]
    assert lines[-1] == "}"


def test_published_ports_are_elements_not_rules() -> None:
    skeleton = Skeleton(table="budu")
    without = render_table(skeleton, [])
    rows = [*endpoint(port(8080)), *endpoint(port(53, protocol="udp"))]
    text = render_table(skeleton, rows)
    added = [line.strip(" \t,") for line in text.splitlines() if line not in without.splitlines()]
    assert added == [
        "elements = {",
        "tcp . 8080 : 172.17.0.2 . 80",
        "udp . 53 : 172.17.0.2 . 80",
        "}",
    ]


def test_port_at_one_address_is_in_the_other_map() -> None:
    (row,) = endpoint(port(8080, host_address="127.0.0.1"))
    assert row == Row("published_at4", ("127.0.0.1", "tcp", 8080), ("172.17.0.2", 80))


def test_packets_to_loopback_from_outside_are_dropped_before_translation() -> None:
    text = render_table(Skeleton(table="budu"), [])
    raw = text.partition("chain raw")[2].partition("}")[0]
    assert "priority -300" in raw
    for offset_bits in (8 * 16, 8 * 12):
        assert f'@nh,{offset_bits},8 127 meta nfproto ipv4 iif != "lo" drop' in raw


def test_only_the_first_packet_of_a_connection_is_looked_up_before_its_route() -> None:
    """What every packet comes to stays short: it is paid for by each of a stream."""
    chains = render_table(Skeleton(table="budu"), []).split("chain ")
    arriving = [each.splitlines() for each in chains if "hook prerouting" in each]
    lookups = {lines[1].split()[1]: sum("@lan" in line for line in lines) for lines in arriving}
    assert lookups == {"filter": 0, "nat": 4}


def test_packets_of_a_family_without_rules_pass_every_chain_at_once() -> None:
    text = render_table(Skeleton(table="budu", families=(4,)), [])
    hooked = [each for each in text.split("chain ") if "hook" in each]
    assert len(hooked) == 5
    for chain in hooked:
        assert chain.splitlines()[2].strip() == "meta nfproto ipv6 accept"
    assert "meta nfproto ipv4 accept" not in text
    assert "meta nfproto ipv6 accept" not in render_table(Skeleton(table="budu"), [])


def test_guard_stands_only_for_guarded_families() -> None:
    text = render_table(Skeleton(table="budu", guarded=(4,)), [])
    assert "jump guard4" in text
    assert "guard6" not in text


def test_elements_have_the_kernels_form() -> None:
    (everywhere,) = endpoint(port(8080))
    element = element_of(everywhere)
    assert element.key == b"\x06\0\0\0\x1f\x90\0\0"
    assert element.value == b"\xac\x11\0\x02\0\x50\0\0"
    (at_one,) = endpoint(port(53, host_address="192.0.2.2", protocol="udp"))
    assert element_of(at_one).key == b"\xc0\0\x02\x02\x11\0\0\0\0\x35\0\0"
    assert element_of(Row("bridges", ("b0",))).key == b"b0" + bytes(14)


def test_network_is_masqueraded_and_its_containers_are_neighbours() -> None:
    assert network() == [
        Row("bridges", ("b0",)),
        Row("same", ("b0", "b0")),
        Row("neighbours", ("b0", "b0")),
        Row("masqueraded4", ("b0",)),
    ]


def test_internal_network_has_no_way_out() -> None:
    sets = [row.set for row in network(internal=True, enable_ipv6=True)]
    assert sets == ["bridges", "same", "neighbours", "internal"]


def test_options_choose_the_sets() -> None:
    assert "neighbours" not in [row.set for row in network(**{ICC: "false"})]
    assert "masqueraded4" not in [row.set for row in network(**{MASQUERADE: "false"})]
    assert "masqueraded6" in [row.set for row in network(enable_ipv6=True)]
    routed = [row.set for row in network(**{MODE4: "routed"})]
    assert "routed4" in routed
    assert "masqueraded4" not in routed
    snat = network(**{"com.docker.network.host_ipv4": "192.0.2.9"})
    assert Row("snat4", ("b0",), ("192.0.2.9",)) in snat


def test_port_for_the_neighbourhood_is_closed_to_others() -> None:
    rows = endpoint(port(8080, reach="lan"))
    assert Row("lan4", ("tcp", 8080)) in rows


def test_port_of_a_routed_network_is_open_at_the_container() -> None:
    rows = endpoint(port(0), rules=PortRules(mode4="routed"))
    assert rows == [Row("open4", ("172.17.0.2", "tcp", 80))]


def test_ipv6_port_leads_to_the_ipv6_address_or_is_relayed() -> None:
    wish = port(8080, host_address="::")
    assert endpoint(wish) == []
    assert endpoint(wish, address6="fd00::2") == [Row("published6", ("tcp", 8080), ("fd00::2", 80))]
    assert endpoint(port(8080, host_address="::1"), address6="fd00::2") == []
