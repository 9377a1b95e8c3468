"""Memory of engines: idle, after work, and for each container."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from bench import images
from bench.case import Case, Context, run_in
from bench.groups.images import forget_image
from bench.peers import Site
from bench.targets import AtMost, Target

CROWD = 20
"""Containers whose memory is counted."""

Kind = Literal["rss_mib", "pss_mib"]


def restart(site: Site) -> None:
    """A fresh engine without work behind it."""
    site.stop_daemon()
    site.start_daemon()
    time.sleep(2)


def resident(context: Context, kind: Kind) -> float:
    """Memory of an engine. Who waits for work counts only in PSS, shims and the command line's
    workers: they share nearly everything with whom they were forked from, and RSS would count that
    again for each."""
    waiting = ["budu-shim", "budu-cli"] if kind == "rss_mib" else []
    return float(getattr(context.site.memory(names_without=waiting), kind))


def memory_idle(kind: Kind) -> Callable[[Context], float]:
    """Measures the memory of an idle engine."""
    return lambda context: resident(context, kind)


def memory_after_pull(kind: Kind) -> Callable[[Context], float]:
    """Measures the memory of an engine that has just pulled an image."""

    def measure(context: Context) -> float:
        context.site.run("pull", "-q", images.DEBIAN)
        time.sleep(2)
        return resident(context, kind)

    return measure


def measure_container_memory(context: Context) -> float:
    """Growth of all processes but the containers' own, for each of `CROWD` containers."""
    site = context.site
    names = [f"crowd-{number}" for number in range(CROWD)]
    time.sleep(1)
    empty = site.memory(names_without=["sleep"])
    for name in names:
        run_in(site, name, "sleep", "10000")
    time.sleep(1)
    full = site.memory(names_without=["sleep"])
    site.remove(*names)
    return (full.pss_mib - empty.pss_mib) / CROWD


def idle_case(name: str, title: str, kind: Kind, targets: tuple[Target, ...] = ()) -> Case:
    """The case of an engine that has just been started."""
    return Case(
        name=name,
        title=title,
        unit="MiB",
        measure=memory_idle(kind),
        before=restart,
        max_rounds=3,
        warms_up=False,
        is_per_engine=True,
        needs_daemon=True,
        targets=targets,
    )


def pull_case(name: str, title: str, kind: Kind, targets: tuple[Target, ...] = ()) -> Case:
    """The case of an engine that has just pulled an image none of whose layers it had."""

    def begin(site: Site) -> None:
        forget_image(images.HTTPD)(site)
        forget_image(images.DEBIAN)(site)
        restart(site)

    return Case(
        name=name,
        title=title,
        unit="MiB",
        measure=memory_after_pull(kind),
        before=begin,
        teardown=forget_image(images.DEBIAN),
        max_rounds=3,
        warms_up=False,
        is_per_engine=True,
        needs_daemon=True,
        targets=targets,
    )


IDLE = "idle engine after its start, RSS (budu: engine and zygote)"
AFTER_PULL = "idle engine after a pull, RSS (budu: engine and zygote)"
PSS = "… PSS (with the shims and the command line's resident kept ready)"

CASES: tuple[Case, ...] = (
    idle_case("memory.idle.rss", IDLE, "rss_mib", (AtMost(60),)),
    idle_case("memory.idle.pss", PSS, "pss_mib"),
    pull_case("memory.pull.rss", AFTER_PULL, "rss_mib", (AtMost(60),)),
    pull_case("memory.pull.pss", PSS, "pss_mib"),
    Case(
        name="memory.container",
        title=f"per container (shim and engine growth, {CROWD} containers), PSS",
        unit="MiB",
        measure=measure_container_memory,
        max_rounds=3,
        warms_up=False,
        is_per_engine=True,
        targets=(AtMost(1),),
    ),
)
"""In the order of the table."""
