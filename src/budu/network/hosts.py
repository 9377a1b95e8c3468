"""What the host's own network looks like: its networks, its MTU, its kernel switches.

Source: Documentation/networking/ip-sysctl.rst (ip_forward, forwarding, accept_ra).
"""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path

import msgspec

from budu.linux.netlink import route
from budu.linux.netlink.wire import Connection
from budu.network.ipam import Prefix

SYSCTL = Path("/proc/sys/net")
_LARGEST_AUTOMATIC_MTU = 1500
_FULL = 0.95
_FAMILIES = (route.AF_INET, route.AF_INET6)
_PRIVATE = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
    "fe80::/10",
)


def host_networks(connection: Connection) -> list[Prefix]:
    """Every network that a route or an address of the host covers."""
    found: list[Prefix] = []
    for family in _FAMILIES:
        entries = [
            (each.destination, each.prefix_length)
            for each in route.routes(connection, family=family)
        ]
        entries += [
            (each.address, each.prefix_length)
            for each in route.addresses(connection, family=family)
        ]
        found += [ip_network(each, strict=False) for each in entries]
    return found


def neighbourhood(connection: Connection) -> tuple[str, ...]:
    """The networks that the host is connected to, and all private ones."""
    connected = {
        str(ip_network((each.address, each.prefix_length), strict=False))
        for family in _FAMILIES
        for each in route.addresses(connection, family=family)
    }
    return tuple(sorted({*connected, *_PRIVATE}))


def host_mtu(connection: Connection) -> int:
    """The MTU of the host's default route's link, at most 1500; 1500 without such a route."""
    for entry in route.routes(connection):
        if entry.prefix_length == 0 and entry.index and entry.table == route.RT_TABLE_MAIN:
            for link in route.links(connection):
                if link.index == entry.index:
                    return min(link.mtu, _LARGEST_AUTOMATIC_MTU)
    return _LARGEST_AUTOMATIC_MTU


def has_ipv6() -> bool:
    """Whether the kernel speaks IPv6 at all."""
    return (SYSCTL / "ipv6").exists()


def forwards(version: int) -> bool:
    """Whether the host passes packets of one family on between its links."""
    path = "ipv4/ip_forward" if version == 4 else "ipv6/conf/all/forwarding"
    return read_switch(SYSCTL / path) == "1"


def forward(version: int) -> None:
    """Make the host a router of one family.

    A router no longer learns its own default route from its neighbours; links that did go on.
    """
    if version == 4:
        switch(SYSCTL / "ipv4/ip_forward", "1")
        return
    if forwards(6):
        return
    for each in (SYSCTL / "ipv6/conf").iterdir():
        if read_switch(each / "accept_ra") == "1":
            with suppress(OSError):
                (each / "accept_ra").write_text("2")
    switch(SYSCTL / "ipv6/conf/all/forwarding", "1")


def read_switch(path: Path) -> str:
    """What a file of /proc/sys says; empty when there is none."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def switch(path: Path, value: str) -> None:
    """Write a file of /proc/sys unless it says so already."""
    if read_switch(path) != value:
        path.write_text(value)


class Conntrack(msgspec.Struct, frozen=True, kw_only=True):
    """How many connections the kernel tracks, and how many it can; 0 where it tracks none."""

    count: int = 0
    limit: int = 0

    @property
    def is_full(self) -> bool:
        """Whether new connections are lost, or soon will be."""
        return self.limit > 0 and self.count >= self.limit * _FULL


def conntrack(root: Path = SYSCTL) -> Conntrack:
    """The connections tracked in this network namespace; `root` is its folder of switches."""
    numbers = [
        read_switch(root / "netfilter" / f"nf_conntrack_{each}") for each in ("count", "max")
    ]
    if not all(numbers):
        return Conntrack()
    return Conntrack(count=int(numbers[0]), limit=int(numbers[1]))
