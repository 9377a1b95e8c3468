"""Waiting for something to become true, with a deadline instead of a sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_S = 60.0
_PAUSE_S = 0.02


def eventually(look: Callable[[], T], what: str = "", *, timeout_s: float = DEADLINE_S) -> T:
    """The first true value that `look` returns. Raises: AssertionError after the deadline."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or look} did not happen within {timeout_s} s: {found!r}")
        time.sleep(_PAUSE_S)
    return found
