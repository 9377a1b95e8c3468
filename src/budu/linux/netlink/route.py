"""rtnetlink: links, addresses and routes as messages to send and records to read.

The builders are pure; a `wire.Connection(NETLINK_ROUTE)` sends what they return. An address says
by its form which family it is of.

Light: standard library only. Neighbour: `link_kinds` makes links of rarer kinds.
Source: man 7 rtnetlink; linux/if_link.h, linux/if_addr.h, linux/rtnetlink.h, linux/veth.h.
"""

from __future__ import annotations

import errno
import struct
from _socket import inet_ntop, inet_pton

from budu.linux.netlink.wire import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    Connection,
    Message,
    Reply,
    as_text,
    as_u32,
    attribute,
    attributes,
    nested,
    string,
    u8,
    u32,
)

AF_UNSPEC = 0
AF_INET = 2
AF_INET6 = 10

RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTM_NEWADDR = 20
RTM_DELADDR = 21
RTM_GETADDR = 22
RTM_NEWROUTE = 24
RTM_DELROUTE = 25
RTM_GETROUTE = 26

RTNLGRP_LINK = 1

IFF_UP = 0x1

IFLA_ADDRESS = 1
IFLA_IFNAME = 3
IFLA_MTU = 4
IFLA_MASTER = 10
IFLA_LINKINFO = 18
IFLA_IFALIAS = 20
IFLA_AF_SPEC = 26
IFLA_NET_NS_FD = 28
IFLA_NUM_TX_QUEUES = 31
IFLA_NUM_RX_QUEUES = 32
IFLA_INFO_KIND = 1
IFLA_INFO_DATA = 2
IFLA_INFO_SLAVE_KIND = 4
IFLA_INFO_SLAVE_DATA = 5
IFLA_BRPORT_MODE = 4  # hairpin
IFLA_BRPORT_ISOLATED = 33
IFLA_INET6_ADDR_GEN_MODE = 8
IN6_ADDR_GEN_MODE_NONE = 1
VETH_INFO_PEER = 1

IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_BROADCAST = 4
IFA_FLAGS = 8
IFA_F_NODAD = 0x02
IFA_F_PERMANENT = 0x80

RTA_DST = 1
RTA_OIF = 4
RTA_GATEWAY = 5
RTA_TABLE = 15
RT_TABLE_MAIN = 254
RTPROT_BOOT = 3
RT_SCOPE_UNIVERSE = 0
RT_SCOPE_LINK = 253
RT_SCOPE_NOWHERE = 255
RTN_UNICAST = 1

LOOPBACK_INDEX = 1

_IFINFOMSG = struct.Struct("=BxHiII")  # family, type, index, flags, change
_IFADDRMSG = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
_RTMSG = struct.Struct("=BBBBBBBBI")  # family, dst, src, tos, table, protocol, scope, type, flags


class Link:
    """A network interface. `master` is the index of its bridge, 0 without one."""

    __slots__ = ("alias", "index", "is_up", "kind", "mac", "master", "mtu", "name")

    def __init__(
        self,
        *,
        index: int,
        name: str,
        kind: str,
        is_up: bool,
        mtu: int,
        master: int,
        mac: str,
        alias: str = "",
    ) -> None:
        self.index = index
        self.name = name
        self.kind = kind
        self.is_up = is_up
        self.mtu = mtu
        self.master = master
        self.mac = mac
        self.alias = alias


class Address:
    """An address on the link `index`."""

    __slots__ = ("address", "index", "prefix_length")

    def __init__(self, *, index: int, address: str, prefix_length: int) -> None:
        self.index = index
        self.address = address
        self.prefix_length = prefix_length


class Route:
    """A route; the default route has destination 0.0.0.0 or :: and prefix length 0.

    `gateway` is empty for a directly connected network; `index` is 0 when no link is named.
    """

    __slots__ = ("destination", "gateway", "index", "prefix_length", "table")

    def __init__(
        self, *, destination: str, prefix_length: int, gateway: str, index: int, table: int
    ) -> None:
        self.destination = destination
        self.prefix_length = prefix_length
        self.gateway = gateway
        self.index = index
        self.table = table


def family_of(address: str) -> int:
    """AF_INET or AF_INET6, by the form of the address."""
    return AF_INET6 if ":" in address else AF_INET


def pack_address(address: str) -> bytes:
    """The four or sixteen bytes of an address."""
    return inet_pton(family_of(address), address)


def pack_mac(mac: str) -> bytes:
    """The six bytes of `02:42:ac:11:00:02`."""
    return bytes.fromhex(mac.replace(":", ""))


def format_mac(data: bytes) -> str:
    """`02:42:ac:11:00:02` for its six bytes."""
    return data.hex(":") if data else ""


def create_bridge(name: str, *, mac: str, mtu: int = 0) -> Message:
    """A new bridge, down. With a MAC of its own it does not take over that of a port."""
    return Message(
        RTM_NEWLINK,
        NLM_F_CREATE | NLM_F_EXCL,
        _IFINFOMSG.pack(0, 0, 0, 0, 0),
        string(IFLA_IFNAME, name),
        attribute(IFLA_ADDRESS, pack_mac(mac)),
        u32(IFLA_MTU, mtu) if mtu else b"",
        nested(IFLA_LINKINFO, string(IFLA_INFO_KIND, "bridge")),
        label=f"create bridge {name}",
    )


def create_veth(
    name: str,
    *,
    master: int,
    mtu: int,
    peer_name: str,
    peer_netns_fd: int,
    peer_index: int,
    peer_mac: str,
) -> Message:
    """A veth pair: `name` here, up and on the bridge `master`; its peer in another namespace.

    The peer's index is forced, so that it is known without asking. The peer must not be created
    up (the kernel answers ENOTCONN); one queue per direction keeps the pair small.
    """
    queues = u32(IFLA_NUM_TX_QUEUES, 1) + u32(IFLA_NUM_RX_QUEUES, 1)
    peer = (
        _IFINFOMSG.pack(0, 0, peer_index, 0, 0)
        + string(IFLA_IFNAME, peer_name)
        + attribute(IFLA_ADDRESS, pack_mac(peer_mac))
        + u32(IFLA_MTU, mtu)
        + u32(IFLA_NET_NS_FD, peer_netns_fd)
        + queues
    )
    return Message(
        RTM_NEWLINK,
        NLM_F_CREATE | NLM_F_EXCL,
        _IFINFOMSG.pack(0, 0, 0, IFF_UP, IFF_UP),
        string(IFLA_IFNAME, name),
        u32(IFLA_MTU, mtu),
        u32(IFLA_MASTER, master),
        queues,
        nested(
            IFLA_LINKINFO,
            string(IFLA_INFO_KIND, "veth"),
            nested(IFLA_INFO_DATA, nested(VETH_INFO_PEER, peer)),
        ),
        label=f"create veth {name} with peer {peer_name}",
    )


def set_link(
    index: int,
    *,
    up: bool | None = None,
    mtu: int | None = None,
    master: int | None = None,
    mac: str | None = None,
) -> Message:
    """Change what is given of the link `index`; `master=0` takes it off its bridge."""
    flags, change = (IFF_UP if up else 0, 0 if up is None else IFF_UP)
    parts = [_IFINFOMSG.pack(0, 0, index, flags, change)]
    if mtu is not None:
        parts.append(u32(IFLA_MTU, mtu))
    if master is not None:
        parts.append(u32(IFLA_MASTER, master))
    if mac is not None:
        parts.append(attribute(IFLA_ADDRESS, pack_mac(mac)))
    return Message(RTM_NEWLINK, 0, *parts, label=f"change link {index}")


def move_link(index: int, netns_fd: int, *, name: str) -> Message:
    """Put the link `index` into another network namespace, under this name."""
    return Message(
        RTM_NEWLINK,
        0,
        _IFINFOMSG.pack(0, 0, index, 0, IFF_UP),
        string(IFLA_IFNAME, name),
        u32(IFLA_NET_NS_FD, netns_fd),
        label=f"move link {index}",
    )


def rename_link(index: int, name: str) -> Message:
    """Give the link `index`, which is down, another name."""
    return Message(
        RTM_NEWLINK,
        0,
        _IFINFOMSG.pack(0, 0, index, 0, 0),
        string(IFLA_IFNAME, name),
        label=f"name link {index} {name}",
    )


def set_alias(name: str, alias: str) -> Message:
    """Write a note of at most 255 bytes on a link, as `ip link` shows it."""
    return Message(
        RTM_NEWLINK,
        0,
        _IFINFOMSG.pack(0, 0, 0, 0, 0),
        string(IFLA_IFNAME, name),
        attribute(IFLA_IFALIAS, alias.encode()),
        label=f"set alias of {name}",
    )


def set_hairpin(name: str) -> Message:
    """Let the bridge port `name` send frames back where they came from.

    Needed only where br_netfilter rewrites bridged frames (net.bridge.bridge-nf-call-iptables).
    """
    return _set_port(name, IFLA_BRPORT_MODE, label=f"set hairpin mode of {name}")


def isolate_port(name: str) -> Message:
    """Keep the bridge port `name` from talking to other isolated ports of its bridge."""
    return _set_port(name, IFLA_BRPORT_ISOLATED, label=f"isolate {name} from its neighbours")


def _set_port(name: str, switch: int, *, label: str) -> Message:
    """Turn a switch of a bridge's port on."""
    port = nested(
        IFLA_LINKINFO,
        string(IFLA_INFO_SLAVE_KIND, "bridge"),
        nested(IFLA_INFO_SLAVE_DATA, u8(switch, 1)),
    )
    head = _IFINFOMSG.pack(0, 0, 0, 0, 0)
    return Message(RTM_NEWLINK, 0, head, string(IFLA_IFNAME, name), port, label=label)


def omit_ipv6_address(index: int) -> Message:
    """No automatic IPv6 link-local address on the link `index`; to be sent before it goes up.

    Fails with EAFNOSUPPORT where IPv6 is off.
    """
    mode = u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE)
    return Message(
        RTM_NEWLINK,
        0,
        _IFINFOMSG.pack(0, 0, index, 0, 0),
        nested(IFLA_AF_SPEC, nested(AF_INET6, mode)),
        label=f"omit the IPv6 address of link {index}",
    )


def delete_link_at(index: int) -> Message:
    """Remove the link `index`, inside a sandbox where its name may be anything."""
    return Message(RTM_DELLINK, 0, _IFINFOMSG.pack(0, 0, index, 0, 0), label=f"remove link {index}")


def delete_link(name: str) -> Message:
    """Remove a link and, of a veth, its peer. Takes 15 ms or more: the kernel waits for RCU."""
    return Message(
        RTM_DELLINK,
        0,
        _IFINFOMSG.pack(0, 0, 0, 0, 0),
        string(IFLA_IFNAME, name),
        label=f"remove link {name}",
    )


def add_address(index: int, address: str, *, prefix_length: int) -> Message:
    """Give the link `index` an address; an IPv6 one is used at once, nobody is asked for it."""
    return _address_message(
        RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, (index, address, prefix_length), "add"
    )


def delete_address(index: int, address: str, *, prefix_length: int) -> Message:
    """Take an address from the link `index`."""
    return _address_message(RTM_DELADDR, 0, (index, address, prefix_length), "remove")


def _broadcast(packed: bytes, prefix_length: int) -> tuple[bytes, ...]:
    """The last address of an IPv4 subnet; links between two, and IPv6, have none."""
    if len(packed) != 4 or prefix_length > 30:
        return ()
    last = int.from_bytes(packed, "big") | ((1 << (32 - prefix_length)) - 1)
    return (attribute(IFA_BROADCAST, last.to_bytes(4, "big")),)


def _address_message(kind: int, flags: int, where: tuple[int, str, int], verb: str) -> Message:
    index, address, prefix_length = where
    family, packed = family_of(address), pack_address(address)
    wanted = IFA_F_PERMANENT | (IFA_F_NODAD if family == AF_INET6 else 0)
    return Message(
        kind,
        flags,
        _IFADDRMSG.pack(family, prefix_length, wanted, RT_SCOPE_UNIVERSE, index),
        attribute(IFA_LOCAL, packed),
        attribute(IFA_ADDRESS, packed),
        *_broadcast(packed, prefix_length),
        u32(IFA_FLAGS, wanted),
        label=f"{verb} address {address}/{prefix_length}",
    )


def add_route(
    index: int, *, destination: str = "0.0.0.0", prefix_length: int = 0, gateway: str = ""
) -> Message:
    """A route through the link `index`: by default the default route.

    The family is the gateway's, without one the destination's.
    """
    scope = RT_SCOPE_UNIVERSE if gateway else RT_SCOPE_LINK
    where = (index, destination, prefix_length, gateway)
    return _route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, where, scope)


def delete_route(
    index: int, *, destination: str = "0.0.0.0", prefix_length: int = 0, gateway: str = ""
) -> Message:
    """Take a route of the main table away that leads through the link `index`."""
    return _route_message(
        RTM_DELROUTE, 0, (index, destination, prefix_length, gateway), RT_SCOPE_NOWHERE
    )


def _route_message(kind: int, flags: int, where: tuple[int, str, int, str], scope: int) -> Message:
    index, destination, prefix_length, gateway = where
    family = family_of(gateway or destination)
    head = (family, prefix_length, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, scope, RTN_UNICAST, 0)
    if kind == RTM_DELROUTE:
        head = (family, prefix_length, 0, 0, RT_TABLE_MAIN, 0, scope, 0, 0)
    parts = [_RTMSG.pack(*head)]
    if prefix_length:
        parts.append(attribute(RTA_DST, pack_address(destination)))
    if gateway:
        parts.append(attribute(RTA_GATEWAY, pack_address(gateway)))
    parts.append(u32(RTA_OIF, index))
    verb = "remove" if kind == RTM_DELROUTE else "add"
    return Message(
        kind,
        flags,
        *parts,
        label=f"{verb} route {destination}/{prefix_length}"
        + (f" via {gateway}" if gateway else ""),
    )


def parse_link(reply: Reply) -> Link:
    """The link of an RTM_NEWLINK message."""
    _family, _type, index, flags, _change = _IFINFOMSG.unpack_from(reply.body)
    found = attributes(reply.body, _IFINFOMSG.size)
    info = attributes(found.get(IFLA_LINKINFO, b""))
    return Link(
        index=index,
        name=as_text(found.get(IFLA_IFNAME, b"")),
        kind=as_text(info.get(IFLA_INFO_KIND, b"")),
        is_up=bool(flags & IFF_UP),
        mtu=as_u32(found.get(IFLA_MTU, b"")),
        master=as_u32(found.get(IFLA_MASTER, b"")),
        mac=format_mac(found.get(IFLA_ADDRESS, b"")),
        alias=as_text(found.get(IFLA_IFALIAS, b"")),
    )


def gone_link(reply: Reply) -> str:
    """The name of the link that an RTM_DELLINK message says is gone; empty for other messages,
    also for one that says that a link left its bridge."""
    if reply.kind != RTM_DELLINK or reply.body[0] != AF_UNSPEC:
        return ""
    return parse_link(reply).name


def parse_address(reply: Reply) -> Address | None:
    """The address of an RTM_NEWADDR message, None for families that are not of the internet."""
    family, prefix_length, _flags, _scope, index = _IFADDRMSG.unpack_from(reply.body)
    found = attributes(reply.body, _IFADDRMSG.size)
    packed = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS)
    if family not in (AF_INET, AF_INET6) or packed is None:
        return None
    return Address(index=index, address=inet_ntop(family, packed), prefix_length=prefix_length)


def parse_route(reply: Reply) -> Route | None:
    """The unicast route of an RTM_NEWROUTE message, None for others."""
    fields = _RTMSG.unpack_from(reply.body)
    family = fields[0]
    if family not in (AF_INET, AF_INET6) or fields[7] != RTN_UNICAST:
        return None
    found = attributes(reply.body, _RTMSG.size)
    gateway = found.get(RTA_GATEWAY)
    unspecified = b"\0" * (16 if family == AF_INET6 else 4)
    return Route(
        destination=inet_ntop(family, found.get(RTA_DST, unspecified)),
        prefix_length=fields[1],
        gateway=inet_ntop(family, gateway) if gateway else "",
        index=as_u32(found.get(RTA_OIF, b"")),
        table=as_u32(found[RTA_TABLE]) if RTA_TABLE in found else fields[4],
    )


def links(connection: Connection) -> list[Link]:
    """All links of the connection's network namespace."""
    request = Message(RTM_GETLINK, 0, _IFINFOMSG.pack(0, 0, 0, 0, 0), label="list links")
    return [parse_link(reply) for reply in connection.dump(request)]


def addresses(connection: Connection, *, family: int = AF_INET) -> list[Address]:
    """All addresses of one family in the connection's network namespace."""
    request = Message(RTM_GETADDR, 0, _IFADDRMSG.pack(family, 0, 0, 0, 0), label="list addresses")
    found = (parse_address(reply) for reply in connection.dump(request))
    return [address for address in found if address is not None]


def routes(connection: Connection, *, family: int = AF_INET) -> list[Route]:
    """All unicast routes of one family in the connection's namespace, of every table."""
    request = Message(
        RTM_GETROUTE, 0, _RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0), label="list routes"
    )
    found = (parse_route(reply) for reply in connection.dump(request))
    return [route for route in found if route is not None]


def find_link(connection: Connection, name: str) -> Link | None:
    """The link called `name`, or None."""
    request = Message(
        RTM_GETLINK,
        0,
        _IFINFOMSG.pack(0, 0, 0, 0, 0),
        string(IFLA_IFNAME, name),
        label=f"find link {name}",
    )
    try:
        return parse_link(connection.get(request))
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        return None
