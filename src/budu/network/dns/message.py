"""DNS messages: reading a query, writing an answer. Pure.

Only what a resolver between containers needs is understood: one question of class IN, the EDNS
buffer size. Answers of other servers are passed on as they are.
Source: RFC 1035, part 4; RFC 6891 (EDNS); RFC 2308 (empty answers).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec

A, PTR, AAAA, OPT = 1, 12, 28, 41
IN = 1

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)

UDP_BYTES = 512
"""The largest answer to a client that says nothing about its buffer."""
EDNS_BYTES = 4096
"""The largest datagram we announce and send: it goes through the loopback link, in one piece."""
MAX_BYTES = 65535
"""The largest message over TCP."""

_HEADER = struct.Struct(">HHHHHH")  # id, flags, questions, answers, authorities, additionals
_TWO = struct.Struct(">HH")
_RECORD = struct.Struct(">HHIH")  # type, class, time to live, length of the data
_QR, _TC, _RD, _RA = 0x8000, 0x0200, 0x0100, 0x0080
_OPCODE = 0x7800
_POINTER = b"\xc0\x0c"  # to the question's name, right behind the header
_MAX_NAME = 255


class FormatError(Exception):
    """The bytes are no query that can be understood."""


class Query(msgspec.Struct, frozen=True):
    """One question.

    `name` is in lower case without the last dot, empty for the root. `question` is it as it came.
    `limit` is how many bytes an answer by datagram may have; `has_edns` asks for the same in it.
    """

    id: int
    flags: int
    name: str
    type: int
    question: bytes
    limit: int
    has_edns: bool


def parse_query(data: bytes) -> Query:
    """Read a query.

    Raises: FormatError for anything else, answers included: those are not to be answered.
    """
    try:
        id_, flags, questions, answers, authorities, extras = _HEADER.unpack_from(data)
        if flags & _QR or questions != 1 or answers or authorities or extras > 1:
            raise FormatError("not one plain question")
        labels, end = _read_name(data, _HEADER.size)
        kind, class_ = _TWO.unpack_from(data, end)
        if class_ != IN:
            raise FormatError("not of the class IN")
        end += _TWO.size
        limit = _edns_limit(data, end) if extras else 0
    except (struct.error, IndexError) as error:
        raise FormatError(str(error)) from None
    return Query(
        id_,
        flags,
        ".".join(labels).lower(),
        kind,
        data[_HEADER.size : end],
        limit or UDP_BYTES,
        bool(limit),
    )


def _read_name(data: bytes, at: int) -> tuple[list[str], int]:
    """The labels of a name without pointers, and where it ends."""
    labels = []
    start = at
    while length := data[at]:
        if length > 63 or at - start > _MAX_NAME or at + length >= len(data):
            raise FormatError("a wrong name")
        labels.append(data[at + 1 : at + 1 + length].decode("latin-1"))
        at += 1 + length
    return labels, at + 1


def _edns_limit(data: bytes, at: int) -> int:
    """The client's buffer size if the additional record is OPT, at most ours; else 0."""
    if data[at]:
        return 0
    kind, size, _, _ = _RECORD.unpack_from(data, at + 1)
    return min(max(size, UDP_BYTES), EDNS_BYTES) if kind == OPT else 0


def is_standard(query: Query) -> bool:
    """Whether it asks, instead of notifying or updating."""
    return not query.flags & _OPCODE


def answer(query: Query, records: Sequence[bytes], *, ttl: int, code: int = NOERROR) -> bytes:
    """The answer with records of the question's own name and type: their data, for `ttl` s."""
    flags = _QR | _RA | (query.flags & (_RD | _OPCODE)) | code
    head = _HEADER.pack(query.id, flags, 1, len(records), 0, int(query.has_edns))
    body = b"".join(
        _POINTER + _RECORD.pack(query.type, IN, ttl, len(record)) + record for record in records
    )
    edns = b"\0" + _RECORD.pack(OPT, EDNS_BYTES, 0, 0) if query.has_edns else b""
    return head + query.question + body + edns


def refusal(data: bytes, code: int) -> bytes:
    """An answer without a question, to bytes of which only the id could be read; empty for less."""
    if len(data) < _HEADER.size or data[2] & 0x80:
        return b""
    id_, flags = _TWO.unpack_from(data)
    return _HEADER.pack(id_, _QR | _RA | (flags & (_RD | _OPCODE)) | code, 0, 0, 0, 0)


def fitted(query: Query, reply: bytes, *, limit: int) -> bytes:
    """The reply, or in place of a larger one the word that it is to be asked for over TCP."""
    if len(reply) <= limit:
        return reply
    flags = int.from_bytes(reply[2:4], "big") | _TC
    return _HEADER.pack(query.id, flags, 1, 0, 0, 0) + query.question


def is_reply_to(query: Query, data: bytes) -> bool:
    """Whether these bytes answer the query: its id and its question, whatever the case."""
    if len(data) < _HEADER.size:
        return False
    id_, flags, questions, *_ = _HEADER.unpack_from(data)
    if id_ != query.id or not flags & _QR:
        return False
    end = _HEADER.size + len(query.question)
    return questions != 1 or data[_HEADER.size : end].lower() == query.question.lower()


def code_of(reply: bytes) -> int:
    """The response code."""
    return reply[3] & 0xF


def encode_name(name: str) -> bytes:
    """A name as data of a record; a label that is too long is cut."""
    labels = (label.encode("latin-1", "replace")[:63] for label in name.split(".") if label)
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def reversed_address(name: str) -> bytes | None:
    """The packed address of `4.3.2.1.in-addr.arpa` or its IPv6 sister; None for another name."""
    if name.endswith(".in-addr.arpa"):
        parts = name.removesuffix(".in-addr.arpa").split(".")
        if len(parts) == 4 and all(_is_byte(part) for part in parts):
            return bytes(int(part) for part in reversed(parts))
    if name.endswith(".ip6.arpa"):
        parts = name.removesuffix(".ip6.arpa").split(".")
        if len(parts) == 32 and all(part in _HEX and len(part) == 1 for part in parts):
            return bytes.fromhex("".join(reversed(parts)))
    return None


_HEX = frozenset("0123456789abcdef")


def _is_byte(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) <= 255
