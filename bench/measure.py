"""The order of a measurement, and what is made of its samples.

All peers of a case alternate round by round (A B C, A B C …) after one round that is not counted,
so that what changes on the machine over time meets all of them. Each sample waits a moment for an
idle machine and says when it did not get one.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.cases import Case, Context
from bench.peers import Peer, Site
from bench.room import BenchError

IDLE_WAIT_S = 0.6
"""How long a sample waits for an idle machine."""
IDLE_WINDOW_S = 0.05
"""Over how long the machine is looked at."""
IDLE_SHARE = 0.15
"""Up to which share of all processors' time the machine counts as idle."""


@dataclass(kw_only=True)
class Series:
    """The samples of one peer in one case."""

    samples: list[float] = field(default_factory=list)
    """In the case's unit, in order."""
    failure: str = ""
    """Why there are none, or no more."""
    late_starts: int = 0
    """Samples taken on a machine that was not idle."""

    @property
    def median(self) -> float | None:
        """The middle of the samples."""
        return statistics.median(self.samples) if self.samples else None


@dataclass(frozen=True, kw_only=True)
class Result:
    """A measured case."""

    case: Case
    """What was measured."""
    series: Mapping[str, Series]
    """By the name of the peer."""


def measure_case(
    case: Case, peers: Sequence[Peer], sites: Mapping[str, Site], *, rounds: int
) -> Result:
    """Measure one case on all peers it is meant for."""
    contexts = [
        Context(peer=peer, site=sites[peer.engine])
        for peer in chosen(case, peers)
    ]
    series = {context.peer.name: Series() for context in contexts}
    rounds = min(rounds, case.max_rounds)
    try:
        for context in distinct_sites(contexts):
            attempt(series, contexts, context, lambda context=context: case.setup(context.site))
        for number in range(rounds + 1):
            for context in contexts:
                if not series[context.peer.name].failure:
                    measure_once(case, context, series, is_warm_up=number == 0)
            show_progress(case, number, rounds)
    finally:
        for context in distinct_sites(contexts):
            clean_up(case, context.site)
    return Result(case=case, series=series)
