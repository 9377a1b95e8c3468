"""`python -m bench`: measure, show and write the results. Needs root."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import cgroups, images, machine, measure, peers, report, storage
from bench.budget import Budget
from bench.case import Case
from bench.cases import CASES
from bench.room import PROJECT

CACHE = PROJECT / ".cache" / "bench"
"""Images, the registry's files, logs and, while it runs, the engines' storage."""
PACKAGES = ("busybox-static", "debootstrap", "docker-registry")
"""What making and serving the images needs."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""Forbids packages to start their services when it exits with 101."""


def main() -> int:
    """The exit status."""
    options = parse()
    if options.list:
        print("\n".join(f"{case.name:20} {case.title}" for case in CASES))
        return 0
    if os.geteuid():
        print("The bench makes namespaces and mounts: run it as root.", file=sys.stderr)
        return 1
    install((*PACKAGES, *peers.PEER_PACKAGES) if options.install else PACKAGES)
    found = measure_all(
        [case for case in CASES if is_wanted(case, options.only)],
        [peer for peer in peers.PEERS if options.peers is None or peer.name in options.peers],
        rounds=options.rounds,
        minutes=options.minutes,
    )
    print(report.as_markdown(found))
    if options.output is not None or not (options.only or options.peers):
        report.write(found, options.output or PROJECT / "bench")
    return 0


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--only", action="append", metavar="CASE", help="a case, or a group such as `run`")
    add("--rounds", type=int, default=11, metavar="N", help="rounds at most (11)")
    add("--minutes", type=float, default=20, metavar="N", help="fewer rounds where needed (20)")
    add("--peers", type=lambda text: text.split(","), metavar="A,B", help="leave out the others")
    add(
        "--output", type=Path, metavar="DIR", help="where to write; without it a part is only shown"
    )
    add("--install", action="store_true", help="install the peers' Debian packages first")
    add("--list", action="store_true", help="list the cases")
    return parser.parse_args()


def install(packages: Sequence[str]) -> None:
    """Install Debian packages where they are missing, without starting their services.

    Source: Debian policy 9.3.3.2, policy-rc.d.
    """
    is_ours = not POLICY.exists()
    if is_ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        subprocess.run([PROJECT / "packaging" / "install-packages", *packages], check=True)
    finally:
        if is_ours:
            POLICY.unlink()


def is_wanted(case: Case, only: list[str] | None) -> bool:
    """Whether a case was asked for by its name or its group."""
    return only is None or any(
        case.name == name or case.name.startswith(f"{name}.") for name in only
    )


def measure_all(
    cases: list[Case], wanted: list[peers.Peer], *, rounds: int, minutes: float
) -> report.Report:
    """Start every engine that is there, measure every case, and end them all.

    An engine that does not start is left out.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    images.prepare(CACHE)
    storage.leave_mount_namespace()
    here = machine.describe(f"ext4 with a journal, loop-mounted from {CACHE.name}/ext4.img")
    with ExitStack() as stack:
        place = stack.enter_context(storage.ext4(CACHE))
        stack.enter_context(cgroups.tidied(place / "budu"))
        sites: dict[str, peers.Site] = {}
        for engine in peers.ENGINES:
            clients = [peer for peer in wanted if peer.engine == engine.name and peer.is_installed]
            if clients and engine.is_installed:
                site = peers.Site(engine, clients, storage=place, cache=CACHE)
                try:
                    sites[engine.name] = stack.enter_context(site)
                except Exception as error:  # the edge: the others can be measured without it
                    print(f"{engine.name} is left out: {measure.told(error)}", file=sys.stderr)
        present = [peer for peer in wanted if peer.engine in sites and peer.is_installed]
        budget = Budget(minutes, cases=len(cases))
        results = [
            measure.measure_case(
                case, present, sites, rounds=rounds, deadline=budget.next_deadline()
            )
            for case in cases
        ]
    return report.Report(
        machine=here,
        versions=peers.versions(),
        peers=present,
        rounds=rounds,
        load_after=os.getloadavg()[0],
        results=results,
    )


if __name__ == "__main__":
    sys.exit(main())
