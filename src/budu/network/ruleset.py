"""The text and the map elements of our nftables table. Pure.

    from outside   ─▶ raw: 127/8 is dropped ─▶ prerouting: published? ─▶ forward ─▶ container
    from the host  ─▶ output: published? ─────────────────────────▶ postrouting ─▶ container
    container, to the host's address ─▶ prerouting ─▶ forward ─▶ postrouting ─▶ container

A published port is one element of one of two maps; there is no rule per port. The address of
127.0.0.1's clients is masqueraded, and that of containers which come through the host;
everybody else keeps theirs. `firewall` brings it into the kernel.

Source: man 8 nft, "ADDRESS FAMILIES", "STATEMENTS" (dnat, masquerade), "fib"; kernel
Documentation/networking/ip-sysctl.rst, route_localnet.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

import msgspec

from budu.linux.netlink.nftables import Element, concatenate
from budu.network.contract import ANY_ADDRESS, SCTP, TCP, UDP, PortBinding

ANYWHERE_MAP = "published"
"""Ports published at every address of the host: `proto . port : address . port`."""

ADDRESS_MAP = "published_at"
"""Ports published at one address of the host: `address . proto . port : address . port`."""

PROTOCOL_NUMBERS = {TCP: 6, UDP: 17, SCTP: 132}


class BridgeRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the firewall must know of a bridge network."""

    bridge: str
    subnet: str


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A port binding and the container's address that it leads to."""

    binding: PortBinding
    address: str


def render_table(table: str, bridges: Iterable[BridgeRules], published: Iterable[Published]) -> str:
    """The whole table as text for `nft -f`: it replaces the present one in one transaction."""
    rules = list(bridges)
    elements = sorted(published, key=_published_order)
    anywhere = [item for item in elements if _is_anywhere(item.binding)]
    at_address = [item for item in elements if not _is_anywhere(item.binding)]
    parts = [
        f"table ip {table}",
        f"delete table ip {table}",
        f"table ip {table} {{",
        _render_map(ANYWHERE_MAP, "inet_proto . inet_service", map(_render_anywhere, anywhere)),
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
