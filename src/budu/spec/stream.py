"""Docker's framing of stdout and stderr on one stream. Light.

    byte 0    stream: 0 stdin, 1 stdout, 2 stderr, 3 system error
    byte 1-3  zero
    byte 4-7  length of the payload, big endian
    then the payload

Source: Engine API 1.51, ContainerAttach, "Stream format"; moby, pkg/stdcopy.
"""

from __future__ import annotations

import struct

from budu.base.errors import DataLoss

STDIN = 0
"""Stream number of standard input (written to standard output by readers)."""
STDOUT = 1
"""Stream number of standard output."""
STDERR = 2
"""Stream number of standard error."""
SYSTEM_ERROR = 3
"""Stream number of an error of the engine itself, in words."""

HEADER_SIZE = 8
"""Bytes of a frame's header."""

_header = struct.Struct(">B3xI")


def encode_header(stream: int, length: int) -> bytes:
    """The header of a frame whose payload has `length` bytes."""
    return _header.pack(stream, length)


def encode_frame(stream: int, payload: bytes) -> bytes:
    """A whole frame."""
    return _header.pack(stream, len(payload)) + payload


class Demultiplexer:
    """Takes frames apart as bytes come in, in pieces of any size.

    Payloads are handed on as soon as they are there, so one frame may come out in several pieces
    and nothing is kept but an unfinished header.
    """

    __slots__ = ("_header", "_left", "_stream")

    def __init__(self) -> None:
        self._header = b""
        self._left = 0
        self._stream = STDOUT

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The pieces (stream, payload) that `data` completes.

        Raises: DataLoss when a header names no stream.
        """
        pieces = []
        position, end = 0, len(data)
        while position < end:
            if not self._left:
                position = self._take_header(data, position)
                continue
            piece = data[position : position + self._left]
            pieces.append((self._stream, piece))
            self._left -= len(piece)
            position += len(piece)
        return pieces

    @property
    def is_between_frames(self) -> bool:
        """Whether the stream may end here."""
        return not self._left and not self._header

    def _take_header(self, data: bytes, position: int) -> int:
        missing = HEADER_SIZE - len(self._header)
        self._header += data[position : position + missing]
        if len(self._header) == HEADER_SIZE:
            self._stream, self._left = _header.unpack(self._header)
            self._header = b""
            if self._stream > SYSTEM_ERROR:
                raise DataLoss(f"Unrecognized input header: {self._stream}")
        return position + missing
