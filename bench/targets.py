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
class TimesMore:
    """At least a multiple of the rate another peer has."""

    peer: str
    """Name of the other peer."""
    factor: float
    """How many times as much; 1 means not less."""
    tolerance: float = 0.0
    """The share by which it may be missed where both do the same and only chance decides."""

    @property
    def text(self) -> str:
        """As the table says it."""
        wanted = f"≥ {self.factor:g} × {self.peer}" if self.factor != 1 else f"≥ {self.peer}"
        return f"{wanted} − {self.tolerance:.0%}" if self.tolerance else wanted

    def is_reached(self, median: Median) -> bool | None:
        """Whether it is reached; None when that was not measured."""
        ours, theirs = median_of_ours(median), median(self.peer)
        if ours is None or theirs is None:
            return None
        return ours >= theirs * self.factor * (1 - self.tolerance)


@dataclass(frozen=True)
class AtMost:
    """An absolute upper limit, in the case's unit."""

    limit: float
    """The highest value that is good enough."""

    @property
    def text(self) -> str:
        """As the table says it."""
        return f"≤ {self.limit:,g}"

    def is_reached(self, median: Median) -> bool | None:
        """Whether it is reached; None when that was not measured."""
        ours = median_of_ours(median)
        return None if ours is None else ours <= self.limit


@dataclass(frozen=True)
class AtLeast:
    """An absolute lower limit, in the case's unit."""

    limit: float
    """The lowest value that is good enough."""

    @property
    def text(self) -> str:
        """As the table says it."""
        return f"≥ {self.limit:,g}"

    def is_reached(self, median: Median) -> bool | None:
        """Whether it is reached; None when that was not measured."""
        ours = median_of_ours(median)
        return None if ours is None else ours >= self.limit


Target = TimesFaster | TimesMore | AtMost | AtLeast


def median_of_ours(median: Median) -> float | None:
    """The median of the first of our columns that has one."""
    return next((value for name in OURS if (value := median(name)) is not None), None)
