"""The firewall: one nftables table of our own, and published ports as elements of its maps.

    packet from outside ──▶ raw: 127/8 is dropped ──▶ prerouting: published? ──▶ forward ──▶ container
    packet of the host  ──▶ output: published? ─────────────────────────────▶ postrouting ──▶ container
    packet of a container to the host's address ──▶ prerouting ──▶ forward ──▶ postrouting ──▶ container

The table is rendered whole by a pure function, elements included, and replaced by `nft` in one
transaction; a port is then one element, added by netlink in 25 microseconds. There is no rule
per port and no proxy process. The address of 127.0.0.1's clients is masqueraded, and that of
containers which come through the host; everybody else keeps theirs.

Nothing of the host's own rules is touched. An accept in our table cannot overrule a drop in
another one: every table that hooks a packet's way must let it through. `dropping_tables` looks
for such tables, Docker's own being the usual one.

Source: man 8 nft, "ADDRESS FAMILIES", "STATEMENTS" (dnat, masquerade), "fib"; kernel
Documentation/networking/ip-sysctl.rst, route_localnet.
"""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

import msgspec

from budu.base.errors import Hint, Internal, PermissionDenied, Unavailable
from budu.linux.netlink import nftables
from budu.linux.netlink.nftables import Element, concatenate
from budu.linux.netlink.wire import Connection, Message
from budu.network.contract import ANY_ADDRESS, SCTP, TCP, UDP, PortBinding

ANYWHERE_MAP = "published"
"""Ports published at every address of the host: `proto . port : address . port`."""

ADDRESS_MAP = "published_at"
"""Ports published at one address of the host: `address . proto . port : address . port`."""

PROTOCOL_NUMBERS = {TCP: 6, UDP: 17, SCTP: 132}

_NFT_TIMEOUT_S = 30


class BridgeRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the firewall must know of a bridge network."""

    bridge: str
    subnet: str


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A port binding and the container's address that it leads to."""

    binding: PortBinding
    address: str


def render_table(
    table: str, bridges: Iterable[BridgeRules], published: Iterable[Published]
) -> str:
    """The whole table as text for `nft -f`: it replaces the present one in one transaction."""
    rules = list(bridges)
    elements = sorted(published, key=_published_order)
    anywhere = [item for item in elements if _is_anywhere(item.binding)]
    at_address = [item for item in elements if not _is_anywhere(item.binding)]
    parts = [
        f"table ip {table}",
        f"delete table ip {table}",
        f"table ip {table} {{",
        _render_map(
            ANYWHERE_MAP, "inet_proto . inet_service", map(_render_anywhere, anywhere)
        ),
        _render_map(
            ADDRESS_MAP,
            "ipv4_addr . inet_proto . inet_service",
            map(_render_at_address, at_address),
        ),
        _CHAINS,
        _render_chain("forward", "filter hook forward priority 0", _forward_rules(rules)),
        _render_chain(
            "postrouting", "nat hook postrouting priority 100", _postrouting_rules(rules)
        ),
        "}",
    ]
    return "\n".join(parts) + "\n"


_CHAINS = f"""\
	chain raw {{
		type filter hook prerouting priority -300; policy accept;
		iifname != "lo" ip daddr 127.0.0.0/8 drop
		iifname != "lo" ip saddr 127.0.0.0/8 drop
	}}
	chain prerouting {{
		type nat hook prerouting priority -100; policy accept;
		fib daddr type local jump translate
	}}
	chain output {{
		type nat hook output priority -100; policy accept;
		fib daddr type local jump translate
	}}
	chain translate {{
		dnat ip addr . port to ip daddr . meta l4proto . th dport map @{ADDRESS_MAP}
		dnat ip addr . port to meta l4proto . th dport map @{ANYWHERE_MAP}
	}}"""


def _forward_rules(bridges: list[BridgeRules]) -> list[str]:
    """Into a bridge: answers, published ports and neighbours; nothing else. Out of it: all."""
    lines = []
    for rules in bridges:
        lines += [
            f'oifname "{rules.bridge}" ct state established,related accept',
            f'oifname "{rules.bridge}" ct status dnat accept',
            f'oifname "{rules.bridge}" iifname "{rules.bridge}" accept',
            f'oifname "{rules.bridge}" drop',
            f'iifname "{rules.bridge}" accept',
        ]
    return lines


def _postrouting_rules(bridges: list[BridgeRules]) -> list[str]:
    lines = []
    for rules in bridges:
        translated = f'oifname "{rules.bridge}" ct status dnat ip saddr'
        lines += [
            f"{translated} 127.0.0.0/8 masquerade",
            f"{translated} {rules.subnet} masquerade",
            f'oifname != "{rules.bridge}" ip saddr {rules.subnet} masquerade',
        ]
    return lines


def _render_chain(name: str, kind: str, lines: list[str]) -> str:
    body = "".join(f"\t\t{line}\n" for line in lines)
    return f"\tchain {name} {{\n\t\ttype {kind}; policy accept;\n{body}\t}}"


def _render_map(name: str, key_type: str, elements: Iterable[str]) -> str:
    listed = ",\n\t\t\t".join(elements)
    body = f"\t\telements = {{\n\t\t\t{listed}\n\t\t}}\n" if listed else ""
    value_type = "ipv4_addr . inet_service"
    return f"\tmap {name} {{\n\t\ttype {key_type} : {value_type}\n{body}\t}}"


def _render_anywhere(item: Published) -> str:
    binding = item.binding
    target = f"{item.address} . {binding.container_port}"
    return f"{binding.protocol} . {binding.host_port} : {target}"


def _render_at_address(item: Published) -> str:
    return f"{item.binding.host_address} . {_render_anywhere(item)}"


def _published_order(item: Published) -> tuple[str, str, int]:
    return item.binding.host_address, item.binding.protocol, item.binding.host_port


def _is_anywhere(binding: PortBinding) -> bool:
    return binding.host_address == ANY_ADDRESS


def map_of(binding: PortBinding) -> str:
    """The name of the map that holds the binding."""
    return ANYWHERE_MAP if _is_anywhere(binding) else ADDRESS_MAP


def element_of(item: Published) -> Element:
    """The map element of a published port, as the kernel has it."""
    binding = item.binding
    key = concatenate(
        bytes((PROTOCOL_NUMBERS[binding.protocol],)), binding.host_port.to_bytes(2, "big")
    )
    if not _is_anywhere(binding):
        key = IPv4Address(binding.host_address).packed + key
    port = binding.container_port.to_bytes(2, "big")
    return Element(key, concatenate(IPv4Address(item.address).packed, port))


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

    def preload(self, items: Iterable[Published]) -> None:
        """Remember ports that are published already, for the next `apply` or `missing`."""
        self._remember(items)

    def is_intact(self) -> bool:
        """Whether the table is there and its maps hold exactly what is published."""
        wanted = {name: set[Element]() for name in (ANYWHERE_MAP, ADDRESS_MAP)}
        for (name, _key), item in self._published.items():
            wanted[name].add(element_of(item))
        try:
            return all(
                set(nftables.dump_elements(self._connection, self.table, name)) == elements
                for name, elements in wanted.items()
            )
        except FileNotFoundError:
            return False

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

    def _commit(self, items: list[Published], build: _Builder) -> None:
        changes: list[Message] = []
        for name in (ANYWHERE_MAP, ADDRESS_MAP):
            elements = [element_of(item) for item in items if map_of(item.binding) == name]
            changes += build(self.table, name, elements=elements)
        nftables.commit(self._connection, changes)

    def _apply_or_forget(self, items: list[Published]) -> None:
        try:
            self.apply(self._bridges)
        except Exception:
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
