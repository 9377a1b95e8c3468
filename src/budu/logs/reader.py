"""Reading a container's log in the engine: the past, the present as it comes, or both.

Everything comes as batches of frames (`logs.frames.Frame`); `logs.render` turns them into what a
client wants. Reading never passes through the shim, so a slow client holds nobody up. Files are
read in the event loop: they are in the page cache, and a batch is at most 256 KiB.
Neighbours: `logs.cursor`, `logs.tail`, `logs.watch`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from msgspec import Struct

from budu.logs.cursor import Cursor
from budu.logs.files import Position, close_all, end_position, open_all
from budu.logs.frames import STDERR, STDOUT, Frame
from budu.logs.tail import find_start
from budu.logs.watch import Watch


class LogQuery(Struct, frozen=True, kw_only=True):
    """What of a log is wanted.

    Source: Engine API 1.51 ContainerLogs.
    """

    stdout: bool = True
    """Include stdout, and the terminal of a container that has one."""
    stderr: bool = True
    """Include stderr."""
    since_ns: int = 0
    """Only lines that were complete at or after this time."""
    until_ns: int | None = None
    """Only lines that were complete at or before this time."""
    tail: int | None = None
    """Only so many lines from the end; None is all. Only lines of the wanted streams count."""
    follow: bool = False
    """Go on with what is written later, until the container has ended."""

    def streams(self) -> frozenset[int]:
        """The stream numbers that are wanted."""
        return frozenset(
            number for number, on in ((STDOUT, self.stdout), (STDERR, self.stderr)) if on
        )


Ended = asyncio.Future[None]
"""Done when the container has ended and its log is complete; shared by all its readers."""


class LogReader:
    """The log in one folder."""

    def __init__(self, directory: str, watch: Watch) -> None:
        self._directory = directory
        self._watch = watch

    def position(self) -> Position:
        """The end of the log now."""
        return end_position(self._directory)

    async def read(
        self, query: LogQuery, *, ended: Ended | None = None
    ) -> AsyncGenerator[list[Frame], None]:
        """The frames that `query` asks for.

        With `query.follow` it goes on until `ended` is done and everything is read; without
        `ended` until the caller closes the generator.
        """
        cursor, head = await self._cursor_for(query)
        try:
            if head:
                yield head
            async for frames in self._frames(cursor, query.follow, ended):
                chosen = _choose(frames, query)
                if chosen:
                    yield chosen
                if query.until_ns is not None and frames[-1][2] > query.until_ns:
                    return
        finally:
            cursor.close()

    async def _cursor_for(self, query: LogQuery) -> tuple[Cursor, list[Frame]]:
        """A cursor where `query` begins, and what comes before its frames."""
        files = open_all(self._directory)
        if query.tail is None and not query.since_ns:
            return Cursor(self._directory, files, stop_at_end=not query.follow), []
        try:
            start = await find_start(
                files,
                streams=query.streams(),
                tail=query.tail,
                since_ns=query.since_ns,
                until_ns=query.until_ns,
            )
        except BaseException:
            close_all(files)
            raise
        close_all(files[: start.index])
        rest = files[start.index :]
        stop = not query.follow
        return Cursor(self._directory, rest, offset=start.offset, stop_at_end=stop), start.head

    async def attach(
        self, position: Position, *, ended: Ended | None = None
    ) -> AsyncGenerator[list[Frame], None]:
        """Everything written after `position`, in the order of writing, as soon as it is there.

        Ends as `read` with `follow` does.
        """
        cursor = self.cursor(position)
        try:
            async for frames in self._frames(cursor, True, ended):
                yield frames
        finally:
            cursor.close()

    def cursor(self, position: Position) -> Cursor:
        """A cursor at `position`, or at the oldest byte when that file is gone. Close it."""
        files = open_all(self._directory)
        index = next((at for at, file in enumerate(files) if position.is_in(file)), -1)
        close_all(files[: max(0, index)])
        del files[: max(0, index)]
        return Cursor(self._directory, files, offset=position.offset if index >= 0 else 0)

    def follow(
        self, cursor: Cursor, *, ended: Ended | None = None
    ) -> AsyncGenerator[list[Frame], None]:
        """What comes after the cursor's place, until `ended` is done. The caller closes both."""
        return self._frames(cursor, True, ended)

    async def _frames(
        self, cursor: Cursor, follow: bool, ended: Ended | None
    ) -> AsyncGenerator[list[Frame], None]:
        """All frames from the cursor on."""
        if not follow:
            while frames := cursor.next():
                yield frames
                await asyncio.sleep(0)
            return
        with self._watch.subscribe(self._directory) as subscription:
            changed = subscription.changed

            def wake(_: Ended) -> None:
                changed.set()

            if ended is not None:
                ended.add_done_callback(wake)
            try:
                while True:
                    is_last = ended is not None and ended.done()
                    changed.clear()
                    while frames := cursor.next():
                        yield frames
                        await asyncio.sleep(0)
                    if is_last or not Path(self._directory).is_dir():
                        return
                    await changed.wait()
            finally:
                if ended is not None:
                    ended.remove_done_callback(wake)


def _choose(frames: list[Frame], query: LogQuery) -> list[Frame]:
    """The frames of the wanted streams, up to the wanted time."""
    if not (query.stdout and query.stderr):
        streams = query.streams()
        frames = [frame for frame in frames if frame[0] in streams]
    until = query.until_ns
    if until is not None:
        frames = [frame for frame in frames if frame[2] <= until]
    return frames
