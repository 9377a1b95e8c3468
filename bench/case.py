"""A case: one thing that is measured, as one record, and the steps that many cases share.

Setup and teardown run once per engine, `before` and `after` around every sample; none of them is
measured. A case leaves no containers behind (`measure` makes sure).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.peers import Peer, Site
from bench.targets import Target

Unit = Literal["ms", "MiB", "1/s", "MiB/s", "×"]

HIGHER_IS_BETTER: frozenset[Unit] = frozenset({"1/s", "MiB/s"})
"""Units of rates; all others are better when lower."""
MANY = 50
"""Containers in the cases with many."""
SECONDS = 1.5
"""How long a rate is measured."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """Where one sample is taken."""

    peer: Peer
    """The command line."""
    site: Site
    """The engine."""


def nothing(site: Site) -> None:
    """No step is needed."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that is measured."""

    name: str
    """Its name on the command line and in `results.json`."""
    title: str
    """Its row in the table."""
    measure: Callable[[Context], float]
    """Takes one sample. Raises: BenchError."""
    unit: Unit = "ms"
    """Of its samples."""
    setup: Callable[[Site], None] = nothing
    """Once per engine, first."""
    teardown: Callable[[Site], None] = nothing
    """Once per engine, last, also after failures."""
    before: Callable[[Site], None] = nothing
    """Before every sample."""
    after: Callable[[Site], None] = nothing
    """After every sample, also after failures."""
    max_rounds: int = 1000
    """Upper limit of rounds for what takes long."""
    warms_up: bool = True
    """Whether a round that is not counted comes first."""
    is_per_engine: bool = False
    """Whether the command line does not matter, so that each engine is measured once."""
    needs_daemon: bool = False
    """Whether engines without a daemon are left out."""
    is_ours_only: bool = False
    """Whether other engines are left out."""
    targets: tuple[Target, ...] = ()
    """What budu wants to reach."""

    def choose(self, peers: Sequence[Peer]) -> list[Peer]:
        """The peers this case is meant for."""
        chosen: list[Peer] = []
        for peer in peers:
            is_double = self.is_per_engine and any(one.engine == peer.engine for one in chosen)
            is_foreign = self.is_ours_only and peer.engine != "budu"
            is_daemonless = self.needs_daemon and peer.engine == "podman"
            if not (is_double or is_foreign or is_daemonless):
                chosen.append(peer)
        return chosen


def command(*words: str) -> Callable[[Context], float]:
    """Measures the wall time of one command."""
    return lambda context: context.site.run_as(context.peer, words).wall_s * 1000


def run_in(site: Site, name: str, *words: str) -> None:
    """Start a busybox container in the background."""
    site.run("run", "-d", "--name", name, "busybox", *words)


def remove(*names: str) -> Callable[[Site], None]:
    """A step that removes containers."""
    return lambda site: site.remove(*names)


def run_sleeper(site: Site) -> None:
    """A container called `one` that only waits."""
    run_in(site, "one", "sleep", "10000")


def run_many(site: Site) -> None:
    """`MANY` sleepers."""
    for number in range(MANY):
        run_in(site, f"many-{number}", "sleep", "10000")
