"""From frames to what clients read: Docker's stream framing, raw bytes, stamps, json-file lines.

Work is done by the chunk, not by the line: a million lines take some ten milliseconds plain.
A renderer keeps the unfinished line of each stream; `finish()` gives what is left at the end.
Neighbours: `logs.reader`, the API's handlers.
"""

from __future__ import annotations

import re
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Protocol

import msgspec

from budu.logs.frames import CONTINUES, STDERR, STDOUT, Frame

LINE_LIMIT = 16384
"""Bytes after which Docker cuts a line into pieces."""
_HEADER = struct.Struct(">BxxxI")
_NAMES = {STDOUT: b"stdout", STDERR: b"stderr"}
_stream_of = itemgetter(0)
_payload_of = itemgetter(3)


class Renderer(Protocol):
    """Turns batches of frames, in order, into bytes for one client."""

    def render(self, frames: list[Frame]) -> bytes:
        """The bytes for these frames; may be empty while a line is unfinished."""

    def finish(self) -> bytes:
        """The bytes for what is left when no frame follows."""


def choose_renderer(
    *, tty: bool, timestamps: bool = False, attributes: str | None = None
) -> Renderer:
    """The renderer for the API: framed by stream unless the container has a terminal.

    `attributes` are the container's log attributes (`a=1,b=2`, maybe none) when details are
    wanted: they come before each line.
    """
    if timestamps or attributes is not None:
        return LineRenderer(tty=tty, timestamps=timestamps, attributes=attributes)
    return RawRenderer() if tty else FramedRenderer()


class RawRenderer:
    """The bytes as they were written, both streams in one."""

    def render(self, frames: list[Frame]) -> bytes:
        """The payloads."""
        return b"".join(map(_payload_of, frames))

    def finish(self) -> bytes:
        """Nothing is ever left."""
        return b""


class FramedRenderer:
    """Docker's multiplexed stream: `stream 0 0 0 length(4, big endian)` before each payload.

    Source: Engine API 1.51 ContainerAttach, "Stream format".
    """

    def render(self, frames: list[Frame]) -> bytes:
        """One Docker frame for each run of frames of one stream."""
        parts: list[bytes] = []
        for stream, run in groupby(frames, _stream_of):
            payload = b"".join(map(_payload_of, run))
            parts += (_HEADER.pack(stream, len(payload)), payload)
        return b"".join(parts)

    def finish(self) -> bytes:
        """Nothing is ever left."""
        return b""


class _LineAssembler(ABC):
    """Cuts streams into lines, and lines longer than 16 KiB into pieces."""

    def __init__(self) -> None:
        self.unfinished: dict[int, tuple[int, bytes]] = {}
        """Time and text of the unfinished line of each stream."""

    def render(self, frames: list[Frame]) -> bytes:
        """All lines that these frames complete."""
        return b"".join([self._feed(*frame) for frame in frames])

    def finish(self) -> bytes:
        """The unfinished lines."""
        rest = [
            self._lines(stream, at, data) for stream, (at, data) in sorted(self.unfinished.items())
        ]
        self.unfinished.clear()
        return b"".join(rest)

    def _feed(self, stream: int, flags: int, time_ns: int, data: bytes) -> bytes:
        before = self.unfinished.pop(stream, None)
        if before is None:
            return self._cut(stream, time_ns, data)
        if flags & CONTINUES:
            return self._cut(stream, time_ns, before[1] + data)
        # The process that began the line is gone: another run of the container writes now.
        return self._lines(stream, *before) + self._cut(stream, time_ns, data)

    def _cut(self, stream: int, time_ns: int, data: bytes) -> bytes:
        cut = data.rfind(b"\n") + 1
        rest_at = cut + (len(data) - cut) // LINE_LIMIT * LINE_LIMIT
        if rest_at < len(data):
            self.unfinished[stream] = (time_ns, data[rest_at:])
        if not rest_at:
            return b""
        complete = data[:cut]
        if cut <= LINE_LIMIT or max(map(len, complete.split(b"\n"))) < LINE_LIMIT:
            lines = self._lines(stream, time_ns, complete) if cut else b""
        else:
            lines = self._long_lines(stream, time_ns, complete)
        return lines + self._pieces(stream, time_ns, data[cut:rest_at])

    def _long_lines(self, stream: int, time_ns: int, data: bytes) -> bytes:
        parts: list[bytes] = []
        for line in data[:-1].split(b"\n"):
            cut = len(line) // LINE_LIMIT * LINE_LIMIT
            parts.append(self._pieces(stream, time_ns, line[:cut]))
            parts.append(self._lines(stream, time_ns, line[cut:] + b"\n"))
        return b"".join(parts)

    def _pieces(self, stream: int, time_ns: int, data: bytes) -> bytes:
        return b"".join(
            [
                self._lines(stream, time_ns, data[at : at + LINE_LIMIT])
                for at in range(0, len(data), LINE_LIMIT)
            ]
        )

    @abstractmethod
    def _lines(self, stream: int, time_ns: int, data: bytes) -> bytes:
        """Lines of one stream with one time; without a newline at the end, a piece of a line."""


class LineRenderer(_LineAssembler):
    """Lines with their time (RFC 3339, nine digits) or the log attributes before them."""

    def __init__(self, *, tty: bool, timestamps: bool, attributes: str | None) -> None:
        super().__init__()
        self._tty = tty
        self._timestamps = timestamps
        self._attributes = b"" if attributes is None else attributes.encode() + b" "

    def _lines(self, stream: int, time_ns: int, data: bytes) -> bytes:
        stamp = rfc3339_nano(time_ns) + b" " if self._timestamps else b""
        prefix = stamp + self._attributes
        if data.endswith(b"\n"):
            text = prefix + data[:-1].replace(b"\n", b"\n" + prefix) + b"\n"
        else:
            text = prefix + data
        return text if self._tty else _HEADER.pack(stream, len(text)) + text


class JsonRenderer(_LineAssembler):
    """Lines of Docker's json-file format: `{"log":…,"stream":…,"attrs":{…},"time":…}`."""

    def __init__(self, *, attributes: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._attributes = b""
        if attributes:
            self._attributes = b',"attrs":' + msgspec.json.encode(attributes)

    def _lines(self, stream: int, time_ns: int, data: bytes) -> bytes:
        name, time_text = _NAMES[stream], rfc3339_nano(time_ns)
        end = b'","stream":"%b"%b,"time":"%b"}\n' % (name, self._attributes, time_text)
        text = _escape(data)
        if not data.endswith(b"\n"):
            return b'{"log":"' + text + end
        return b'{"log":"' + text[:-1].replace(b"\n", b"\\n" + end + b'{"log":"') + b"\\n" + end


def rfc3339_nano(time_ns: int) -> bytes:
    """`2024-05-06T07:08:09.000000010Z`: always nine digits, always UTC."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    return b"%b.%09dZ" % (_rfc3339(seconds), nanoseconds)


@lru_cache(maxsize=64)
def _rfc3339(seconds: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode()


_SPECIAL = re.compile(rb'[\x00-\x09\x0b-\x1f"\\<>&]|\xe2\x80[\xa8\xa9]')
_PLAIN = bytes(byte for byte in range(128) if not _SPECIAL.match(bytes([byte])))
_SHORT = {b'"': b'\\"', b"\\": b"\\\\", b"\t": b"\\t", b"\r": b"\\r"}


def _escape(data: bytes) -> bytes:
    """The inside of a JSON string, as Go writes it; newlines are left to the caller."""
    if not data.translate(None, _PLAIN):
        return data
    if not data.isascii():
        data = data.decode("utf-8", "replace").encode()
    return _SPECIAL.sub(_escape_one, data)


def _escape_one(match: re.Match[bytes]) -> bytes:
    found = match[0]
    return _SHORT.get(found) or b"\\u%04x" % ord(found.decode())
