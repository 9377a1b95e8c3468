"""A reader's place in a log that is being written and rotated.

A cursor holds its file open, so rotation cannot take the rest of it away. It goes to the next
file only after it knew that there is one *and then* read its own to the end: nothing is lost and
nothing comes twice. It never consumes a part of a frame. Neighbours: `logs.files`, `logs.reader`.
"""

from __future__ import annotations

from budu.logs.files import BEGINNING, LogFile, Position, close_all, current_inode, open_all
from budu.logs.frames import BLOCK, Frame, decode, walk_back


class Cursor:
    """Reads `files` (oldest first) from `offset` of the first, then what is added to the log.

    The cursor owns the files from then on; `close()` gives them back. With `stop_at_end` it
    reads no more than was there when it was made.
    """

    def __init__(
        self, directory: str, files: list[LogFile], *, offset: int = 0, stop_at_end: bool = False
    ) -> None:
        self._directory = directory
        self._files = files
        self._offset = offset
        self._limit = files[-1].size() if files and stop_at_end else None
        self._stop_at_end = stop_at_end
        self._birth = (0, 0)

    def next(self) -> list[Frame]:
        """The next frames, at most about 256 KiB of them; empty when there are none now."""
        while True:
            has_newer = len(self._files) > 1
            frames = self._read()
            if frames:
                return frames
            if has_newer:
                self._files.pop(0).close()
                self._offset = 0
            elif not self._find_newer():
                return []

    def position(self) -> Position:
        """The place after everything that was taken."""
        if not self._files:
            return BEGINNING
        file = self._files[0]
        return Position(birth_ns=file.birth_ns(), offset=self._offset, inode=file.inode)

    def close(self) -> None:
        """Close all files."""
        close_all(self._files)
        self._files = []

    def _read(self) -> list[Frame]:
        if not self._files:
            return []
        file = self._files[0]
        size = file.size()
        if self._limit is not None and len(self._files) == 1:
            size = min(size, self._limit)
        if self._offset and self._was_cleared(file, size):
            self._offset = 0
        frames, taken, broken = decode(file.read(min(BLOCK, size - self._offset), self._offset))
        self._offset += taken
        if broken and not frames and self._skip_broken(file, size):
            return self._read()
        return frames

    def _was_cleared(self, file: LogFile, size: int) -> bool:
        """Whether what was read is gone; what came since may already be longer."""
        if self._birth[0] != file.inode:
            self._birth = (file.inode, file.birth_ns())
        return size < self._offset or file.birth_ns() != self._birth[1]

    def _skip_broken(self, file: LogFile, end: int) -> bool:
        """Step over bytes that are no frame, to the first one from which all are whole."""
        start = 0
        for block in walk_back(file.read, end):
            for offset, _ in block:
                if offset <= self._offset:
                    break
                start = offset
        if not start:
            return False
        self._offset = start
        return True

    def _find_newer(self) -> bool:
        """Look whether the file was rotated away, and take up the ones after it."""
        if self._stop_at_end:
            return False
        last = self._files[-1] if self._files else None
        if last is not None and last.inode == current_inode(self._directory):
            return False
        return self.take_up()

    def take_up(self) -> bool:
        """Open the files that are younger than those it has; whether there are any."""
        found = open_all(self._directory)
        last = self._files[-1] if self._files else None
        known = -1
        if last is not None:
            known = next((at for at, file in enumerate(found) if file.is_same(last)), -1)
        close_all(found[: known + 1])
        self._files += found[known + 1 :]
        return len(found) > known + 1
