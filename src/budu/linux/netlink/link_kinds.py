"""rtnetlink: links of rarer kinds, as messages: macvlan, ipvlan, VLAN sub-interfaces, dummies.

A child of `parent` can be made straight inside another network namespace. Kernels before 6.14 look
its name up in the namespace of the parent all the same, where it must be free too.

Light: standard library only. Neighbour: `route` (bridges, veth pairs, looking).
Source: linux/if_link.h (IFLA_MACVLAN_*, IFLA_IPVLAN_*, IFLA_VLAN_*); man 8 ip-link.
"""

from __future__ import annotations

import struct

from budu.linux.netlink.route import (
    IFF_UP,
    IFLA_ADDRESS,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    IFLA_MTU,
    IFLA_NET_NS_FD,
    RTM_NEWLINK,
    pack_mac,
)
from budu.linux.netlink.wire import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    Message,
    attribute,
    nested,
    string,
    u16,
    u32,
)

IFLA_LINK = 5
IFLA_MACVLAN_MODE = 1
IFLA_IPVLAN_MODE = 1
IFLA_IPVLAN_FLAGS = 2
IFLA_VLAN_ID = 1

MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8}
"""Names of the modes and their numbers, MACVLAN_MODE_*."""

IPVLAN_MODES = {"l2": 0, "l3": 1, "l3s": 2}
"""Names of the modes and their numbers, IPVLAN_MODE_*."""

IPVLAN_FLAGS = {"bridge": 0, "private": 1, "vepa": 2}
"""Names of the flags and their numbers, IPVLAN_F_*."""

_IFINFOMSG = struct.Struct("=BxHiII")  # family, type, index, flags, change


class Child:
    """A link to be made below another, inside the network namespace `netns_fd`.

    An empty `mac` leaves the choice to the kernel.
    """

    __slots__ = ("mac", "mtu", "name", "netns_fd", "parent")

    def __init__(self, *, parent: int, name: str, netns_fd: int, mtu: int, mac: str) -> None:
        self.parent = parent
        self.name = name
        self.netns_fd = netns_fd
        self.mtu = mtu
        self.mac = mac


def create_macvlan(child: Child, *, mode: str) -> Message:
    """A macvlan link; `mode` is one of `MACVLAN_MODES`."""
    return _create_child("macvlan", child, u32(IFLA_MACVLAN_MODE, MACVLAN_MODES[mode]))


def create_ipvlan(child: Child, *, mode: str, flag: str) -> Message:
    """An ipvlan link; it has its parent's MAC, so `child.mac` is left out."""
    data = u16(IFLA_IPVLAN_MODE, IPVLAN_MODES[mode]) + u16(IFLA_IPVLAN_FLAGS, IPVLAN_FLAGS[flag])
    child.mac = ""
    return _create_child("ipvlan", child, data)


def create_vlan(name: str, *, parent: int, vlan_id: int) -> Message:
    """A VLAN sub-interface, up."""
    return Message(
        RTM_NEWLINK,
        NLM_F_CREATE | NLM_F_EXCL,
        _IFINFOMSG.pack(0, 0, 0, IFF_UP, IFF_UP),
        string(IFLA_IFNAME, name),
        u32(IFLA_LINK, parent),
        nested(
            IFLA_LINKINFO,
            string(IFLA_INFO_KIND, "vlan"),
            nested(IFLA_INFO_DATA, u16(IFLA_VLAN_ID, vlan_id)),
        ),
        label=f"create VLAN {name}",
    )


def create_dummy(name: str) -> Message:
    """A link that leads nowhere, up."""
    return Message(
        RTM_NEWLINK,
        NLM_F_CREATE | NLM_F_EXCL,
        _IFINFOMSG.pack(0, 0, 0, IFF_UP, IFF_UP),
        string(IFLA_IFNAME, name),
        nested(IFLA_LINKINFO, string(IFLA_INFO_KIND, "dummy")),
        label=f"create dummy {name}",
    )


def _create_child(kind: str, child: Child, data: bytes) -> Message:
    return Message(
        RTM_NEWLINK,
        NLM_F_CREATE | NLM_F_EXCL,
        _IFINFOMSG.pack(0, 0, 0, 0, 0),
        string(IFLA_IFNAME, child.name),
        u32(IFLA_LINK, child.parent),
        u32(IFLA_NET_NS_FD, child.netns_fd),
        u32(IFLA_MTU, child.mtu) if child.mtu else b"",
        attribute(IFLA_ADDRESS, pack_mac(child.mac)) if child.mac else b"",
        nested(IFLA_LINKINFO, string(IFLA_INFO_KIND, kind), nested(IFLA_INFO_DATA, data)),
        label=f"create {kind} {child.name}",
    )
