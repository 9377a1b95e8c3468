"""Netlink on the wire: messages, attributes, acknowledgements with the kernel's own words.

`Message` is a request without a sequence number, so that builders stay pure and testable.
`Connection` sends any number of them in one datagram and asks for one acknowledgement, of the
last; the kernel reports a failure of an earlier one unasked. The kernel answers inside `send`,
so no receive here ever waits. Not thread-safe: one connection belongs to one thread at a time.

Light: standard library only, nothing heavy. Neighbours: `route` and `nftables` build the bodies,
`sockets` opens a connection inside another network namespace.
Source: linux/netlink.h; Documentation/userspace-api/netlink/intro.rst.
"""

from __future__ import annotations

import errno
import os
import struct
from _socket import (
    AF_NETLINK,
    MSG_DONTWAIT,
    SO_RCVBUF,
    SOCK_CLOEXEC,
    SOCK_RAW,
    SOL_SOCKET,
    socket,
)
from sys import byteorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NETLINK_ROUTE = 0
NETLINK_NETFILTER = 12

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_ROOT = 0x100
NLM_F_MATCH = 0x200
NLM_F_DUMP = NLM_F_ROOT | NLM_F_MATCH
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_CAPPED = 0x100
NLM_F_ACK_TLVS = 0x200

NLMSG_ERROR = 0x2
NLMSG_DONE = 0x3

NLA_F_NESTED = 0x8000
NLA_TYPE_MASK = 0x3FFF

SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP = 1
NETLINK_CAP_ACK = 10
NETLINK_EXT_ACK = 11
SO_SNDBUFFORCE = 32

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: len, type, flags, seq, pid
_ATTRIBUTE = struct.Struct("=HH")  # struct nlattr: len, type
_ERROR = struct.Struct("=i")
_NLMSGERR_ATTR_MSG = 1
_RECEIVE_BYTES = 1 << 16
_DUMP_BUFFER_BYTES = 1 << 20
_BATCH_BUFFER_BYTES = 8 << 20


class Message:
    """One request: `kind` is nlmsg_type, `body` everything after the header.

    `label` says in words what it asks for and stands in the error.
    """

    __slots__ = ("body", "flags", "kind", "label")

    def __init__(self, kind: int, flags: int, *parts: bytes, label: str = "") -> None:
        self.kind = kind
        self.flags = flags
        self.body = b"".join(parts)
        self.label = label

    def encode(self, sequence: int, extra_flags: int = 0) -> bytes:
        """The bytes with the header; the length is a multiple of four."""
        length = _HEADER.size + len(self.body)
        flags = self.flags | NLM_F_REQUEST | extra_flags
        return _HEADER.pack(length, self.kind, flags, sequence, 0) + pad(self.body)


class Reply:
    """One message from the kernel; `body` is everything after the header.

    `port` is that of the socket whose request the message is about, where the kernel says it.
    """

    __slots__ = ("body", "flags", "kind", "port", "sequence")

    def __init__(self, kind: int, flags: int, sequence: int, body: bytes, port: int = 0) -> None:
        self.kind = kind
        self.flags = flags
        self.sequence = sequence
        self.body = body
        self.port = port


def pad(data: bytes) -> bytes:
    """`data` filled with zeros to the next multiple of four."""
    return data + b"\0" * (-len(data) % 4)


def attribute(kind: int, payload: bytes) -> bytes:
    """A `struct nlattr` with its payload."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(payload), kind) + pad(payload)


def nested(kind: int, *children: bytes) -> bytes:
    """An attribute that holds attributes."""
    return attribute(kind | NLA_F_NESTED, b"".join(children))


def string(kind: int, text: str) -> bytes:
    """A NUL-terminated string attribute."""
    return attribute(kind, text.encode() + b"\0")


def u8(kind: int, value: int) -> bytes:
    """An 8-bit attribute."""
    return attribute(kind, bytes((value,)))


def u16(kind: int, value: int) -> bytes:
    """A 16-bit attribute in host order."""
    return attribute(kind, value.to_bytes(2, byteorder))


def u32(kind: int, value: int) -> bytes:
    """A 32-bit attribute in host order, as rtnetlink has them."""
    return attribute(kind, value.to_bytes(4, byteorder))


def u32_be(kind: int, value: int) -> bytes:
    """A 32-bit attribute in network order, as nf_tables has them."""
    return attribute(kind, value.to_bytes(4, "big"))


def as_u32(payload: bytes) -> int:
    """The value of a host-order 32-bit attribute."""
    return int.from_bytes(payload[:4], byteorder)


def as_text(payload: bytes) -> str:
    """The value of a string attribute."""
    return payload.split(b"\0", 1)[0].decode(errors="replace")


def iterate_attributes(data: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """The `(type, payload)` pairs from `offset` on, flags stripped from the type."""
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            return
        yield kind & NLA_TYPE_MASK, data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


def attributes(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes from `offset` on, by type; of repeated ones the last."""
    return dict(iterate_attributes(data, offset))


def parse_replies(datagram: bytes) -> Iterator[Reply]:
    """The messages of one datagram."""
    offset = 0
    while offset + _HEADER.size <= len(datagram):
        length, kind, flags, sequence, port = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size:
            return
        body = datagram[offset + _HEADER.size : offset + length]
        yield Reply(kind, flags, sequence, body, port)
        offset += (length + 3) & ~3


def error_code(reply: Reply) -> int:
    """The errno of an NLMSG_ERROR or NLMSG_DONE message; 0 is an acknowledgement."""
    return -int(_ERROR.unpack_from(reply.body, 0)[0]) if len(reply.body) >= 4 else 0


def error_text(reply: Reply) -> str:
    """The kernel's own sentence about the failure (extended ack), or an empty text."""
    if not reply.flags & NLM_F_ACK_TLVS or len(reply.body) < 4 + _HEADER.size:
        return ""
    echoed = _HEADER.size
    if not reply.flags & NLM_F_CAPPED:
        echoed = (_HEADER.unpack_from(reply.body, 4)[0] + 3) & ~3
    found = attributes(reply.body, 4 + echoed).get(_NLMSGERR_ATTR_MSG)
    return as_text(found) if found else ""


def make_error(reply: Reply, label: str) -> OSError:
    """The OSError of a failed request, of Python's subclass for its errno."""
    code, said = error_code(reply), error_text(reply)
    text = os.strerror(code) + (f" ({said})" if said else "")
    return OSError(code, text, label) if label else OSError(code, text)


class Connection:
    """A netlink socket. The creator closes it.

    It stays in the network namespace in which it was opened, wherever its thread goes.
    """

    __slots__ = ("_sequence", "_socket")

    def __init__(self, protocol: int) -> None:
        self._socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)
        self._sequence = 0
        try:
            self._socket.bind((0, 0))
            self._socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
            self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        except OSError:
            self._socket.close()
            raise

    def close(self) -> None:
        """Close the socket; a second time does nothing."""
        self._socket.close()

    def allow_large_batches(self) -> None:
        """Raise the buffers for datagrams of several megabytes; needs CAP_NET_ADMIN."""
        self._socket.setsockopt(SOL_SOCKET, SO_SNDBUFFORCE, _BATCH_BUFFER_BYTES)
        self._socket.setsockopt(SOL_SOCKET, SO_RCVBUF, _DUMP_BUFFER_BYTES)

    def fileno(self) -> int:
        """The descriptor, for waiting until something can be read."""
        return self._socket.fileno()

    @property
    def port(self) -> int:
        """The socket's own port id, by which the kernel names it in notifications."""
        return int(self._socket.getsockname()[0])

    def subscribe(self, *groups: int) -> None:
        """Get the notifications of these multicast groups. Raises: OSError."""
        for group in groups:
            self._socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)

    def notifications(self) -> list[Reply] | None:
        """What has been notified since the last time; None when some of it was lost."""
        found: list[Reply] = []
        while True:
            try:
                found += parse_replies(self._socket.recv(_RECEIVE_BYTES, MSG_DONTWAIT))
            except BlockingIOError:
                return found
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                return None

    def execute(self, *messages: Message, optional: tuple[Message, ...] = ()) -> None:
        """Send `optional` and then `messages` in one datagram; wait for the last to be done.

        Failures of `optional` ones are ignored. The kernel carries on after a failed message,
        so the caller undoes what the others did.

        Raises: OSError with the errno, the kernel's words and the label of the first failure.
        """
        first, last = self._send(optional + messages)
        required = first + len(optional)
        for reply in self._outcome(first, last):
            if reply.sequence >= required and error_code(reply):
                raise make_error(reply, messages[reply.sequence - required].label)

    def execute_batch(self, messages: tuple[Message, ...]) -> None:
        """Send a nf_tables batch (begin, changes, end); all changes are made, or none.

        Raises: OSError as `execute`.
        """
        first, last = self._send(messages, acknowledge=len(messages) - 2)
        for reply in self._outcome(first, last):
            if error_code(reply):
                raise make_error(reply, messages[reply.sequence - first].label)

    def dump(self, message: Message) -> list[Reply]:
        """Every object that the dump request names.

        Raises: OSError as `execute`.
        """
        _first, sequence = self._send((message,), flags=NLM_F_DUMP, acknowledge=-1)
        found: list[Reply] = []
        while True:
            for reply in self._receive():
                if reply.sequence != sequence:
                    continue
                if reply.kind in (NLMSG_DONE, NLMSG_ERROR):
                    if error_code(reply):
                        raise make_error(reply, message.label)
                    return found
                found.append(reply)

    def get(self, message: Message) -> Reply:
        """The one object that the request names.

        Raises: OSError as `execute`; FileNotFoundError or ENODEV when it does not exist.
        """
        _first, sequence = self._send((message,), acknowledge=-1)
        while True:
            for reply in self._receive():
                if reply.sequence != sequence:
                    continue
                if reply.kind == NLMSG_ERROR:
                    raise make_error(reply, message.label)
                return reply

    def _send(
        self, messages: tuple[Message, ...], *, flags: int = 0, acknowledge: int | None = None
    ) -> tuple[int, int]:
        """Send; `acknowledge` is the index of the message to ack, the last when None.

        Returns the first sequence number and that of the acknowledged message.
        """
        first = self._sequence + 1
        self._sequence += len(messages)
        acked = len(messages) - 1 if acknowledge is None else acknowledge
        self._socket.send(
            b"".join(
                message.encode(first + index, flags | (NLM_F_ACK if index == acked else 0))
                for index, message in enumerate(messages)
            )
        )
        return first, first + max(acked, 0)

    def _outcome(self, first: int, last: int) -> list[Reply]:
        """The errors and acknowledgements of the messages `first` to `last`.

        Answers left over from an earlier, failed exchange carry lower numbers and are skipped.
        A batch that is refused at its first message is answered for that one only.
        """
        found: list[Reply] = []
        while not found or found[-1].sequence < last:
            try:
                replies = list(self._receive())
            except BlockingIOError:
                if found:
                    break
                raise OSError(
                    errno.EPROTO, "the kernel left a netlink request unanswered"
                ) from None
            found += [r for r in replies if r.kind == NLMSG_ERROR and r.sequence >= first]
        return found

    def _receive(self) -> Iterator[Reply]:
        return parse_replies(self._socket.recv(_RECEIVE_BYTES, MSG_DONTWAIT))
