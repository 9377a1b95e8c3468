"""What `cp` tells about its progress: Docker's words, on standard error. Light.

Source: docker/cli `container cp` (sentences, and when they are left out).
"""

from __future__ import annotations

import time

from budu.base.units import human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

_REDRAW_S = 0.075
_CLEAR = "\r\x1b[2K"


class Progress:
    """Counts the bytes of one copy and shows them on a terminal."""

    def __init__(
        self,
        out: TextIO,
        *,
        quiet: bool,
        header: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out = out
        self._quiet = quiet
        self._header = header
        self._clock = clock
        self._draws = not quiet and out.isatty()
        self._drawn_at = 0.0
        self.size = 0
        """Bytes so far, tar headers included."""

    def count(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces, counted."""
        self._draw(force=True)
        for piece in pieces:
            self.size += len(piece)
            self._draw()
            yield piece

    def _draw(self, *, force: bool = False) -> None:
        if not self._draws:
            return
        now = self._clock()
        if force or now - self._drawn_at >= _REDRAW_S:
            self._drawn_at = now
            self._out.write(f"{_CLEAR}{self._header} - {human_size(self.size, precision=3)}")
            self._out.flush()

    def clear(self) -> None:
        """Takes the line away; idempotent."""
        if self._draws:
            self._draws = False
            self._out.write(_CLEAR)
            self._out.flush()

    def done(self, target: str) -> None:
        """Says what was copied where."""
        self.clear()
        if not self._quiet:
            size = human_size(self.size, precision=3)
            self._out.write(f"Successfully copied {size} to {target}\n")
            self._out.flush()
