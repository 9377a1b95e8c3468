"""Connection tracking: forget the udp flows to some ports.

A udp client that keeps sending from one port stays on the way its first packet went, also after
a port was published or given to another container; forgetting the flow sends it anew.

Light: standard library only.
Source: linux/netfilter/nfnetlink_conntrack.h.
"""

from __future__ import annotations

import errno
import struct
from _socket import inet_ntop

from budu.linux.netlink.wire import Connection, Message, attributes, nested

NFNL_SUBSYS_CTNETLINK = 1
IPCTNL_MSG_CT_GET = 1
IPCTNL_MSG_CT_DELETE = 2

CTA_TUPLE_ORIG = 1
CTA_TUPLE_IP = 1
CTA_TUPLE_PROTO = 2
CTA_IP_V4_DST = 2
CTA_IP_V6_DST = 4
CTA_PROTO_NUM = 1
CTA_PROTO_DST_PORT = 3

AF_UNSPEC = 0
AF_INET = 2
AF_INET6 = 10
IPPROTO_UDP = 17

_NFGENMSG = struct.Struct(">BBH")  # family, version, resource id


def delete_udp_flows(connection: Connection, ports: set[int], *, addresses: set[str]) -> int:
    """Forget the udp flows whose first packet went to one of `ports` at one of `addresses`.

    Returns how many there were.

    Raises: OSError when the kernel refuses the dump.
    """
    request = _message(IPCTNL_MSG_CT_GET, b"", AF_UNSPEC, label="list tracked connections")
    doomed = []
    for reply in connection.dump(request):
        original = attributes(reply.body, _NFGENMSG.size).get(CTA_TUPLE_ORIG, b"")
        if _udp_port(original) in ports and _destination(original) in addresses:
            doomed.append(original)
    return sum(_delete(connection, original) for original in doomed)


def _delete(connection: Connection, original: bytes) -> bool:
    body = nested(CTA_TUPLE_ORIG, original)
    try:
        family = AF_INET6 if ":" in _destination(original) else AF_INET
        connection.execute(_message(IPCTNL_MSG_CT_DELETE, body, family, label="forget a udp flow"))
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    return True


def _udp_port(original: bytes) -> int | None:
    proto = attributes(attributes(original).get(CTA_TUPLE_PROTO, b""))
    if proto.get(CTA_PROTO_NUM, b"")[:1] != bytes((IPPROTO_UDP,)):
        return None
    return int.from_bytes(proto.get(CTA_PROTO_DST_PORT, b"")[:2], "big")


def _destination(original: bytes) -> str:
    found = attributes(attributes(original).get(CTA_TUPLE_IP, b""))
    if CTA_IP_V4_DST in found:
        return inet_ntop(AF_INET, found[CTA_IP_V4_DST])
    return inet_ntop(AF_INET6, found[CTA_IP_V6_DST]) if CTA_IP_V6_DST in found else ""


def _message(kind: int, body: bytes, family: int, *, label: str) -> Message:
    header = _NFGENMSG.pack(family, 0, 0)
    return Message(NFNL_SUBSYS_CTNETLINK << 8 | kind, 0, header, body, label=label)
