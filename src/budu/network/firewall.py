"""The firewall in the kernel: one nftables table of our own, and published ports in its maps.

The table is replaced whole by `nft` in one transaction, elements included (`ruleset` renders it);
a port is one element, added by netlink in 25 microseconds. No process stands between.

Nothing of the host's own rules is touched. An accept in our table cannot overrule a drop in
another one: every table that hooks a packet's way must let it through. `dropping_tables` looks
for such tables, Docker's own being the usual one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable

from budu.base.errors import BuduError, Hint, Internal, PermissionDenied, Unavailable
from budu.linux.netlink import nftables
from budu.linux.netlink.nftables import Element
from budu.linux.netlink.wire import Connection, Message
from budu.network.contract import PortBinding
from budu.network.ruleset import (
    ADDRESS_MAP,
    ANYWHERE_MAP,
    BridgeRules,
    Published,
    element_of,
    map_of,
    render_table,
)

_NFT_TIMEOUT_S = 30

_Build = Callable[[str, str, list[Element]], list[Message]]


class Firewall:
    """The table in the kernel, and what must be in it.

    `connection` is a nf_tables netlink socket of the host's network namespace; it stays the
    caller's. What was published is remembered, so that a lost table is made again complete.
    """

    def __init__(self, connection: Connection, *, table: str) -> None:
        self.table = table
        self._connection = connection
        self._bridges: tuple[BridgeRules, ...] = ()
        self._published: dict[tuple[str, bytes], Published] = {}

    def apply(self, bridges: Iterable[BridgeRules]) -> None:
        """Replace the whole table by one with these bridges and everything published.

        Raises: Unavailable when `nft` is missing; PermissionDenied; Internal with its words.
        """
        self._bridges = tuple(bridges)
        self._load(render_table(self.table, self._bridges, self._published.values()))

    def publish(self, bindings: Iterable[PortBinding], address: str) -> None:
        """Lead the bindings to `address`, all in one transaction.

        A table that was removed is made again. Elements that nobody of ours knows are replaced.

        Raises: Internal with the kernel's words; nothing is published then.
        """
        items = [Published(binding=binding, address=address) for binding in bindings]
        if not items:
            return
        self._remember(items)
        try:
            self._commit(items, nftables.add_elements)
        except (FileNotFoundError, FileExistsError):
            self._apply_or_forget(items)
        except OSError as error:
            self._forget(items)
            raise Internal(f"failed to publish ports: {error.strerror}") from error

    def unpublish(self, bindings: Iterable[PortBinding], address: str) -> None:
        """Stop leading the bindings to `address`; those that are gone already are fine."""
        items = [Published(binding=binding, address=address) for binding in bindings]
        if not items:
            return
        self._forget(items)
        try:
            self._commit(items, nftables.delete_elements)
        except FileNotFoundError:
            self._delete_present(items)

    def replace(self, bridges: Iterable[BridgeRules], items: Iterable[Published]) -> None:
        """Make the table hold these bridges and these ports and no others, in one transaction.

        Raises: as `apply`.
        """
        self._published = {}
        self._remember(items)
        self.apply(bridges)

    def exists(self) -> bool:
        """Whether the kernel has a table of this name."""
        return nftables.has_table(self._connection, self.table)

    def remove(self) -> None:
        """Remove the table from the kernel."""
        self._load(f"table ip {self.table}\ndelete table ip {self.table}\n")

    def dropping_tables(self) -> list[str]:
        """Tables of others whose forward chain drops what it does not know: `filter FORWARD`."""
        return [
            f"{chain.table} {chain.name}"
            for chain in nftables.base_chains(self._connection)
            if chain.hook == nftables.NF_INET_FORWARD
            and chain.policy_drops
            and chain.table != self.table
        ]

    def _remember(self, items: Iterable[Published]) -> None:
        for item in items:
            self._published[map_of(item.binding), element_of(item).key] = item

    def _forget(self, items: Iterable[Published]) -> None:
        for item in items:
            self._published.pop((map_of(item.binding), element_of(item).key), None)

    def _commit(self, items: list[Published], build: _Build) -> None:
        changes: list[Message] = []
        for name in (ANYWHERE_MAP, ADDRESS_MAP):
            elements = [element_of(item) for item in items if map_of(item.binding) == name]
            changes += build(self.table, name, elements)
        nftables.commit(self._connection, changes)

    def _apply_or_forget(self, items: list[Published]) -> None:
        try:
            self.apply(self._bridges)
        except BuduError:
            self._forget(items)
            raise

    def _delete_present(self, items: list[Published]) -> None:
        """Delete those elements that exist; the table itself may be gone."""
        for name in (ANYWHERE_MAP, ADDRESS_MAP):
            try:
                dumped = nftables.dump_elements(self._connection, self.table, name)
            except FileNotFoundError:
                return
            present = {element.key for element in dumped}
            here = [i for i in items if map_of(i.binding) == name and element_of(i).key in present]
            self._commit(here, nftables.delete_elements)

    def _load(self, text: str) -> None:
        try:
            done = subprocess.run(
                ["nft", "-f", "-"],
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


def _load_error(said: str) -> PermissionDenied | Internal:
    first = said.splitlines()[0] if said else "nft failed"
    if "Operation not permitted" in said:
        return PermissionDenied(
            f"failed to set up the firewall: {first}", hint=Hint("network.needs-root")
        )
    return Internal(f"failed to set up the firewall: {first}")
