"""Where reading begins: the last lines, or those since a time, found from the end backwards.

A line belongs to the frame in which it ends, so its time is the time at which it was complete
(as Docker stamps it), and a line that began before the chosen range is read whole.
Neighbours: `logs.frames` (the walk), `logs.reader`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from budu.logs.files import LogFile
from budu.logs.frames import CONTINUES, OVERHEAD, Frame, walk_back

_LONGEST_LINE = 1 << 20
"""Bytes that are walked back at most for the beginning of a line."""


class Start:
    """The place that was found: read `head`, then `files[index]` from `offset` on."""

    __slots__ = ("head", "index", "offset")

    def __init__(self, index: int, offset: int) -> None:
        self.index = index
        """Number of the file, counted from the oldest."""
        self.offset = offset
        """Frame boundary in that file."""
        self.head: list[Frame] = []
        """Beginnings of lines from before the place, and the rest of a frame that it cuts."""


async def find_start(
    files: list[LogFile],
    *,
    streams: frozenset[int],
    tail: int | None,
    since_ns: int,
    until_ns: int | None,
) -> Start:
    """The place from which the last `tail` lines (None: all) not older than `since_ns` follow.

    Only lines of `streams` count, and with `until_ns` only those up to that time. Lets other
    tasks run between blocks.
    """
    search = _Search(files, streams, tail, since_ns=since_ns, until_ns=until_ns)
    if tail == 0:
        return search.start
    async for index, block in _blocks_back(files):
        if not all(search.visit(index, offset, frame) for offset, frame in block):
            break
    return search.finish()


class _Search:
    """The walk's state: first towards the place, then for the beginnings of the lines there."""

    def __init__(
        self,
        files: list[LogFile],
        streams: frozenset[int],
        tail: int | None,
        *,
        since_ns: int,
        until_ns: int | None,
    ) -> None:
        end = files[-1].whole_length() if files else 0
        self.start = Start(max(0, len(files) - 1), end)
        self._done = False
        self._since_ns = since_ns
        self._until_ns = until_ns
        self._streams = streams
        self._left = tail
        self._seen: set[int] = set()
        self._continues: dict[int, bool] = {}
        self._beginnings: dict[int, list[bytes]] = {}
        self._budget = _LONGEST_LINE
        self._time_ns = 0
        self._cut: Frame | None = None

    def visit(self, index: int, offset: int, frame: Frame) -> bool:
        """Look at the next older frame; false when the walk is over."""
        if self._done or frame[2] < self._since_ns:
            self._done = True
            return self._take_beginning(frame)
        if self._until_ns is None or frame[2] <= self._until_ns:
            self._take(index, offset, frame)
        return True

    def _take(self, index: int, offset: int, frame: Frame) -> None:
        """Move the place before `frame`, or into it when the wanted lines end there."""
        stream, flags, time_ns, payload = frame
        self.start.index, self.start.offset = index, offset
        self._time_ns = time_ns
        if stream not in self._streams:
            return
        self._continues[stream] = bool(flags & CONTINUES)
        if self._left is None:
            return
        lines = payload.count(b"\n")
        if stream not in self._seen and not payload.endswith(b"\n"):
            lines += 1
        self._seen.add(stream)
        if lines < self._left:
            self._left -= lines
            return
        self._done = True
        if lines > self._left:
            self._cut_frame(frame, lines - self._left)

    def _cut_frame(self, frame: Frame, surplus: int) -> None:
        """Begin inside `frame`, after its first `surplus` lines."""
        stream, _, time_ns, payload = frame
        kept = payload.split(b"\n", surplus)[-1]
        self._continues[stream] = False
        self._cut = (stream, 0, time_ns, kept)
        self.start.offset += len(payload) + OVERHEAD

    def _take_beginning(self, frame: Frame) -> bool:
        """Collect from a frame before the place; false when nothing more is wanted."""
        stream, flags, _, payload = frame
        self._budget -= len(payload)
        if self._continues.get(stream):
            self._beginnings.setdefault(stream, []).insert(0, payload[payload.rfind(b"\n") + 1 :])
            self._continues[stream] = bool(flags & CONTINUES) and b"\n" not in payload
        return self._budget > 0 and any(self._continues.values())

    def finish(self) -> Start:
        """The place with its head."""
        for stream, pieces in sorted(self._beginnings.items()):
            self.start.head.append((stream, 0, self._time_ns, b"".join(pieces)))
        if self._cut is not None:
            self.start.head.append(self._cut)
        return self.start


async def _blocks_back(
    files: list[LogFile],
) -> AsyncIterator[tuple[int, list[tuple[int, Frame]]]]:
    """All frames from the last to the first, in blocks, with file number and offsets."""
    for index in range(len(files) - 1, -1, -1):
        file = files[index]
        for block in walk_back(file.read, file.whole_length()):
            yield index, block
            await asyncio.sleep(0)
