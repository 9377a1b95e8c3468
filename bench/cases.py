"""What is measured: every case as one record, and the list of them.

Setup and teardown run once per engine, `before` and `after` around every sample; none of them is
measured. A case leaves no containers behind (`measure` makes sure).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bench import images
from bench.peers import SOCKET, Peer, Site
from bench.room import BenchError
from bench.targets import AtMost, Target, TimesFaster

Unit = Literal["ms", "MiB", "1/s"]

MANY = 50
"""Containers in the cases with many."""
IDLE = 1000
"""Containers that were never started."""
CROWD = 20
"""Containers whose memory is counted."""
LINES = 1_000_000
"""Lines of the log cases."""
LINES_BYTES = 6_888_896
"""What `seq 1000000` writes."""
RATE_S = 1.5
"""How long a rate is measured."""
WEB_CONNECTIONS = 16
"""Connections that ask for a page."""
WAITS_FOR_TERM = ("sh", "-c", 'trap "exit 0" TERM; sleep 10000 & wait')
"""A container's command that ends as soon as it gets SIGTERM."""


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
    unit: Unit
    """Of its samples; `1/s` is better when higher, the others when lower."""
    measure: Callable[[Context], float]
    """Takes one sample. Raises: BenchError."""
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
    is_per_engine: bool = False
    """Whether the command line does not matter, so that each engine is measured once."""
    needs_daemon: bool = False
    """Whether engines without a daemon are left out."""
    targets: tuple[Target, ...] = ()
    """What budu wants to reach."""

    def choose(self, peers: Sequence[Peer]) -> list[Peer]:
        """The peers this case is meant for."""
        chosen: list[Peer] = []
        for peer in peers:
            is_double = self.is_per_engine and any(one.engine == peer.engine for one in chosen)
            if not is_double and not (self.needs_daemon and peer.engine == "podman"):
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


def create_network(site: Site) -> None:
    """A network called `one`."""
    site.run("network", "create", "one")


def remove_network(site: Site) -> None:
    """The network called `one`, and who is in it."""
    site.remove_all()
    site.run("network", "rm", "one")


def join_network(site: Site) -> None:
    """A network called `one`, and a container `inside` that could join."""
    create_network(site)
    run_in(site, "inside", "sleep", "10000")


def run_sleeper(site: Site) -> None:
    """A container that only waits."""
    run_in(site, "one", "sleep", "10000")


def create_sleeper(site: Site) -> None:
    """The same, not started."""
    site.run("create", "--name", "one", "busybox", "sleep", "10000")


def run_polite(site: Site) -> None:
    """A container that ends on SIGTERM; it gets a moment to set its trap."""
    run_in(site, "one", *WAITS_FOR_TERM)
    time.sleep(0.2)


def run_many(site: Site) -> None:
    """`MANY` sleepers."""
    for number in range(MANY):
        run_in(site, f"many-{number}", "sleep", "10000")


def create_idle(site: Site) -> None:
    """`IDLE` containers that are not started, by the API."""
    site.room.call("bench.load:create_containers", path=SOCKET, count=IDLE)


def measure_run_many(context: Context) -> float:
    """`MANY` containers, eight at a time."""
    commands = [
        ("run", "-d", "--name", f"many-{number}", "busybox", "sleep", "10000")
        for number in range(MANY)
    ]
    return context.site.run_parallel(context.peer, commands, width=8) * 1000


def measure_remove_many(context: Context) -> float:
    """One command that removes `MANY` running containers."""
    words = ["rm", "-f", *(("--time", "0") if context.peer.engine == "podman" else ())]
    names = [f"many-{number}" for number in range(MANY)]
    return context.site.run_as(context.peer, [*words, *names]).wall_s * 1000


def measure_remove(context: Context) -> float:
    """One command that removes a running container without a polite end."""
    words = ["rm", "-f", *(("--time", "0") if context.peer.engine == "podman" else ()), "one"]
    return context.site.run_as(context.peer, words).wall_s * 1000


def pull(image: str) -> Callable[[Context], float]:
    """Measures a pull; the image must not be there."""
    return command("pull", "-q", image)


def forget_image(image: str) -> Callable[[Site], None]:
    """A step that removes an image where it is and writes everything out."""

    def step(site: Site) -> None:
        if image in site.run("images", "--format", "{{.Repository}}:{{.Tag}}").split():
            site.run("rmi", image)
        site.room.call("bench.storage:sync", path=str(site.data))

    return step


def restart(site: Site) -> None:
    """A fresh engine without work behind it."""
    site.stop_daemon()
    site.start_daemon()
    time.sleep(2)


def resident(context: Context, kind: Literal["rss_mib", "pss_mib"]) -> float:
    """Memory of an engine. Shims that wait for a container count only in PSS: they share nearly
    everything with the zygote, and RSS would count that again for each."""
    waiting = ["budu-shim"] if kind == "rss_mib" else []
    return float(getattr(context.site.memory(names_without=waiting), kind))


def memory_idle(kind: Literal["rss_mib", "pss_mib"]) -> Callable[[Context], float]:
    """Measures the memory of an idle engine."""
    return lambda context: resident(context, kind)


def memory_after_pull(kind: Literal["rss_mib", "pss_mib"]) -> Callable[[Context], float]:
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


def unix_rate(target: str) -> Callable[[Context], float]:
    """Measures API requests per second on one kept-alive connection."""
    return lambda context: float(
        context.site.room.call("bench.load:unix_rate", path=SOCKET, target=target, seconds=RATE_S)
    )


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


def serve_page(site: Site) -> None:
    """A web server on a published port."""
    site.run("pull", "-q", images.HTTPD)
    site.run("run", "-d", "--name", "web", "-p", "8080:80", images.HTTPD)
    site.room.call("bench.load:wait_for_tcp", port=8080, target="/", seconds=15)


def measure_page_rate(context: Context) -> float:
    """Pages per second through the published port; by wrk where it is installed."""
    room = context.site.room
    if shutil.which("wrk"):
        return float(
            room.call("bench.load:wrk_rate", port=8080, target="/", seconds=2, connections=16)
        )
    return float(
        room.call(
            "bench.load:tcp_rate",
            port=8080,
            target="/",
            seconds=2.0,
            connections=WEB_CONNECTIONS,
        )
    )


def run_case(name: str, title: str, *flags: str, targets: tuple[Target, ...] = ()) -> Case:
    """The case of a short container in the foreground."""
    measure = command("run", "--rm", *flags, "busybox", "true")
    return Case(name=name, title=title, unit="ms", measure=measure, targets=targets)


def pull_case(name: str, title: str, image: str, targets: tuple[Target, ...] = ()) -> Case:
    """The case of a pull from the registry on loopback."""
    return Case(
        name=name,
        title=title,
        unit="ms",
        measure=pull(image),
        before=forget_image(image),
        teardown=forget_image(image),
        max_rounds=9,
        targets=targets,
    )


CASES: tuple[Case, ...] = (
    Case(name="version", title="`--version`", unit="ms", measure=command("--version")),
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
        unit="ms",
        measure=command("create", "--name", "one", "busybox", "true"),
        after=remove("one"),
        targets=(TimesFaster("docker", 2),),
    ),
    Case(
        name="start",
        title="`start`",
        unit="ms",
        measure=command("start", "one"),
        before=create_sleeper,
        after=remove("one"),
    ),
    Case(
        name="stop",
        title="`stop`, the process handles TERM",
        unit="ms",
        measure=command("stop", "one"),
        before=run_polite,
        after=remove("one"),
        targets=(TimesFaster("docker", 4),),
    ),
    Case(
        name="exec",
        title="`exec one true`",
        unit="ms",
        measure=command("exec", "one", "true"),
        setup=run_sleeper,
        targets=(TimesFaster("docker", 5),),
    ),
    Case(
        name="rm",
        title="`rm -f` of a running container",
        unit="ms",
        measure=measure_remove,
        before=run_sleeper,
    ),
    Case(
        name="ps.1",
        title="`ps`, 1 container",
        unit="ms",
        measure=command("ps"),
        setup=run_sleeper,
        targets=(TimesFaster("docker", 1),),
    ),
    Case(name="images", title="`images`", unit="ms", measure=command("images")),
    Case(
        name="inspect",
        title="`inspect`",
        unit="ms",
        measure=command("inspect", "one"),
        setup=run_sleeper,
    ),
    Case(
        name="ps.50",
        title=f"`ps`, {MANY} containers",
        unit="ms",
        measure=command("ps"),
        setup=run_many,
        targets=(TimesFaster("docker", 1),),
    ),
    Case(
        name="ps.1000",
        title=f"`ps -a`, {IDLE:,} containers",
        unit="ms",
        measure=command("ps", "-a"),
        setup=create_idle,
        teardown=Site.remove_all,
        max_rounds=20,
        needs_daemon=True,
        targets=(AtMost(100),),
    ),
    Case(
        name="api.list",
        title=f"API: GET /containers/json, {MANY} rows, one connection",
        unit="1/s",
        measure=unix_rate("/v1.41/containers/json"),
        setup=run_many,
        max_rounds=5,
        is_per_engine=True,
        needs_daemon=True,
    ),
    Case(
        name="api.ping",
        title="API: GET /_ping, one connection",
        unit="1/s",
        measure=unix_rate("/_ping"),
        max_rounds=5,
        is_per_engine=True,
        needs_daemon=True,
    ),
    Case(
        name="many.run",
        title=f"{MANY} × `run -d`, 8 at a time",
        unit="ms",
        measure=measure_run_many,
        after=Site.remove_all,
        max_rounds=3,
    ),
    Case(
        name="many.rm",
        title=f"`rm -f` of {MANY} running containers",
        unit="ms",
        measure=measure_remove_many,
        before=run_many,
        after=Site.remove_all,
        max_rounds=3,
    ),
    pull_case(
        "pull.debian",
        "`pull` of debian (1 layer, 50 MB gzip)",
        images.DEBIAN,
        targets=(TimesFaster("docker", 2.5),),
    ),
    pull_case("pull.httpd", "`pull` of httpd (2 layers, 85 MB gzip)", images.HTTPD),
    Case(
        name="logs.write",
        title="`run -d` and `wait`, a million lines",
        unit="ms",
        measure=measure_write_lines,
        after=remove("lines"),
        max_rounds=5,
    ),
    Case(
        name="logs.read",
        title="`logs` of a million lines",
        unit="ms",
        measure=measure_read_lines,
        setup=keep_lines,
        max_rounds=5,
    ),
    Case(
        name="port",
        title="pages per second through a published port on 127.0.0.1",
        unit="1/s",
        measure=measure_page_rate,
        setup=serve_page,
        teardown=Site.remove_all,
        max_rounds=5,
        is_per_engine=True,
    ),
    Case(
        name="network.create",
        title="`network create`",
        unit="ms",
        measure=command("network", "create", "one"),
        after=remove_network,
        targets=(TimesFaster("docker", 1),),
    ),
    Case(
        name="network.rm",
        title="`network rm`",
        unit="ms",
        measure=command("network", "rm", "one"),
        before=create_network,
        targets=(TimesFaster("docker", 1),),
    ),
    Case(
        name="network.connect",
        title="`network connect` of a running container",
        unit="ms",
        measure=command("network", "connect", "one", "inside"),
        before=join_network,
        after=remove_network,
        targets=(TimesFaster("docker", 1),),
    ),
    Case(
        name="memory.idle.rss",
        title="idle engine after its start, RSS (budu: engine and zygote)",
        unit="MiB",
        measure=memory_idle("rss_mib"),
        before=restart,
        max_rounds=3,
        is_per_engine=True,
        needs_daemon=True,
        targets=(AtMost(60),),
    ),
    Case(
        name="memory.idle.pss",
        title="… PSS (with the shims kept ready)",
        unit="MiB",
        measure=memory_idle("pss_mib"),
        before=restart,
        max_rounds=3,
        is_per_engine=True,
        needs_daemon=True,
    ),
    Case(
        name="memory.pull.rss",
        title="idle engine after a pull, RSS (budu: engine and zygote)",
        unit="MiB",
        measure=memory_after_pull("rss_mib"),
        before=restart,
        after=forget_image(images.DEBIAN),
        max_rounds=3,
        is_per_engine=True,
        needs_daemon=True,
        targets=(AtMost(60),),
    ),
    Case(
        name="memory.pull.pss",
        title="… PSS (with the shims kept ready)",
        unit="MiB",
        measure=memory_after_pull("pss_mib"),
        before=restart,
        after=forget_image(images.DEBIAN),
        max_rounds=3,
        is_per_engine=True,
        needs_daemon=True,
    ),
    Case(
        name="memory.container",
        title=f"per container (shim and engine growth, {CROWD} containers), PSS",
        unit="MiB",
        measure=measure_container_memory,
        max_rounds=3,
        is_per_engine=True,
        targets=(AtMost(1),),
    ),
)
"""Every case, in the order of the table."""
