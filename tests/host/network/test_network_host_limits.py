"""What runs out, and what is many: subnets, addresses, connections, ports."""

from __future__ import annotations

import errno
import os
import socket
import struct
import subprocess
from itertools import count

import pytest
from network_boxes import Box, network, port
from network_lab import HOST_ADDRESS, OUTSIDE_ADDRESS, Lab, default_fabric, nft

from budu.base.errors import InvalidArgument, ResourceExhausted
from budu.linux.netlink.conntrack import NFNL_SUBSYS_CTNETLINK
from budu.linux.netlink.wire import (
    NETLINK_NETFILTER,
    NLM_F_CREATE,
    NLM_F_REQUEST,
    attribute,
    nested,
)
from budu.network import hosts
from budu.network.contract import PortRequest, Subnet
from budu.network.fabric import NetworkFabric

pytestmark = pytest.mark.host


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=30)


def subnet_of(fabric: NetworkFabric, name: str, **more: bool) -> list[str]:
    return [each.subnet for each in network(fabric, name, **more).subnets]


def test_a_route_that_came_later_is_avoided(lab: Lab, fabric: NetworkFabric) -> None:
    assert subnet_of(fabric, "one") == ["172.18.0.0/24"]
    ip("route", "add", "172.18.0.0/20", "dev", "up0")
    assert subnet_of(fabric, "two") == ["172.18.16.0/24"]
    ip("route", "add", "172.18.16.0/20", "via", OUTSIDE_ADDRESS, "table", "52")
    assert subnet_of(fabric, "three") == ["172.18.32.0/24"]
    ip("addr", "add", "172.18.33.9/23", "dev", "up0")
    assert subnet_of(fabric, "four") == ["172.18.34.0/24"]
    ip("-6", "route", "add", "fd00:b0d0:1::/63", "dev", "up0")
    assert subnet_of(fabric, "five", enable_ipv6=True)[1] == "fd00:b0d0:1:2::/64"


def test_a_vpn_with_halves_of_the_internet_takes_no_subnet(lab: Lab, fabric: NetworkFabric) -> None:
    for half in ("0.0.0.0/1", "128.0.0.0/1"):
        ip("route", "add", half, "via", OUTSIDE_ADDRESS)
    assert subnet_of(fabric, "one") == ["172.18.0.0/24"]


def test_pools_run_out(lab: Lab) -> None:
    made = default_fabric(pools=("10.9.0.0/29:30",), default_pools=())
    made.start()
    network(made, "one")
    with pytest.raises(
        InvalidArgument, match="all predefined address pools have been fully subnetted"
    ) as caught:
        network(made, "two")
    assert caught.value.hint is not None
    made.clear()
    made.close()


def test_addresses_run_out_and_come_back(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric, "small", subnets=(Subnet(subnet="10.9.0.0/29"),))
    boxes = [Box(lab, fabric, spec) for _ in range(5)]
    with pytest.raises(ResourceExhausted, match="no available IPv4 addresses"):
        Box(lab, fabric, spec)
    fabric.disconnect(boxes[2].state)
    assert Box(lab, fabric, spec).state.address == boxes[2].state.address


def test_a_thousand_ports_are_elements_of_two_maps(lab: Lab, fabric: NetworkFabric) -> None:
    chains = len(nft("list table inet budu").splitlines())
    many = [
        PortRequest(container_port=number, host_first=number, host_last=number)
        for number in range(20000, 21000)
    ]
    box = Box(lab, fabric, network(fabric, "six", enable_ipv6=True), *many)
    for name in ("published4", "published6"):
        assert nft(f"list map inet budu {name}").count(" : ") - 1 == 1000
    fabric.disconnect(box.state)
    network_lines = len(nft("list table inet budu").splitlines()) - chains
    assert network_lines < 20


class Crowd:
    """Connections that the kernel takes for established, so many that it can track no more.

    They are in the lab's namespace only; each namespace has its own count of the common limit.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)

    def fill(self) -> None:
        """Until one more is refused."""
        with self._socket:
            for first in count(0, BATCH):
                self._socket.send(b"".join(map(_tracked, range(first, first + BATCH))))
                if self._is_refused():
                    return

    def _is_refused(self) -> bool:
        try:
            reply = self._socket.recv(4096, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        (number,) = struct.unpack_from("=i", reply, 16)
        assert number == -errno.ENOMEM, os.strerror(-number)
        return True


def _tracked(number: int) -> bytes:
    """A request that makes the kernel track a udp connection from 10.x.x.x to 192.0.2.1.

    Source: linux/netfilter/nfnetlink_conntrack.h; nf_conntrack_common.h (IPS_*).
    """
    one, other = struct.pack(">I", 0x0A000000 + number), b"\xc0\x00\x02\x01"
    return b"".join((_NEW_CONNECTION, one, _TO, other, _MIDDLE, other, _TO, one, _END))


def _around_addresses() -> tuple[bytes, ...]:
    """The parts of a request between the addresses of both directions."""
    protocol = nested(2, attribute(1, b"\x11"), *(attribute(n, b"\x03\xe8") for n in (2, 3)))
    place = b"ADDR"
    tuples = [
        nested(kind, nested(1, attribute(1, place), attribute(2, place)), protocol)
        for kind in (1, 2)
    ]
    status = struct.pack(">I", IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED)
    body = b"\x02\0\0\0" + b"".join(tuples) + attribute(3, status)
    body += attribute(7, struct.pack(">I", 600))
    kind = NFNL_SUBSYS_CTNETLINK << 8
    head = struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_CREATE, 1, 0)
    return tuple((head + body).split(place))


IPS_SEEN_REPLY, IPS_ASSURED, IPS_CONFIRMED = 1 << 1, 1 << 2, 1 << 3
BATCH = 256
_NEW_CONNECTION, _TO, _MIDDLE, _, _END = _around_addresses()


def test_a_full_table_of_connections_is_named(lab: Lab, fabric: NetworkFabric) -> None:
    box = Box(lab, fabric, network(fabric), port(8080))
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=box.serve())
    assert fabric.diagnose() == ()
    Crowd().fill()
    assert not lab.is_reachable(lab.outside, HOST_ADDRESS, 8080)
    (found,) = fabric.diagnose()
    limit = hosts.conntrack().limit
    assert (found.key, found.values["limit"]) == ("network.conntrack-full", limit)
    assert found.values["double"] == 2 * limit
