"""The order of a measurement, and what is made of its samples.

All peers of a case alternate round by round (A B C, A B C …) after one round that is not counted,
so that what changes on the machine over time meets all of them. Each sample waits a moment for an
idle machine and is counted as late when it did not get one.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.case import Case, Context
from bench.peers import Peer, Site
from bench.room import BenchError

IDLE_WAIT_S = 0.6
"""How long a sample waits for an idle machine."""
IDLE_WINDOW_S = 0.05
"""Over how long the machine is looked at."""
IDLE_SHARE = 0.2
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
        """The middle of the samples; None after a failure."""
        return statistics.median(self.samples) if self.samples and not self.failure else None


@dataclass(frozen=True, kw_only=True)
class Result:
    """A measured case."""

    case: Case
    """What was measured."""
    series: Mapping[str, Series]
    """By the name of the peer."""

    def median(self, peer: str) -> float | None:
        """The median of a peer, if it was measured."""
        return self.series[peer].median if peer in self.series else None


def measure_case(
    case: Case, peers: Sequence[Peer], sites: Mapping[str, Site], *, rounds: int, deadline: float
) -> Result:
    """Measure one case on all peers it is meant for. A peer that fails is left out of the rest.

    No further round begins after `deadline` (on `time.monotonic`), but one is always measured.
    """
    contexts = [Context(peer=peer, site=sites[peer.engine]) for peer in case.choose(peers)]
    series = {context.peer.name: Series() for context in contexts}
    count, warm_up = min(rounds, case.max_rounds), int(case.warms_up)
    used = list({context.site.engine.name: context.site for context in contexts}.values())
    try:
        for site in used:
            set_up(case, site, [series[c.peer.name] for c in contexts if c.site is site])
        for number in range(count + warm_up):
            if number > warm_up and time.monotonic() > deadline:
                break
            report_progress(case, number, count)
            for context in contexts:
                one = series[context.peer.name]
                if not one.failure:
                    measure_once(case, context, one, is_warm_up=number < warm_up)
    finally:
        for site in used:
            clean_up(case, site)
    report_medians(case, series)
    return Result(case=case, series=series)


def set_up(case: Case, site: Site, series: Iterable[Series]) -> None:
    """What a case needs before its first round on one engine."""
    try:
        case.setup(site)
    except Exception as error:  # the edge: one case that fails is no reason to end the others
        for one in series:
            one.failure = told(error)


def measure_once(case: Case, context: Context, series: Series, *, is_warm_up: bool) -> None:
    """One sample, with what comes before and after it."""
    try:
        case.before(context.site)
        try:
            is_idle = wait_until_idle()
            value = case.measure(context)
        finally:
            case.after(context.site)
    except Exception as error:  # the edge: see `set_up`
        series.failure = told(error)
        return
    if not is_warm_up:
        series.samples.append(value)
        series.late_starts += not is_idle


def clean_up(case: Case, site: Site) -> None:
    """Leave an engine without containers, whatever happened."""
    try:
        case.teardown(site)
        site.remove_all()
    except Exception as error:  # the edge: see `set_up`
        print(f"  cleaning up: {told(error)}", file=sys.stderr)


def told(error: Exception) -> str:
    """What a report says about a failure."""
    return str(error) if isinstance(error, BenchError) else f"{type(error).__name__}: {error}"


def wait_until_idle() -> bool:
    """Wait a moment for an idle machine; whether it became one."""
    deadline = time.monotonic() + IDLE_WAIT_S
    while time.monotonic() < deadline:
        before = busy_s()
        time.sleep(IDLE_WINDOW_S)
        if (busy_s() - before) / IDLE_WINDOW_S / (os.cpu_count() or 1) < IDLE_SHARE:
            return True
    return False


def busy_s() -> float:
    """Seconds all processors together have worked since boot. Source: man 5 proc_stat."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    ticks = [int(value) for value in fields]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def report_progress(case: Case, number: int, count: int) -> None:
    """One line on standard error that is written over."""
    if sys.stderr.isatty():
        print(f"\r{case.name}: {number}/{count} ", end="", file=sys.stderr, flush=True)


def report_medians(case: Case, series: Mapping[str, Series]) -> None:
    """One line on standard error for a case that is done."""
    texts = [
        f"{name} {one.median:.1f}" if one.median is not None else f"{name} failed ({one.failure})"
        for name, one in series.items()
    ]
    start = "\r" if sys.stderr.isatty() else ""
    print(f"{start}{case.name} [{case.unit}]: {', '.join(texts)}", file=sys.stderr, flush=True)
