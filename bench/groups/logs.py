"""A million short log lines: kept and read back."""

from __future__ import annotations

from bench.case import Case, Context, remove, run_in
from bench.peers import Site
from bench.room import BenchError
from bench.targets import TimesFaster

LINES = 1_000_000
"""Lines of the log cases."""
LINES_BYTES = 6_888_896
"""What `seq 1000000` writes."""


def measure_write_lines(context: Context) -> float:
    """A container that writes many short lines, until it has ended and all is kept."""
    site, peer = context.site, context.peer
    words = ("run", "-d", "--name", "lines", "busybox", "seq", str(LINES))
    return (site.run_as(peer, words).wall_s + site.run_as(peer, ("wait", "lines")).wall_s) * 1000


def keep_lines(site: Site) -> None:
    """A container that has written many lines."""
    run_in(site, "lines", "seq", str(LINES))
    site.run("wait", "lines")


def measure_read_lines(context: Context) -> float:
    """Reads all lines back.

    Raises: BenchError when they are not all there.
    """
    done = context.site.run_as(context.peer, ("logs", "lines"), keep=True)
    if done.out_bytes != LINES_BYTES:
        raise BenchError(f"logs wrote {done.out_bytes} bytes instead of {LINES_BYTES}")
    return done.wall_s * 1000


CASES: tuple[Case, ...] = (
    Case(
        name="logs.write",
        title="`run -d` and `wait`, a million lines",
        measure=measure_write_lines,
        after=remove("lines"),
        max_rounds=5,
        targets=(TimesFaster("docker", 3),),
    ),
    Case(
        name="logs.read",
        title="`logs` of a million lines",
        measure=measure_read_lines,
        setup=keep_lines,
        max_rounds=3,
        targets=(TimesFaster("docker", 4),),
    ),
)
"""In the order of the table."""
