"""Docker's framing of standard streams. Taking frames apart is the client's: `client.streams`."""

from __future__ import annotations

from budu.spec.stream import STDERR, encode_frame


def test_a_frame_is_stream_zeros_big_endian_length_and_payload() -> None:
    frame = encode_frame(STDERR, b"x" * 0x0102)
    assert frame == b"\x02\0\0\0\0\0\x01\x02" + b"x" * 0x0102
