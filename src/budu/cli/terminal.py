"""The person's terminal: raw mode, size, widths of letters, detach keys. Light.

Source: termios(3); moby/term `ascii.go` and `proxy.go` (detach keys).
"""

from __future__ import annotations

import posix

from budu.base.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Any

DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q"
_CONTROL_SIGNS = {"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}


def size(fd: int) -> tuple[int, int]:
    """Rows and columns of the terminal behind `fd`; (0, 0) when it is none."""
    try:
        columns, rows = posix.get_terminal_size(fd)
    except OSError:
        return (0, 0)
    return (rows, columns)


def screen_width() -> int:
    """Columns of the terminal that standard error or standard output is; 80 without one."""
    return size(2)[1] or size(1)[1] or 80


def display_width(text: str) -> int:
    """Columns that `text` takes: wide East Asian letters take two, combining marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text
    )


def cut_to_width(text: str, columns: int) -> str:
    """As much of `text` as fits into so many columns."""
    while display_width(text) > columns:
        text = text[:columns] if len(text) > columns else text[:-1]
    return text


class RawMode:
    """A context in which the terminal passes every key on unread; restored at the end."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._saved: list[Any] | None = None

    def __enter__(self) -> RawMode:
        import termios

        self._saved = list(termios.tcgetattr(self._fd))
        raw = termios.tcgetattr(self._fd)
        raw[0] &= ~(
            termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP
            | termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON
        )  # fmt: skip
        raw[1] &= ~termios.OPOST
        raw[2] = raw[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
        raw[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
        raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._fd, termios.TCSANOW, raw)
        return self

    def restore(self) -> None:
        """Bring the terminal back; harmless when it was."""
        if self._saved is None:
            return
        import termios

        termios.tcsetattr(self._fd, termios.TCSANOW, self._saved)
        self._saved = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.restore()


def parse_detach_keys(text: str) -> bytes:
    """The bytes of `ctrl-p,ctrl-q`, `a,b`, `ctrl-[`.

    Raises: InvalidArgument with Docker's sentence.
    """
    keys = bytearray()
    for word in text.split(","):
        if len(word) == 1 and word.isascii():
            keys.append(ord(word))
            continue
        letter = word.lower().removeprefix("ctrl-")
        if len(letter) == 1 and word.lower().startswith("ctrl-"):
            if "a" <= letter <= "z":
                keys.append(ord(letter) - ord("a") + 1)
                continue
            if letter in _CONTROL_SIGNS:
                keys.append(_CONTROL_SIGNS[letter])
                continue
        raise InvalidArgument(f"invalid detach keys ({text}): Unknown character: '{word}'")
    return bytes(keys)


class DetachWatcher:
    """Looks for the detach keys in what is typed; keys of an unfinished sequence are held back."""

    __slots__ = ("_keys", "_seen", "detached")

    def __init__(self, keys: Sequence[int]) -> None:
        self._keys = bytes(keys)
        self._seen = 0
        self.detached = False
        """Whether the whole sequence was typed."""

    def feed(self, data: bytes) -> bytes:
        """What goes to the container; nothing after the sequence is complete."""
        passed = bytearray()
        for byte in data:
            if self._keys and byte == self._keys[self._seen]:
                self._seen += 1
                if self._seen == len(self._keys):
                    self.detached = True
                    return bytes(passed)
                continue
            passed += self._keys[: self._seen]
            self._seen = 0
            if self._keys and byte == self._keys[0]:
                self._seen = 1
            else:
                passed.append(byte)
        return bytes(passed)
