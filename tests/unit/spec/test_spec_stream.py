"""Docker's framing of standard streams."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import DataLoss
from budu.spec.stream import STDERR, STDOUT, Demultiplexer, encode_frame, encode_header

FRAMES = st.lists(st.tuples(st.sampled_from([0, STDOUT, STDERR, 3]), st.binary(max_size=40)))


def test_header_is_stream_zeros_and_big_endian_length() -> None:
    assert encode_header(STDERR, 0x01020304) == b"\x02\0\0\0\x01\x02\x03\x04"


@given(FRAMES, st.integers(min_value=1, max_value=20))
def test_frames_survive_any_cutting(frames: list[tuple[int, bytes]], step: int) -> None:
    wire = b"".join(encode_frame(stream, payload) for stream, payload in frames)
    demultiplexer = Demultiplexer()
    got: list[tuple[int, bytes]] = []
    for start in range(0, len(wire), step):
        for stream, piece in demultiplexer.feed(wire[start : start + step]):
            got.append((stream, piece))
    assert _joined(got) == _joined([frame for frame in frames if frame[1]])
    assert demultiplexer.is_between_frames


def _joined(pieces: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Neighbours of one stream as one."""
    joined: list[tuple[int, bytes]] = []
    for stream, piece in pieces:
        if joined and joined[-1][0] == stream:
            joined[-1] = (stream, joined[-1][1] + piece)
        else:
            joined.append((stream, piece))
    return joined


def test_payload_comes_out_before_the_frame_is_whole() -> None:
    demultiplexer = Demultiplexer()
    assert demultiplexer.feed(encode_header(STDOUT, 10) + b"abc") == [(STDOUT, b"abc")]
    assert not demultiplexer.is_between_frames


def test_unknown_stream_is_data_loss() -> None:
    with pytest.raises(DataLoss, match="Unrecognized input header: 72"):
        Demultiplexer().feed(b"HTTP/1.1 500")
