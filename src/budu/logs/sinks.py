"""Where the frame log goes besides: Docker's JSON file, or a log server.

A sink takes frames in order and returns when they are safe. Its `state` is what it holds of
unfinished lines; saved beside the position in the frame log, it lets another engine go on.
Neighbours: `logs.driver` makes them, `engine.logs` feeds them.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Protocol

import msgspec

from budu.logs.entries import Entry, EntryAssembler
from budu.logs.frames import Frame
from budu.logs.render import JsonRenderer
from budu.logs.senders.contract import Sender
from budu.logs.source import LogSource

_HEAD_BYTES = 512


class Sink(Protocol):
    """One destination of one container's log."""

    async def connect(self) -> None:
        """Reach the server, as a container is about to start. Raises: Internal."""

    def restore(self, state: bytes) -> None:
        """Go on where a sink with this state ended."""

    def state(self) -> bytes:
        """What `restore` needs, after the last `flush`."""

    def take(self, frames: list[Frame], *, is_last: bool = False) -> None:
        """Take frames over; with `is_last` unfinished lines are finished."""

    async def flush(self) -> None:
        """Deliver everything taken. May be repeated after a failure. Raises: OSError."""

    async def close(self) -> None:
        """Let go."""


class SendingSink:
    """Entries to a log server."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._assembler = EntryAssembler()
        self._entries: list[Entry] = []

    async def connect(self) -> None:
        """Connect the sender. Raises: Internal."""
        await self._sender.connect()

    def restore(self, state: bytes) -> None:
        """Take up unfinished lines."""
        self._assembler = EntryAssembler(state)

    def state(self) -> bytes:
        """The unfinished lines."""
        return self._assembler.state()

    def take(self, frames: list[Frame], *, is_last: bool = False) -> None:
        """Make entries of frames."""
        self._entries += self._assembler.feed(frames)
        if is_last:
            self._entries += self._assembler.finish()

    async def flush(self) -> None:
        """Send the entries. Raises: OSError."""
        if self._entries:
            await self._sender.send(self._entries)
            self._entries = []

    async def close(self) -> None:
        """Close the connection."""
        await self._sender.close()


class _JsonState(msgspec.Struct, kw_only=True):
    """How long the file was, how it began, and what is unfinished."""

    size: int
    head: int
    open: dict[int, tuple[int, bytes]]


class JsonFileSink:
    """`ID-json.log` in Docker's format, for programs that read such files.

    Rotated as Docker does: `.1` is the youngest. What an engine had written without saying so
    before it was killed is cut off and written again, so nothing comes twice.
    """

    def __init__(self, path: str, source: LogSource, *, max_size: int, max_files: int) -> None:
        self._path = Path(path)
        self._max_size = max_size
        self._max_files = max_files
        self._renderer = JsonRenderer(attributes=source.details())
        self._data = b""
        self._fd = -1

    async def connect(self) -> None:
        """Do nothing: the file is made with the first line."""

    def restore(self, state: bytes) -> None:
        """Bring the files back to what they were then, and take up unfinished lines."""
        saved = msgspec.msgpack.decode(state, type=_JsonState)
        self._renderer.unfinished = dict(saved.open)
        names = self._names()
        for number, name in enumerate(names):
            if _head(name, saved.size) == saved.head:
                _move_back(names, number)
                os.truncate(self._path, saved.size)
                return

    def state(self) -> bytes:
        """The file's length and the unfinished lines."""
        size = os.fstat(self._open()).st_size
        return msgspec.msgpack.encode(
            _JsonState(size=size, head=_head(self._path, size), open=self._renderer.unfinished)
        )

    def _names(self) -> list[Path]:
        """The file that is written, and the rotated ones, the youngest first."""
        rotated = [Path(f"{self._path}.{number}") for number in range(1, self._max_files)]
        return [self._path, *rotated]

    def take(self, frames: list[Frame], *, is_last: bool = False) -> None:
        """Render frames."""
        self._data += self._renderer.render(frames)
        if is_last:
            self._data += self._renderer.finish()

    async def flush(self) -> None:
        """Append to the file. Raises: OSError."""
        while self._data:
            fd = self._open()
            if self._max_size and os.fstat(fd).st_size >= self._max_size:
                fd = self._rotate()
            written = os.write(fd, self._data)
            self._data = self._data[written:]

    async def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> int:
        if self._fd < 0:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._fd = os.open(self._path, flags, 0o640)
        return self._fd

    def _rotate(self) -> int:
        os.close(self._fd)
        self._fd = -1
        names = self._names()
        for number in range(len(names) - 1, 0, -1):
            if names[number - 1].exists():
                names[number - 1].rename(names[number])
        if self._max_files == 1:
            self._path.unlink(missing_ok=True)
        return self._open()


def _head(path: Path, size: int) -> int:
    """What tells a JSON file that had `size` bytes from others: each line has its own time."""
    try:
        with path.open("rb") as file:
            head = file.read(min(size, _HEAD_BYTES))
    except OSError:
        return -1
    return zlib.crc32(head) if len(head) == min(size, _HEAD_BYTES) else -1


def _move_back(names: list[Path], count: int) -> None:
    """Undo `count` rotations: the files before that place are forgotten, the others take theirs."""
    for name in names[:count]:
        name.unlink(missing_ok=True)
    for number, name in enumerate(names[count:]):
        if count and name.exists():
            name.rename(names[number])
