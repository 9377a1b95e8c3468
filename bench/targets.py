"""What budu wants to reach in a case, and whether it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Median = Callable[[str], float | None]
"""The median of a peer's samples, by its name."""

OURS = ("budu", "docker-cli-budu")
"""The columns that stand for budu; the first that was measured counts."""


@dataclass(frozen=True)
class TimesFaster:
    """At most a fraction of the time another peer takes."""

    peer: str
    """Name of the other peer."""
    factor: float
    """How many times faster; 1 means not slower."""

    @property
    def text(self) -> str:
        """As the table says it."""
        if self.factor == 1:
            return f"not slower than {self.peer}"
        return f"≥ {self.factor:g} × {self.peer}"

    def is_reached(self, median: Median) -> bool | None:
        """Whether it is reached; None when that was not measured."""
        ours, theirs = median_of_ours(median), median(self.peer)
        return None if ours is None or theirs is None else ours * self.factor <= theirs


@dataclass(frozen=True)
class AtMost:
    """An absolute limit, in the case's unit."""

    limit: float
    """The highest value that is good enough."""

    @property
    def text(self) -> str:
        """As the table says it."""
        return f"≤ {self.limit:g}"

    def is_reached(self, median: Median) -> bool | None:
        """Whether it is reached; None when that was not measured."""
        ours = median_of_ours(median)
        return None if ours is None else ours <= self.limit


Target = TimesFaster | AtMost


def median_of_ours(median: Median) -> float | None:
    """The median of the first of our columns that has one."""
    return next((value for name in OURS if (value := median(name)) is not None), None)
