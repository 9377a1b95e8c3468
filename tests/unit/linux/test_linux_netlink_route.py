"""rtnetlink messages, read back by pyroute2."""

from __future__ import annotations

from socket import AF_BRIDGE
from typing import Any

import pytest
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from budu.linux.netlink import route
from budu.linux.netlink.wire import Message, Reply


def decode(message: Message, kind: Any) -> Any:
    decoded = kind(message.encode(7))
    decoded.decode()
    return decoded


def test_header_has_type_flags_and_sequence() -> None:
    header = decode(route.create_bridge("b0", mac="02:42:ac:11:00:01"), ifinfmsg)["header"]
    assert (header["type"], header["sequence_number"]) == (16, 7)
    assert header["flags"] == 0x1 | 0x400 | 0x200


def test_bridge() -> None:
    link = decode(route.create_bridge("b0", mac="02:42:ac:11:00:01"), ifinfmsg)
    assert link.get_attr("IFLA_IFNAME") == "b0"
    assert link.get_attr("IFLA_ADDRESS") == "02:42:ac:11:00:01"
    assert link.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_KIND") == "bridge"


def test_veth_pair() -> None:
    message = route.create_veth(
        "host0",
        master=5,
        mtu=1400,
        peer_name="eth0",
        peer_netns_fd=9,
        peer_index=2,
        peer_mac="02:42:ac:11:00:02",
    )
    link = decode(message, ifinfmsg)
    peer = link.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_DATA").get_attr("VETH_INFO_PEER")
    assert (link.get_attr("IFLA_IFNAME"), link.get_attr("IFLA_MASTER")) == ("host0", 5)
    assert (link["flags"], link["change"]) == (1, 1)
    assert (peer.get_attr("IFLA_IFNAME"), peer["index"], peer["flags"]) == ("eth0", 2, 0)
    assert peer.get_attr("IFLA_NET_NS_FD") == 9
    assert peer.get_attr("IFLA_ADDRESS") == "02:42:ac:11:00:02"
    assert link.get_attr("IFLA_MTU") == peer.get_attr("IFLA_MTU") == 1400


def test_link_change_touches_only_what_is_given() -> None:
    link = decode(route.set_link(3, up=False), ifinfmsg)
    assert (link["index"], link["flags"], link["change"], link["attrs"]) == (3, 0, 1, [])
    link = decode(route.set_link(3, master=0, mtu=1300), ifinfmsg)
    assert (link["change"], link.get_attr("IFLA_MASTER"), link.get_attr("IFLA_MTU")) == (0, 0, 1300)


def test_address() -> None:
    address = decode(route.add_address(2, "172.17.0.2", prefix_length=16), ifaddrmsg)
    assert (address["index"], address["prefixlen"], address["family"]) == (2, 16, 2)
    assert address.get_attr("IFA_LOCAL") == address.get_attr("IFA_ADDRESS") == "172.17.0.2"
    assert address.get_attr("IFA_BROADCAST") == "172.17.255.255"


@pytest.mark.parametrize(("address", "length"), [("10.0.0.1", 31), ("10.0.0.1", 32), ("fd::1", 64)])
def test_not_every_subnet_has_a_broadcast_address(address: str, length: int) -> None:
    found = decode(route.add_address(2, address, prefix_length=length), ifaddrmsg)
    assert found.get_attr("IFA_BROADCAST") is None


def test_default_route() -> None:
    found = decode(route.add_route(2, gateway="172.17.0.1"), rtmsg)
    assert (found["dst_len"], found["scope"], found["table"]) == (0, 0, 254)
    assert (found.get_attr("RTA_GATEWAY"), found.get_attr("RTA_OIF")) == ("172.17.0.1", 2)
    assert found.get_attr("RTA_DST") is None


def test_route_to_a_connected_network() -> None:
    found = decode(route.add_route(2, destination="10.9.0.0", prefix_length=16), rtmsg)
    assert (found["dst_len"], found["scope"], found.get_attr("RTA_DST")) == (16, 253, "10.9.0.0")


def test_link_is_read_from_pyroute2s_bytes() -> None:
    message = ifinfmsg()
    message["index"], message["flags"] = 4, 1
    message["attrs"] = [
        ("IFLA_IFNAME", "b0"),
        ("IFLA_MTU", 1400),
        ("IFLA_MASTER", 3),
        ("IFLA_ADDRESS", "02:42:ac:11:00:01"),
        ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "bridge")]}),
    ]
    message.encode()
    link = route.parse_link(Reply(16, 0, 1, bytes(message.data[16:])))
    assert (link.index, link.name, link.kind, link.is_up) == (4, "b0", "bridge", True)
    assert (link.mtu, link.master, link.mac) == (1400, 3, "02:42:ac:11:00:01")


@pytest.mark.parametrize(
    ("kind", "family", "name"), [(17, 0, "b0"), (17, AF_BRIDGE, ""), (16, 0, "")]
)
def test_a_link_that_left_its_bridge_is_not_gone(kind: int, family: int, name: str) -> None:
    message = route.delete_link("b0")
    reply = Reply(kind, 0, 1, bytes((family,)) + message.body[1:])
    assert route.gone_link(reply) == name


def test_route_is_read_from_pyroute2s_bytes() -> None:
    message = rtmsg()
    message.update({"family": 2, "dst_len": 16, "table": 254, "type": 1})
    message["attrs"] = [("RTA_DST", "10.9.0.0"), ("RTA_GATEWAY", "10.1.0.1"), ("RTA_OIF", 6)]
    message.encode()
    found = route.parse_route(Reply(24, 0, 1, bytes(message.data[16:])))
    assert found is not None
    assert (found.destination, found.prefix_length) == ("10.9.0.0", 16)
    assert (found.gateway, found.index, found.table) == ("10.1.0.1", 6, 254)


def test_routes_of_other_kinds_are_left_out() -> None:
    message = rtmsg()
    message.update({"family": 2, "dst_len": 32, "table": 255, "type": 2})
    message.encode()
    assert route.parse_route(Reply(24, 0, 1, bytes(message.data[16:]))) is None
