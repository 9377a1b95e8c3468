"""The firewall in the kernel: one nftables table of our own, filled with rows by owner.

The table is replaced whole by `nft` in one transaction, elements included (`ruleset` renders it);
a network or a port is a few elements, added by netlink in 25 microseconds. No process stands
between.

An accept in our table cannot overrule a drop in another one: every table that hooks a packet's way
must let it through. `dropping_chains` looks for such chains, Docker's own being the usual one.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from budu.base.errors import BuduError, Hint, Internal, PermissionDenied, Unavailable
from budu.linux.netlink import nftables
from budu.linux.netlink.nftables import BaseChain, Element
from budu.linux.netlink.wire import Connection, Message
from budu.network.ruleset import SETS, Row, Skeleton, element_of, render_sources, render_table

_NFT_TIMEOUT_S = 30


class Firewall:
    """The table in the kernel, and what must be in it.

    `connection` is a nf_tables netlink socket of the host's network namespace; it stays the
    caller's. Rows belong to owners (a network, an endpoint) and are remembered, so that a lost
    table is made again complete; a row that several ask for is there once.
    """

    def __init__(self, connection: Connection, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self._connection = connection
        self._rows: dict[str, tuple[Row, ...]] = {}
        self._asked: Counter[Row] = Counter()
        self._rule_count = 0

    @property
    def table(self) -> str:
        """The table's name."""
        return self.skeleton.table

    def load(self) -> None:
        """Replace the whole table by one with everything remembered.

        Without a family there shall be none: one that is there is removed.

        Raises: Unavailable when `nft` is missing; PermissionDenied; Internal with its words.
        """
        if not self.skeleton.families:
            if self.exists():
                self.remove()
            return
        run_nft(render_table(self.skeleton, self._asked))
        self._rule_count = nftables.count_rules(self._connection, self.table)

    def put(self, owner: str, rows: Iterable[Row]) -> None:
        """Make these the owner's rows, in one transaction; none takes all of them away.

        A table that was removed is made again.

        Raises: Internal with the kernel's words; the owner's rows are as before then.
        """
        before = self._rows.get(owner, ())
        added, removed = self.remember(owner, rows)
        if not self.skeleton.families:
            return
        try:
            self._commit(added, removed)
        except (FileNotFoundError, FileExistsError):
            self._load_or_return_to(owner, before)
        except OSError as error:
            self.remember(owner, before)
            raise Internal(f"failed to publish ports: {error.strerror}") from error

    def remember(self, owner: str, rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
        """Note the owner's rows for the next `load`; which ones are new, which are gone."""
        before, after = self._rows.pop(owner, ()), tuple(dict.fromkeys(rows))
        known = set(self._asked)
        self._asked.subtract(before)
        self._asked.update(after)
        self._asked = +self._asked
        if after:
            self._rows[owner] = after
        added = [row for row in after if row not in known]
        return added, [row for row in before if row not in self._asked]

    def forget_all(self) -> None:
        """Forget all owners; the kernel's table stays until the next `load`."""
        self._rows.clear()
        self._asked.clear()

    def set_sources(self, sources: tuple[str, ...]) -> None:
        """Change which networks count as the neighbourhood. Raises: as `load`."""
        if sources == self.skeleton.sources:
            return
        self.skeleton = msgspec.structs.replace(self.skeleton, sources=sources)
        if self.skeleton.families:
            run_nft(render_sources(self.table, sources))

    def exists(self) -> bool:
        """Whether the kernel has a table of this name."""
        return nftables.has_table(self._connection, self.table)

    def has_chain(self, name: str) -> bool:
        """Whether the table has this chain."""
        return nftables.has_chain(self._connection, self.table, name)

    def is_whole(self) -> bool:
        """Whether the kernel's table has as many rules and elements as it must."""
        if self.exists() != bool(self.skeleton.families):
            return False
        if not self.skeleton.families:
            return True
        if nftables.count_rules(self._connection, self.table) != self._rule_count:
            return False
        wanted = Counter(row.set for row in self._asked)
        return all(self._count(name) == count for name, count in wanted.items())

    def remove(self) -> None:
        """Remove the table from the kernel."""
        run_nft(f"table inet {self.table}\ndelete table inet {self.table}\n")

    def dropping_chains(self) -> list[BaseChain]:
        """Forward chains of others that drop what they do not know, of families that are ours."""
        ours = {f"ip{each}".removesuffix("4") for each in self.skeleton.families}
        ours |= {"inet"} if len(ours) == 2 else set()
        return [
            chain
            for chain in nftables.base_chains(self._connection)
            if chain.family in ours
            and chain.hook == nftables.NF_INET_FORWARD
            and chain.policy_drops
            and chain.table != self.table
        ]

    def _commit(self, added: list[Row], removed: list[Row]) -> None:
        changes: list[Message] = []
        for name, elements in _by_set(removed).items():
            changes += nftables.delete_elements(self.table, name, elements)
        for name, elements in _by_set(added).items():
            changes += nftables.add_elements(self.table, name, elements)
        nftables.commit(self._connection, changes)

    def _load_or_return_to(self, owner: str, rows: tuple[Row, ...]) -> None:
        try:
            self.load()
        except BuduError:
            self.remember(owner, rows)
            raise

    def _count(self, name: str) -> int:
        try:
            return len(nftables.dump_elements(self._connection, self.table, name))
        except FileNotFoundError:
            return -1


def run_nft(text: str) -> str:
    """Give `text` to nft as one transaction; what it printed.

    Raises: Unavailable when `nft` is missing; PermissionDenied; Internal with its words.
    """
    try:
        done = subprocess.run(
            ["nft", "-a", "-f", "-"],
            input=text,
            capture_output=True,
            text=True,
            timeout=_NFT_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise Unavailable(
            "failed to set up the firewall: nft is not installed",
            hint=Hint("network.nft-missing", package="nftables"),
        ) from None
    if done.returncode != 0:
        raise _load_error(done.stderr.strip())
    return done.stdout


def _by_set(rows: Iterable[Row]) -> Mapping[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for row in rows:
        found.setdefault(row.set, []).append(element_of(row))
    return {name: found[name] for name in SETS if name in found}


def _load_error(said: str) -> PermissionDenied | Internal:
    first = said.splitlines()[0] if said else "nft failed"
    if "Operation not permitted" in said:
        return PermissionDenied(
            f"failed to set up the firewall: {first}", hint=Hint("network.needs-root")
        )
    return Internal(f"failed to set up the firewall: {first}")
