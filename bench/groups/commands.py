"""Single commands on few containers."""

from __future__ import annotations

import time

from bench.case import MANY, Case, Context, command, remove, run_in, run_many, run_sleeper
from bench.peers import SOCKET, Site
from bench.targets import AtMost, Target, TimesFaster

IDLE = 1000
"""Containers that were never started."""
WAITS_FOR_TERM = ("sh", "-c", 'trap "exit 0" TERM; sleep 10000 & wait')
"""A container's command that ends as soon as it gets SIGTERM."""


def create_sleeper(site: Site) -> None:
    """A container that would only wait, not started."""
    site.run("create", "--name", "one", "busybox", "sleep", "10000")


def run_polite(site: Site) -> None:
    """A container that ends on SIGTERM; it gets a moment to set its trap."""
    run_in(site, "one", *WAITS_FOR_TERM)
    time.sleep(0.2)


def create_idle(site: Site) -> None:
    """`IDLE` containers that are not started, by the API."""
    site.room.call("bench.load:create_containers", path=SOCKET, count=IDLE)


def measure_remove(context: Context) -> float:
    """One command that removes a running container without a polite end."""
    words = ["rm", "-f", *(("--time", "0") if context.peer.engine == "podman" else ()), "one"]
    return context.site.run_as(context.peer, words).wall_s * 1000


def run_case(name: str, title: str, *flags: str, targets: tuple[Target, ...] = ()) -> Case:
    """The case of a short container in the foreground."""
    measure = command("run", "--rm", *flags, "busybox", "true")
    return Case(name=name, title=title, measure=measure, targets=targets)


CASES: tuple[Case, ...] = (
    Case(name="version", title="`--version`", measure=command("--version")),
    run_case(
        "run.bridge",
        "`run --rm busybox true`",
        targets=(TimesFaster("docker", 8), TimesFaster("podman", 4)),
    ),
    run_case("run.none", "… `--network none`", "--network", "none"),
    run_case("run.host", "… `--network host`", "--network", "host"),
    Case(
        name="create",
        title="`create`",
        measure=command("create", "--name", "one", "busybox", "true"),
        after=remove("one"),
        targets=(TimesFaster("docker", 2),),
    ),
    Case(
        name="start",
        title="`start`",
        measure=command("start", "one"),
        before=create_sleeper,
        after=remove("one"),
    ),
    Case(
        name="stop",
        title="`stop`, the process handles TERM",
        measure=command("stop", "one"),
        before=run_polite,
        after=remove("one"),
        targets=(TimesFaster("docker", 4),),
    ),
    Case(
        name="exec",
        title="`exec one true`",
        measure=command("exec", "one", "true"),
        setup=run_sleeper,
        targets=(TimesFaster("docker", 5),),
    ),
    Case(
        name="rm",
        title="`rm -f` of a running container",
        measure=measure_remove,
        before=run_sleeper,
    ),
    Case(
        name="ps.1",
        title="`ps`, 1 container",
        measure=command("ps"),
        setup=run_sleeper,
        targets=(TimesFaster("docker", 1),),
    ),
    Case(name="images", title="`images`", measure=command("images")),
    Case(
        name="inspect",
        title="`inspect`",
        measure=command("inspect", "one"),
        setup=run_sleeper,
    ),
    Case(
        name="ps.50",
        title=f"`ps`, {MANY} containers",
        measure=command("ps"),
        setup=run_many,
        targets=(TimesFaster("docker", 1),),
    ),
    Case(
        name="ps.1000",
        title=f"`ps -a`, {IDLE:,} containers",
        measure=command("ps", "-a"),
        setup=create_idle,
        teardown=Site.remove_all,
        max_rounds=20,
        needs_daemon=True,
        targets=(AtMost(100),),
    ),
)
"""In the order of the table."""
