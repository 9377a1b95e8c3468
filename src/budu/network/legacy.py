"""The FORWARD chains of iptables-legacy that drop by policy, which nftables does not show.

As `foreign` does with nftables chains, our bridges are let through there, as Docker does. A table
that does not exist is not looked at: looking would make it.

Source: man 8 iptables; docker docs, "Docker on a router".
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from budu.base.errors import Internal

_NET = Path("/proc/thread-self/net")
_PROGRAMS = {
    4: ("ip_tables_names", "iptables-legacy"),
    6: ("ip6_tables_names", "ip6tables-legacy"),
}
_TIMEOUT_S = 10


class LegacyChains:
    """Our rules in them; `table` is the name of our own nftables table."""

    def __init__(self, table: str, families: Sequence[int] = (4, 6)) -> None:
        self._comment = f"{table}: containers"
        self._families = families

    def join(self, bridges: Sequence[str]) -> list[str]:
        """Let bridges of these names (`bd-*`) through; the programs whose chain did not yet.

        Raises: Internal with the program's words.
        """
        joined = []
        for program in _filtering(self._families):
            rules = _rules(program)
            wanted = [self._rule(way, name) for name in bridges for way in ("-i", "-o")]
            if not _drops(rules) or all(self._has(rules, rule) for rule in wanted):
                continue
            self._delete(program, rules)
            for rule in wanted:
                _run(program, "-I", "FORWARD", *rule)
            joined.append(program)
        return joined

    def leave(self) -> None:
        """Take our rules out of these chains."""
        for program in _filtering(self._families):
            self._delete(program, _rules(program))

    def closed(self) -> list[str]:
        """Programs whose chain drops what it does not know, our containers' packets included."""
        found = []
        for program in _filtering(self._families):
            rules = _rules(program)
            if _drops(rules) and not any(self._comment in rule for rule in rules):
                found.append(program)
        return found

    def _rule(self, way: str, name: str) -> list[str]:
        comment = ["-m", "comment", "--comment", self._comment]
        return [way, name.replace("*", "+"), *comment, "-j", "ACCEPT"]

    def _has(self, rules: list[list[str]], rule: list[str]) -> bool:
        return ["-A", "FORWARD", *rule] in rules

    def _delete(self, program: str, rules: list[list[str]]) -> None:
        for rule in rules:
            if self._comment in rule:
                _run(program, "-D", *rule[1:])


def _filtering(families: Sequence[int]) -> list[str]:
    """The families' programs whose table `filter` exists in this network namespace."""
    chosen = [_PROGRAMS[each] for each in families]
    return [program for file, program in chosen if "filter" in _tables(_NET / file).split()]


def _tables(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # a kernel without it, or one that does not let us read
        return ""


def _rules(program: str) -> list[list[str]]:
    """The chain FORWARD as words; empty where the program is not installed."""
    return [shlex.split(line) for line in _run(program, "-S", "FORWARD").splitlines()]


def _drops(rules: list[list[str]]) -> bool:
    return ["-P", "FORWARD", "DROP"] in rules


def _run(program: str, *words: str) -> str:
    try:
        done = subprocess.run(
            [program, "-w", *words],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        return ""
    if done.returncode:
        raise Internal(f"{program} failed: {done.stderr.strip()}")
    return done.stdout
