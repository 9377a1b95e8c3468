"""Many containers at a time."""

from __future__ import annotations

from bench.case import MANY, Case, Context, run_many
from bench.peers import SOCKET, Site
from bench.room import BenchError
from bench.targets import TimesFaster

CROWD = 500
"""Containers on one bridge."""
WIDTH = 8
"""How many are started at a time."""


def measure_run_many(context: Context) -> float:
    """`MANY` containers, some at a time."""
    commands = [
        ("run", "-d", "--name", f"many-{number}", "busybox", "sleep", "10000")
        for number in range(MANY)
    ]
    return context.site.run_parallel(context.peer, commands, width=WIDTH) * 1000


def measure_remove_many(context: Context) -> float:
    """One command that removes `MANY` running containers."""
    words = ["rm", "-f", *(("--time", "0") if context.peer.engine == "podman" else ())]
    names = [f"many-{number}" for number in range(MANY)]
    return context.site.run_as(context.peer, [*words, *names]).wall_s * 1000


def measure_crowd(context: Context) -> float:
    """`CROWD` containers on the default bridge, by the API.

    Raises: BenchError when the bridge does not have them all.
    """
    site = context.site
    seconds = site.room.call(
        "bench.load:run_containers", path=SOCKET, count=CROWD, connections=WIDTH
    )
    joined = site.run("network", "inspect", "-f", "{{len .Containers}}", "bridge").strip()
    if joined != str(CROWD):
        raise BenchError(f"{joined} of {CROWD} containers are on the bridge")
    return float(seconds) * 1000


CASES: tuple[Case, ...] = (
    Case(
        name="many.run",
        title=f"{MANY} × `run -d`, {WIDTH} at a time",
        measure=measure_run_many,
        after=Site.remove_all,
        max_rounds=3,
        targets=(TimesFaster("docker", 8),),
    ),
    Case(
        name="many.rm",
        title=f"`rm -f` of {MANY} running containers",
        measure=measure_remove_many,
        before=run_many,
        after=Site.remove_all,
        max_rounds=3,
    ),
    Case(
        name="many.bridge",
        title=f"{CROWD} containers on one bridge, made and started by the API, {WIDTH} at a time",
        measure=measure_crowd,
        after=Site.remove_all,
        max_rounds=1,
        warms_up=False,
        is_per_engine=True,
        is_ours_only=True,
    ),
)
"""In the order of the table."""
