"""Passes one container's log on, from the frame log, at the receiver's pace.

The container never waits for it: what cannot be delivered stays in the frame log until it can, or
until rotation takes it. The position is stored after each delivered batch, so the next engine goes
on there; what was under way when an engine was killed is sent again.
Neighbours: `logs.sinks`, `engine.logs.service`.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

import msgspec

from budu.base.files import write_atomic
from budu.logs.files import Position
from budu.logs.frames import Frame
from budu.logs.reader import Ended, LogReader
from budu.logs.sinks import Sink

FIRST_PAUSE_S = 0.1
"""Wait after the first failed delivery; doubled each time."""
LONGEST_PAUSE_S = 15.0
"""Longest wait between two attempts."""
LAST_WORDS_S = 30.0
"""How long delivery is tried for a container that was removed."""

log = logging.getLogger(__name__)


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored."""

    position: Position
    sink: bytes


class Forwarder:
    """One container's log on its way out. Make it, run `run` as a task, tell it of the end."""

    def __init__(self, id_: str, reader: LogReader, sink: Sink, state_path: Path) -> None:
        self._id = id_
        self._reader = reader
        self._sink = sink
        self._state_path = state_path
        state = self._load()
        self._cursor = reader.cursor(state.position if state else Position())
        if state is not None:
            with suppress(OSError, msgspec.DecodeError):
                sink.restore(state.sink)
        self._ended: Ended = asyncio.get_running_loop().create_future()
        self._is_removed = False
        self._give_up_at = float("inf")

    def _load(self) -> _State | None:
        try:
            return msgspec.msgpack.decode(self._state_path.read_bytes(), type=_State)
        except (OSError, msgspec.DecodeError):
            return None

    def end(self) -> None:
        """The container has ended; everything that it wrote is there."""
        if not self._ended.done():
            self._cursor.take_up()
            self._ended.set_result(None)

    def remove(self) -> None:
        """The container is gone with its files; what is open can still be delivered."""
        self.end()
        self._is_removed = True
        self._give_up_at = asyncio.get_running_loop().time() + LAST_WORDS_S

    async def run(self) -> None:
        """Deliver until the container has ended and everything is delivered."""
        try:
            async for frames in self._reader.follow(self._cursor, ended=self._ended):
                if not await self._deliver(frames):
                    return
            await self._deliver([], is_last=True)
        finally:
            self._cursor.close()
            await self._sink.close()

    async def _deliver(self, frames: list[Frame], *, is_last: bool = False) -> bool:
        """Deliver one batch, however long it takes; false when it is given up."""
        self._sink.take(frames, is_last=is_last)
        pause = FIRST_PAUSE_S
        while True:
            try:
                await self._sink.flush()
                break
            except OSError as error:
                level = logging.WARNING if pause == FIRST_PAUSE_S else logging.DEBUG
                log.log(level, "log not passed on container=%s error=%s", self._id, error)
            if asyncio.get_running_loop().time() > self._give_up_at:
                log.warning("log given up container=%s", self._id)
                return False
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        self._save()
        return True

    def _save(self) -> None:
        if self._is_removed:
            return
        state = _State(position=self._cursor.position(), sink=self._sink.state())
        try:
            write_atomic(self._state_path, msgspec.msgpack.encode(state))
        except OSError as error:
            log.warning("log position not stored container=%s error=%s", self._id, error)
