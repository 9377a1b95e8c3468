"""What a pull shows: one honest bar on a terminal, Docker's lines elsewhere, or the name alone.

The bar counts compressed bytes of all layers that had to be fetched. It moves only with bytes that
arrived, and says what it waits for when none do.
Source: Engine API 1.51 CreateImageInfo; the engine's sums come as `aux`.
"""

from __future__ import annotations

import time

from budu.base.units import human_size
from budu.cli.terminal import cut_to_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Protocol, TextIO

    class View(Protocol):
        """Takes a pull's messages in order."""

        def feed(self, message: Mapping[str, Any]) -> None:
            """Show one message."""

        def close(self) -> None:
            """Leave the terminal clean; idempotent."""


_REDRAW_S = 0.1
_SPEED_SPAN_S = 3.0
_STALL_S = 3.0
_BAR_WIDTH = 24
_CLEAR = "\r\x1b[2K"


def choose_view(
    out: TextIO,
    *,
    quiet: bool = False,
    plain: bool = False,
    width: Callable[[], int] = lambda: 80,
    lang: str = "en",
) -> View:
    """The view for `out`: a bar on a terminal unless `plain`; nothing while pulling if `quiet`.

    `width` tells the terminal's columns now: it is asked each time, since windows change.
    """
    if quiet:
        return QuietView()
    if plain or not out.isatty():
        return PlainView(out)
    return BarView(out, width=width, lang=lang)


class QuietView:
    """Shows nothing; the command prints the name at the end."""

    def feed(self, message: Mapping[str, Any]) -> None:
        """Ignore it."""

    def close(self) -> None:
        """Nothing to do."""


class PlainView:
    """Docker's lines as they are written where there is no terminal: a line per step."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def feed(self, message: Mapping[str, Any]) -> None:
        """Print a step; byte counts are left out."""
        status = message.get("status")
        if not status or message.get("progressDetail", {}).get("total"):
            return
        prefix = f"{message['id']}: " if message.get("id") else ""
        self._out.write(f"{prefix}{status}\n")
        self._out.flush()

    def close(self) -> None:
        """Nothing to do."""


class Speed:
    """Bytes a second over the last moments."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._samples: list[tuple[float, int]] = []

    def add(self, done: int) -> None:
        """State how many bytes are here now."""
        now = self._clock()
        self._samples.append((now, done))
        while len(self._samples) > 2 and self._samples[1][0] < now - _SPEED_SPAN_S:
            self._samples.pop(0)

    def per_second(self) -> float:
        """0 before there is anything to divide."""
        if len(self._samples) < 2:
            return 0.0
        (began, before), (ended, after) = self._samples[0], self._samples[-1]
        return max(0.0, (after - before) / (ended - began)) if ended > began else 0.0

    def idle_s(self) -> float:
        """Seconds since the number of bytes last changed."""
        last = self._samples[-1][1] if self._samples else 0
        since = next((at for at, done in self._samples if done == last), self._clock())
        return self._clock() - since


class BarView:
    """One line that is drawn over and over."""

    def __init__(
        self,
        out: TextIO,
        *,
        width: Callable[[], int],
        lang: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out = out
        self._width = width
        self._lang = lang
        self._clock = clock
        self._speed = Speed(clock)
        self._drawn_at = 0.0
        self._is_drawn = False
        self._sum: Mapping[str, Any] = {}
        self._waiting_for = ""

    def feed(self, message: Mapping[str, Any]) -> None:
        """Take a message; the first and the last lines stay, the rest moves the bar."""
        aux = message.get("aux")
        if aux and "total" in aux:
            self._sum = aux
            self._speed.add(aux["current"] - aux.get("resumed", 0))
            self._draw()
            return
        status = message.get("status", "")
        identity = message.get("id", "")
        if not identity or status.startswith("Pulling from"):
            self.close()
            self._out.write(f"{identity}: {status}\n" if identity else f"{status}\n")
            self._out.flush()
            return
        self._waiting_for = status
        self._draw()

    def _draw(self) -> None:
        now = self._clock()
        finished = self._sum.get("current") == self._sum.get("total")
        if not self._sum.get("total") or (now - self._drawn_at < _REDRAW_S and not finished):
            return
        self._drawn_at = now
        self._out.write(_CLEAR + cut_to_width(self._line(), self._width() - 1))
        self._out.flush()
        self._is_drawn = True

    def _line(self) -> str:
        done, total = self._sum["current"], self._sum["total"]
        filled = done * _BAR_WIDTH // total
        bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
        parts = [bar, f"{done * 100 // total:3d}%", f"{human_size(done)} / {human_size(total)}"]
        return "  ".join(part for part in (*parts, *self._tail(done, total)) if part)

    def _tail(self, done: int, total: int) -> list[str]:
        from budu.base.messages import text

        notes = []
        rate = self._speed.per_second()
        if done == total or self._speed.idle_s() > _STALL_S:
            notes.append(self._waiting_for)
        elif rate:
            left = text("cli.progress-left", self._lang, time=_clock_time((total - done) / rate))
            notes += [f"{human_size(rate)}/s", left]
        present = self._sum.get("present", 0)
        if present:
            layers = self._sum["layers"]
            notes.append(text("cli.progress-present", self._lang, present=present, layers=layers))
        return notes

    def close(self) -> None:
        """Take the bar away."""
        if self._is_drawn:
            self._out.write(_CLEAR)
            self._out.flush()
            self._is_drawn = False


def _clock_time(seconds: float) -> str:
    whole = int(seconds + 0.5)
    return f"{whole // 60}:{whole % 60:02d}"
