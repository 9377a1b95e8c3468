"""Published ports: throughput and latency, by loopback and by another of the host's addresses.

Docker serves loopback with a process of its own (docker-proxy) and other addresses in the kernel.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable

from bench import images
from bench.case import SECONDS, Case, Context, Unit
from bench.peers import Site
from bench.targets import Target, TimesFaster, TimesMore

LOOPBACK = "127.0.0.1"
"""The address that Docker serves by a proxy."""
ADDRESS = "192.0.2.1"
"""An address of the room's own that is not a loopback address. Source: RFC 5737."""
PAGE, BULK = 8080, 8081
"""Ports of a page and of an endless stream."""
CONNECTIONS = 16
"""Connections that ask for a page at a time."""
ALIKE = 0.05
"""The share by which equal ways may differ by chance."""


def serve(site: Site) -> None:
    """A web server and a server of zeros on published ports, and an address for the room. The image
    stays for the next case; those that need it gone remove it."""
    site.room.call("bench.inside:add_address", address=ADDRESS)
    site.run("pull", "-q", images.HTTPD)
    site.run("run", "-d", "--name", "web", "-p", f"{PAGE}:80", images.HTTPD)
    zeros = ("nc", "-ll", "-p", "9", "-e", "dd", "if=/dev/zero", "bs=256k")
    site.run("run", "-d", "--name", "zeros", "-p", f"{BULK}:9", "busybox", *zeros)
    for address in (LOOPBACK, ADDRESS):
        site.room.call(
            "bench.load:wait_for_tcp", address=address, port=PAGE, target="/", seconds=15
        )


def page_rate(address: str) -> Callable[[Context], float]:
    """Measures pages per second over kept connections; by wrk where it is installed."""
    function = "wrk_rate" if shutil.which("wrk") else "tcp_rate"
    return lambda context: float(
        context.site.room.call(
            f"bench.load:{function}",
            address=address,
            port=PAGE,
            target="/",
            seconds=2,
            connections=CONNECTIONS,
        )
    )


def bulk_rate(address: str) -> Callable[[Context], float]:
    """Measures MiB per second that one connection carries out of a container."""
    return lambda context: float(
        context.site.room.call(
            "bench.tcp_load:bulk_rate", address=address, port=BULK, seconds=SECONDS
        )
    )


def visit_ms(address: str) -> Callable[[Context], float]:
    """Measures a connection with one page, from its start to its end."""
    return lambda context: (
        1000
        * float(
            context.site.room.call(
                "bench.tcp_load:visit_s", address=address, port=PAGE, seconds=SECONDS
            )
        )
    )


def served(
    name: str, title: str, measure: Callable[[Context], float], target: Target, *, unit: Unit
) -> Case:
    """The case of an engine that serves published ports."""
    return Case(
        name=name,
        title=title,
        measure=measure,
        unit=unit,
        setup=serve,
        teardown=Site.remove_all,
        max_rounds=3,
        is_per_engine=True,
        targets=(target,),
    )


MORE, AS_MANY = TimesMore("docker", 1), TimesMore("docker", 1, tolerance=ALIKE)

CASES: tuple[Case, ...] = (
    served(
        "port.pages",
        f"pages per second through a published port on {LOOPBACK}",
        page_rate(LOOPBACK),
        MORE,
        unit="1/s",
    ),
    served(
        "port.pages.address",
        "… on another address of the host",
        page_rate(ADDRESS),
        AS_MANY,
        unit="1/s",
    ),
    served(
        "port.bulk",
        f"one stream out of a published port on {LOOPBACK}",
        bulk_rate(LOOPBACK),
        MORE,
        unit="MiB/s",
    ),
    served(
        "port.bulk.address",
        "… on another address of the host",
        bulk_rate(ADDRESS),
        AS_MANY,
        unit="MiB/s",
    ),
    served(
        "port.connect",
        f"a connection with one page through a published port on {LOOPBACK}, median",
        visit_ms(LOOPBACK),
        TimesFaster("docker", 1),
        unit="ms",
    ),
)
"""In the order of the table."""
