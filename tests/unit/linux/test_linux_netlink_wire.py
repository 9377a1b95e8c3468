"""Messages, attributes and acknowledgements as bytes."""

from __future__ import annotations

import errno
import struct

from hypothesis import given
from hypothesis import strategies as st

from budu.linux.netlink import wire

EXTENDED_TEXT = b"\x1b\0\x01\0Nexthop has no gateway\0\0"


def make_error_reply(code: int, *, flags: int, rest: bytes = b"") -> wire.Reply:
    echoed = struct.pack("=IHHII", 28, 24, 5, 3, 0)
    return wire.Reply(wire.NLMSG_ERROR, flags, 3, struct.pack("=i", -code) + echoed + rest)


@given(st.lists(st.tuples(st.integers(1, 0x3FFF), st.binary(max_size=40)), max_size=6))
def test_attributes_come_back_as_they_went(pairs: list[tuple[int, bytes]]) -> None:
    data = b"".join(wire.attribute(kind, payload) for kind, payload in pairs)
    assert len(data) % 4 == 0
    assert list(wire.iterate_attributes(data)) == pairs


@given(st.binary(max_size=80))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    list(wire.iterate_attributes(data))
    list(wire.parse_replies(data))


def test_nested_flag_is_stripped() -> None:
    data = wire.nested(18, wire.string(1, "veth"))
    assert wire.attributes(wire.attributes(data)[18])[1] == b"veth\0"


def test_replies_are_split_at_their_aligned_lengths() -> None:
    first = wire.Message(16, 0, b"abcde").encode(1)
    second = wire.Message(17, 0, b"").encode(2)
    replies = list(wire.parse_replies(first + second))
    assert [(r.kind, r.sequence, r.body) for r in replies] == [(16, 1, b"abcde"), (17, 2, b"")]


def test_error_carries_the_kernels_words_after_a_capped_echo() -> None:
    flags = wire.NLM_F_CAPPED | wire.NLM_F_ACK_TLVS
    reply = make_error_reply(errno.ENETUNREACH, flags=flags, rest=EXTENDED_TEXT)
    error = wire.make_error(reply, "add route")
    assert error.errno == errno.ENETUNREACH
    assert "Nexthop has no gateway" in str(error)
    assert error.filename == "add route"


def test_error_text_follows_a_whole_echo() -> None:
    reply = make_error_reply(
        errno.EINVAL, flags=wire.NLM_F_ACK_TLVS, rest=b"twelve bytes" + EXTENDED_TEXT
    )
    assert wire.error_text(reply) == "Nexthop has no gateway"


def test_error_without_words_is_the_errno() -> None:
    error = wire.make_error(make_error_reply(errno.EEXIST, flags=0), "")
    assert isinstance(error, FileExistsError)


def test_acknowledgement_is_no_error() -> None:
    assert wire.error_code(make_error_reply(0, flags=wire.NLM_F_CAPPED)) == 0
