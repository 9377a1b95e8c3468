"""Signal names and numbers as Docker accepts them."""

from __future__ import annotations

import signal

from budu.base.errors import InvalidArgument

_NAMES: dict[str, int] = {each.name.removeprefix("SIG"): int(each) for each in signal.Signals} | {
    "POLL": int(signal.SIGIO),
    "IOT": int(signal.SIGABRT),
    "CLD": int(signal.SIGCHLD),
    **{f"RTMIN+{n}": 34 + n for n in range(16)},
    **{f"RTMAX-{n}": 64 - n for n in range(15)},
}
_LAST = 64


def parse_signal(text: str) -> int:
    """`9`, `KILL`, `SIGKILL`, `sigkill` or `RTMIN+3` to its number.

    Raises: InvalidArgument with Docker's sentence.
    """
    if _is_number(text):
        number = int(text)
        if 0 < number <= _LAST:
            return number
        raise InvalidArgument(f"invalid signal: {text}")
    number = _NAMES.get(text.upper().removeprefix("SIG"), 0)
    if not number:
        raise InvalidArgument(f"invalid signal: {text}")
    return number


def parse_signal_to_send(text: str) -> int:
    """As `parse_signal`, with Docker's other sentence for a number that no signal of Linux has."""
    if _is_number(text) and int(text) > _LAST:
        raise InvalidArgument(f"the linux daemon does not support signal {int(text)}")
    return parse_signal(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
