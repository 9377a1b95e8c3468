"""Other firewalls' forward chains that drop by policy: our bridges are let through, as Docker does.

An accept there decides nothing about what may pass: our own table still drops what it must. The
rules bear a comment with our table's name, by which they are found and taken away again. Chains
of iptables-legacy are no nftables chains and cannot be seen from here: `legacy` looks at those.

Source: docker docs, "Docker and ufw/firewalld", "Docker on a router".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from budu.linux.netlink.nftables import BaseChain
from budu.network.firewall import run_nft

_HANDLE = re.compile(r"# handle (\d+)$")


class ForeignChains:
    """Our rules in others' chains; `table` is the name of our own table."""

    def __init__(self, table: str) -> None:
        self._comment = f'comment "{table}: containers"'

    def join(self, chains: Iterable[BaseChain], bridges: Sequence[str]) -> list[str]:
        """Let bridges of these names (`bd-*`) through; the chains that did not yet.

        Raises: Internal with nft's words.
        """
        joined = []
        for chain in chains:
            wanted = [self._rule(way, name) for name in bridges for way in ("iifname", "oifname")]
            present = self._ours(chain)
            if sorted(text for text, _ in present) == sorted(wanted):
                continue
            lines = [_delete(chain, handle) for _, handle in present]
            lines += [f"insert rule {_where(chain)} {rule}" for rule in wanted]
            run_nft("\n".join(lines) + "\n")
            joined.append(f"{chain.table} {chain.name}")
        return joined

    def has_joined(self, chain: BaseChain) -> bool:
        """Whether the chain lets our bridges through."""
        return bool(self._ours(chain))

    def leave(self, chains: Iterable[BaseChain]) -> None:
        """Take our rules out of these chains."""
        lines = [_delete(chain, handle) for chain in chains for _, handle in self._ours(chain)]
        if lines:
            run_nft("\n".join(lines) + "\n")

    def _rule(self, way: str, name: str) -> str:
        return f'{way} "{name}" accept {self._comment}'

    def _ours(self, chain: BaseChain) -> list[tuple[str, str]]:
        """Text and handle of each of our rules in the chain."""
        found = []
        for line in run_nft(f"list chain {_where(chain)}\n").splitlines():
            handle = _HANDLE.search(line)
            if self._comment in line and handle:
                found.append((line[: handle.start()].strip(), handle[1]))
        return found


def _where(chain: BaseChain) -> str:
    return f"{chain.family} {chain.table} {chain.name}"


def _delete(chain: BaseChain, handle: str) -> str:
    return f"delete rule {_where(chain)} handle {handle}"
