"""Networks: made, joined, removed; and names looked up in them."""

from __future__ import annotations

from bench.case import SECONDS, Case, Context, command, run_in
from bench.peers import SOCKET, Site
from bench.targets import AtLeast, AtMost, TimesFaster


def create_network(site: Site) -> None:
    """A network called `one`."""
    site.run("network", "create", "one")


def remove_network(site: Site) -> None:
    """The network called `one`, and who is in it."""
    site.remove_all()
    if "one" in site.run("network", "ls", "--format", "{{.Name}}").split():
        site.run("network", "rm", "one")


def join_network(site: Site) -> None:
    """A network called `one`, and a container `inside` that could join."""
    create_network(site)
    run_in(site, "inside", "sleep", "10000")


def ask_in_network(site: Site) -> None:
    """Two containers in a network called `one`."""
    create_network(site)
    for name in ("asker", "answer"):
        site.run("run", "-d", "--name", name, "--network", "one", "busybox", "sleep", "10000")


def measure_connect_by_api(context: Context) -> float:
    """One request that connects a running container."""
    return 1000 * float(
        context.site.room.call(
            "bench.load:post_s",
            path=SOCKET,
            target="/v1.41/networks/one/connect",
            body='{"Container": "inside"}',
        )
    )


def measure_names(context: Context) -> float:
    """Look-ups per second of one container's name from within another."""
    site = context.site
    pid = int(site.run("inspect", "-f", "{{.State.Pid}}", "asker"))
    return float(site.room.call("bench.name_load:rate", pid=pid, name="answer", seconds=SECONDS))


CASES: tuple[Case, ...] = (
    Case(
        name="network.create",
        title="`network create`",
        measure=command("network", "create", "one"),
        after=remove_network,
        targets=(TimesFaster("docker", 1),),
    ),
    Case(
        name="network.rm",
        title="`network rm`",
        measure=command("network", "rm", "one"),
        before=create_network,
        targets=(TimesFaster("docker", 1),),
    ),
    Case(
        name="network.connect",
        title="`network connect` of a running container",
        measure=command("network", "connect", "one", "inside"),
        before=join_network,
        after=remove_network,
        targets=(TimesFaster("docker", 1),),
    ),
    Case(
        name="network.connect.api",
        title="… the request alone",
        measure=measure_connect_by_api,
        before=join_network,
        after=remove_network,
        is_per_engine=True,
        needs_daemon=True,
        targets=(AtMost(10),),
    ),
    Case(
        name="network.names",
        title="look-ups per second of a container's name from within another",
        unit="1/s",
        measure=measure_names,
        setup=ask_in_network,
        teardown=remove_network,
        max_rounds=3,
        is_per_engine=True,
        needs_daemon=True,
        targets=(AtLeast(10_000),),
    ),
)
"""In the order of the table."""
