"""Frames of stdio."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import DataLoss, Internal
from budu.client.streams import Demultiplexer

FRAMES = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=8)


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


@given(FRAMES, st.integers(1, 17))
def test_streams_come_apart_however_the_bytes_are_cut(
    frames: list[tuple[int, bytes]], step: int
) -> None:
    data = b"".join(frame(stream, payload) for stream, payload in frames)
    demultiplexer = Demultiplexer()
    got = {1: b"", 2: b""}
    for start in range(0, len(data), step):
        for stream, piece in demultiplexer.feed(data[start : start + step]):
            got[stream] += piece
    for stream in (1, 2):
        assert got[stream] == b"".join(payload for name, payload in frames if name == stream)


def test_a_payload_is_not_held_back() -> None:
    assert list(Demultiplexer().feed(frame(1, b"abcdef")[:10])) == [(1, b"ab")]


def test_a_header_that_is_none_is_refused() -> None:
    with pytest.raises(DataLoss, match="unrecognized input header: 72"):
        list(Demultiplexer().feed(b"HTTP/1.1 200"))


def test_an_error_frame_is_raised() -> None:
    with pytest.raises(Internal, match="log is broken"):
        list(Demultiplexer().feed(frame(3, b"log is broken")))
