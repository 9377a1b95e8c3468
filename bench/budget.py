"""How long a whole run may take, shared out among its cases."""

from __future__ import annotations

import time

_GENEROSITY = 2.5
"""How many times its even share of what is left one case may take: most take far less."""


class Budget:
    """Time for a number of cases, one after another."""

    def __init__(self, minutes: float, *, cases: int) -> None:
        """`minutes` for all of them; their last rounds may go a little beyond."""
        self._end = time.monotonic() + minutes * 60
        self._left = cases

    def next_deadline(self) -> float:
        """When the case that begins now should not begin another round; on `time.monotonic`."""
        now = time.monotonic()
        share = (self._end - now) / max(self._left, 1)
        self._left -= 1
        return now + max(share, 0) * _GENEROSITY
