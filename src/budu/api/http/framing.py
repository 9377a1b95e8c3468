"""Finds the end of a request's body among the received bytes: by length or by chunks.

Source: RFC 9112, sections 6 and 7.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from budu.api.http.head import RequestHead
from budu.api.http.limits import HttpFault

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\Z")
_LINE_BYTES = 4096
_TRAILER_BYTES = 16 << 10


class Framing(Protocol):
    """Splits received bytes into those of this body and those behind it."""

    done: bool
    """Whether the body's last byte was seen."""

    def feed(self, data: bytes, sink: Callable[[bytes], None]) -> int:
        """Hands the body's bytes to `sink`; returns how many of `data` belong to the body.

        Raises: HttpFault when the framing is broken.
        """


class LengthFraming:
    """A body of an announced length."""

    def __init__(self, length: int) -> None:
        self.done = length == 0
        """Whether the body's last byte was seen."""
        self._remaining = length

    def feed(self, data: bytes, sink: Callable[[bytes], None]) -> int:
        """See `Framing`."""
        piece = data[: self._remaining] if len(data) > self._remaining else data
        self._remaining -= len(piece)
        self.done = self._remaining == 0
        if piece:
            sink(piece)
        return len(piece)


class ChunkedFraming:
    """A body in chunks; extensions and trailers are read over."""

    def __init__(self) -> None:
        self.done = False
        """Whether the last chunk and its trailers were seen."""
        self._line = b""
        self._remaining = 0
        self._trailer_bytes = 0
        self._state: Callable[[bytes, int, Callable[[bytes], None]], int] = self._size_line

    def feed(self, data: bytes, sink: Callable[[bytes], None]) -> int:
        """See `Framing`."""
        at = 0
        while at < len(data) and not self.done:
            at = self._state(data, at, sink)
        return at

    def _take_line(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """A whole line without CR LF, or None while it is incomplete; and the position behind."""
        end = data.find(b"\n", at)
        stop = len(data) if end < 0 else end + 1
        self._line += data[at:stop]
        if len(self._line) > _LINE_BYTES:
            raise HttpFault(400, "malformed chunked encoding: line too long")
        if end < 0:
            return None, stop
        line, self._line = self._line, b""
        if not line.endswith(b"\r\n"):
            raise HttpFault(400, "malformed chunked encoding: line must end with CR LF")
        return line[:-2], stop

    def _size_line(self, data: bytes, at: int, sink: Callable[[bytes], None]) -> int:
        line, at = self._take_line(data, at)
        if line is None:
            return at
        match = _CHUNK_SIZE.match(line)
        if match is None:
            raise HttpFault(400, "malformed chunked encoding: invalid chunk size")
        self._remaining = int(match[1], 16)
        self._state = self._chunk if self._remaining else self._trailer
        return at

    def _chunk(self, data: bytes, at: int, sink: Callable[[bytes], None]) -> int:
        piece = data[at : at + self._remaining]
        self._remaining -= len(piece)
        if not self._remaining:
            self._state = self._chunk_end
        sink(piece)
        return at + len(piece)

    def _chunk_end(self, data: bytes, at: int, sink: Callable[[bytes], None]) -> int:
        line, at = self._take_line(data, at)
        if line:
            raise HttpFault(400, "malformed chunked encoding: chunk longer than announced")
        if line is not None:
            self._state = self._size_line
        return at

    def _trailer(self, data: bytes, at: int, sink: Callable[[bytes], None]) -> int:
        line, at = self._take_line(data, at)
        if line is None:
            return at
        self._trailer_bytes += len(line)
        if self._trailer_bytes > _TRAILER_BYTES:
            raise HttpFault(431, "trailers of the chunked body are too long")
        self.done = not line
        return at


def framing_of(head: RequestHead) -> Framing:
    """How the body behind `head` ends.

    Raises: HttpFault for a transfer encoding other than chunked.
    """
    encoding = head.headers.get("transfer-encoding")
    if encoding is None:
        return LengthFraming(head.content_length or 0)
    if encoding.lower() != "chunked":
        raise HttpFault(501, f"unsupported transfer encoding: {encoding[:100]}")
    return ChunkedFraming()
