"""Detach keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import InvalidArgument
from budu.engine.containers.detach import parse_detach_keys

KEYS = "ab"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (None, b"\x10\x11"),
        ("ctrl-p,ctrl-q", b"\x10\x11"),
        ("ctrl-@", b"\x00"),
        ("ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", b"\x1b\x1c\x1d\x1e\x1f"),
        ("a,B,1", b"aB1"),
        ("DEL", b"\x7f"),
    ],
)
def test_sequence_detaches(text: str | None, keys: bytes) -> None:
    assert parse_detach_keys(text).feed(b"x" + keys) == (b"x", True)


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-1", "ab", "a,,b", "ctrl-ä", "ä", "a,"])
def test_unknown_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_detach_keys(text)
    assert caught.value.message == f"Invalid detach keys ({text}) provided"
    with pytest.raises(InvalidArgument, match="Invalid escape keys"):
        parse_detach_keys(text, called="escape keys")


def test_empty_sequence_never_detaches() -> None:
    assert parse_detach_keys("").feed(b"\x10\x11") == (b"\x10\x11", False)


def test_sequence_may_come_in_pieces() -> None:
    keys = parse_detach_keys(None)
    assert keys.feed(b"\x10") == (b"", False)
    assert keys.feed(b"\x11") == (b"", True)


def test_begun_sequence_is_passed_on_when_it_breaks_off() -> None:
    keys = parse_detach_keys(None)
    keys.feed(b"\x10")
    assert keys.feed(b"ls") == (b"\x10ls", False)


def test_sequence_that_repeats_its_beginning_is_seen() -> None:
    assert parse_detach_keys("a,a,b").feed(b"aaab") == (b"a", True)


@given(
    keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=4),
    pieces=st.lists(st.text(alphabet=KEYS + "c", max_size=6).map(str.encode), max_size=6),
)
def test_nothing_is_lost_and_the_sequence_is_never_missed(
    keys: list[str], pieces: list[bytes]
) -> None:
    watch, sequence, data = parse_detach_keys(",".join(keys)), "".join(keys).encode(), b""
    passed = b""
    for piece in pieces:
        out, done = watch.feed(piece)
        passed, data = passed + out, data + piece
        if done:
            assert passed == data[: data.index(sequence)]
            return
    assert sequence not in data
    held = data[len(passed) :]
    assert data.startswith(passed) and sequence.startswith(held)
