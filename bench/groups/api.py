"""The API itself: requests and events per second."""

from __future__ import annotations

from collections.abc import Callable

from bench.case import MANY, SECONDS, Case, Context, run_many
from bench.peers import SOCKET, Site
from bench.targets import AtLeast, TimesMore

EVENTS = 1000
"""Events that one client has to get."""


def unix_rate(target: str) -> Callable[[Context], float]:
    """Measures API requests per second on one kept-alive connection."""
    return lambda context: float(
        context.site.room.call("bench.load:unix_rate", path=SOCKET, target=target, seconds=SECONDS)
    )


def create_one(site: Site) -> None:
    """A container whose name can change."""
    site.run("create", "--name", "one", "busybox", "true")


def measure_events(context: Context) -> float:
    """Events per second that reach a client.

    Raises: BenchError when one is lost.
    """
    return float(context.site.room.call("bench.event_load:rate", path=SOCKET, count=EVENTS))


CASES: tuple[Case, ...] = (
    Case(
        name="api.list",
        title=f"API: GET /containers/json, {MANY} rows, one connection",
        unit="1/s",
        measure=unix_rate("/v1.41/containers/json"),
        setup=run_many,
        max_rounds=5,
        is_per_engine=True,
        needs_daemon=True,
        targets=(TimesMore("docker", 10),),
    ),
    Case(
        name="api.ping",
        title="API: GET /_ping, one connection",
        unit="1/s",
        measure=unix_rate("/_ping"),
        max_rounds=5,
        is_per_engine=True,
        needs_daemon=True,
        targets=(TimesMore("docker", 1),),
    ),
    Case(
        name="api.events",
        title=f"API: {EVENTS:,} events, made by one client and followed by another, none lost",
        unit="1/s",
        measure=measure_events,
        setup=create_one,
        max_rounds=3,
        is_per_engine=True,
        needs_daemon=True,
        targets=(AtLeast(200),),
    ),
)
"""In the order of the table."""
