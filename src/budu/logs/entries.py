"""From frames to single log entries, for servers that want one message a line.

A line longer than 16 KiB becomes several entries with one partial id. What is unfinished can be
saved and taken up by another process. Source: moby, daemon/logger/copier.go (sizes, partials).
"""

from __future__ import annotations

import hashlib

import msgspec

from budu.logs.frames import CONTINUES, Frame
from budu.logs.render import LINE_LIMIT


class Partial(msgspec.Struct, frozen=True, kw_only=True):
    """Which piece of a long line an entry is."""

    id: str
    """The same for all pieces of the line."""
    ordinal: int
    """1 for the first piece."""
    last: bool
    """Whether the line ends with this piece."""


class Entry(msgspec.Struct, frozen=True):
    """One line, or one piece of a long one."""

    stream: int
    """1 stdout, 2 stderr."""
    time_ns: int
    """When it was complete; all pieces of a line carry the first one's."""
    line: bytes
    """Without the newline."""
    partial: Partial | None = None
    """None for a whole line."""


class _Open(msgspec.Struct):
    """An unfinished line: its beginning that was not given out yet, and the pieces before."""

    time_ns: int
    data: bytes = b""
    pieces: int = 0


class EntryAssembler:
    """Cuts both streams into entries."""

    def __init__(self, state: bytes = b"") -> None:
        self._open: dict[int, _Open] = (
            msgspec.msgpack.decode(state, type=dict[int, _Open]) if state else {}
        )

    def state(self) -> bytes:
        """What a later assembler needs to go on."""
        return msgspec.msgpack.encode(self._open)

    def feed(self, frames: list[Frame]) -> list[Entry]:
        """The entries that these frames complete."""
        entries: list[Entry] = []
        for stream, flags, time_ns, data in frames:
            if not flags & CONTINUES and stream in self._open:
                entries += self._end(stream)
            lines = data.split(b"\n")
            rest = lines.pop()
            for line in lines:
                self._line(stream, time_ns, line, entries)
            if rest:
                self._add(stream, time_ns, rest, entries)
        return entries

    def finish(self) -> list[Entry]:
        """The unfinished lines: no frame follows."""
        return [entry for stream in sorted(self._open) for entry in self._end(stream)]

    def _line(self, stream: int, time_ns: int, line: bytes, entries: list[Entry]) -> None:
        if stream not in self._open and len(line) < LINE_LIMIT:
            entries.append(Entry(stream, time_ns, line))
            return
        self._add(stream, time_ns, line, entries)
        unfinished = self._open.pop(stream)
        if not unfinished.pieces:
            entries.append(Entry(stream, time_ns, unfinished.data))
            return
        entries.append(_piece(stream, unfinished, unfinished.data, last=True))

    def _add(self, stream: int, time_ns: int, data: bytes, entries: list[Entry]) -> None:
        unfinished = self._open.setdefault(stream, _Open(time_ns))
        data = unfinished.data + data
        while len(data) >= LINE_LIMIT:
            entries.append(_piece(stream, unfinished, data[:LINE_LIMIT], last=False))
            data = data[LINE_LIMIT:]
        unfinished.data = data

    def _end(self, stream: int) -> list[Entry]:
        unfinished = self._open.pop(stream)
        if not unfinished.pieces:
            return [Entry(stream, unfinished.time_ns, unfinished.data)]
        return [_piece(stream, unfinished, unfinished.data, last=True)]


def _piece(stream: int, unfinished: _Open, data: bytes, *, last: bool) -> Entry:
    unfinished.pieces += 1
    key = hashlib.sha256(b"%d %d" % (stream, unfinished.time_ns)).hexdigest()
    partial = Partial(id=key, ordinal=unfinished.pieces, last=last)
    return Entry(stream, unfinished.time_ns, data, partial)
