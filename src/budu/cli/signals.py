"""Catches signals for the poll loop of an attached command. Light.

The `signal` module of the standard library imports `enum`; the accelerator below it does not.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the accelerator has no stub
import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

FORWARDED = {
    _signal.SIGHUP: "HUP",
    _signal.SIGINT: "INT",
    _signal.SIGQUIT: "QUIT",
    _signal.SIGUSR1: "USR1",
    _signal.SIGUSR2: "USR2",
    _signal.SIGALRM: "ALRM",
    _signal.SIGTERM: "TERM",
    _signal.SIGCONT: "CONT",
    _signal.SIGTSTP: "TSTP",
    _signal.SIGTTIN: "TTIN",
    _signal.SIGTTOU: "TTOU",
}
"""Signals passed on to a container. SIGWINCH is not: servers take it for an order to stop."""
WINDOW_CHANGED = _signal.SIGWINCH
ENDING = frozenset((_signal.SIGINT, _signal.SIGTERM))
"""Three of these in a row end the program itself."""


def _note(_number: int, _frame: FrameType | None) -> None:
    """The number reaches the loop through the wake-up descriptor."""


class SignalPipe:
    """A context in which signals arrive as bytes on `fd`, one number a byte."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self._numbers = numbers
        self._previous: dict[int, object] = {}
        self.fd = -1
        self._write_fd = -1

    def __enter__(self) -> SignalPipe:
        self.fd, self._write_fd = posix.pipe2(posix.O_CLOEXEC | posix.O_NONBLOCK)
        _signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        for number in self._numbers:
            self._previous[number] = _signal.signal(number, _note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _signal.set_wakeup_fd(-1)
        for number, handler in self._previous.items():
            _signal.signal(number, handler if handler is not None else _signal.SIG_DFL)
        posix.close(self.fd)
        posix.close(self._write_fd)

    def read(self) -> bytes:
        """The signals since the last call."""
        try:
            return posix.read(self.fd, 256)
        except BlockingIOError:
            return b""
