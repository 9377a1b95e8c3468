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


def parse_signal(text: str) -> int:
    """`9`, `KILL`, `SIGKILL`, `sigkill` or `RTMIN+3` to its number.

    Raises: InvalidArgument with Docker's sentence.
    """
    if text.isascii() and text.isdecimal():
        number = int(text)
        if 0 < number <= 64:
            return number
        raise InvalidArgument(f"invalid signal: {text}")
    number = _NAMES.get(text.upper().removeprefix("SIG"), 0)
    if not number:
        raise InvalidArgument(f"invalid signal: {text}")
    return number
