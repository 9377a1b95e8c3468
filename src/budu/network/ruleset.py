"""Our nftables table: its sets, their elements in both writings, and the chains over them. Pure.

    from outside   ─▶ raw: 127/8 ─▶ prerouting: lan? published? ─▶ forward ─▶ container
    from the host  ─▶ output: published? ─────────────────────────▶ postrouting ─▶ container
    container, to the host's address ─▶ prerouting ─▶ forward ─▶ postrouting ─▶ container

One table of family inet serves IPv4 and IPv6. The chains never change: whatever a network, a
port or an option asks for is an element of a set or map, so that a thousand ports or networks
cost a packet no more than one, and a change is one netlink message. The client's address is kept
except where the answer would not come back: from 127.0.0.1, and from a container of the same
bridge; the latter comes without a link where br_netfilter translated a bridged frame. `rules` says
which elements there must be; `firewall` brings them into the kernel.

What can be decided once for a connection stands in chains of type nat, which only its first packet
comes to; `raw` and `forward` see every packet. So a connection that was there before a port became
one for the neighbourhood stays, and answers to our own connections are let in whatever port they
come to. The rules of `raw` are `ip daddr 127.0.0.0/8 iifname != "lo" drop` and the same of `saddr`,
in the writing that asks the rarest first, in half the time: `@nh,128,8` is the first byte of an
IPv4 destination.

ICMP stands as its number, 1 and 58: a small system has no /etc/protocols to look names up in.

Source: man 8 nft, "ADDRESS FAMILIES", "STATEMENTS" (dnat, masquerade), "fib"; kernel
Documentation/networking/ip-sysctl.rst, route_localnet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address

import msgspec

from budu.linux.netlink.nftables import Element, concatenate
from budu.network.contract import SCTP, TCP, UDP

Value = str | int
"""A link's name, an address, a protocol's name, or a port."""

PROTOCOL_NUMBERS = {TCP: 6, UDP: 17, SCTP: 132}

GUARD_CHAINS = {4: "guard4", 6: "guard6"}
"""Chains that exist while the table keeps the host from being everybody's router."""

_POLICY = "policy accept;\n"
"""How the first line of every chain that packets come to by themselves ends."""

_LINK_NAME_BYTES = 16
_LINK, _IP4, _IP6, _PROTO, _PORT = "ifname", "ipv4_addr", "ipv6_addr", "inet_proto", "inet_service"


class Row(msgspec.Struct, frozen=True):
    """One element: the set's name, the fields of its key and, in a map, of what it leads to."""

    set: str
    key: tuple[Value, ...]
    value: tuple[Value, ...] = ()


class _Set(msgspec.Struct, frozen=True):
    key: tuple[str, ...]
    value: tuple[str, ...] = ()


SETS: dict[str, _Set] = {
    "bridges": _Set((_LINK,)),
    "same": _Set((_LINK, _LINK)),
    "neighbours": _Set((_LINK, _LINK)),
    "internal": _Set((_LINK,)),
}
"""`bridges`: all of ours. `same`: each with itself. `neighbours`: where containers may talk to each
other. `internal`: nothing in or out. For each family: `open_to_all` (nat-unprotected), `routed`,
`masqueraded`, `snat` (masqueraded as one address), `published` and `published_at` (an address of
the host), `open` (ports of routed networks), `trusted` (ports for some of the host's links),
`lan` and `lan_at` (ports that are for the neighbourhood only)."""

for _family, _ip in ((4, _IP4), (6, _IP6)):
    SETS |= {
        f"open_to_all{_family}": _Set((_LINK,)),
        f"routed{_family}": _Set((_LINK,)),
        f"masqueraded{_family}": _Set((_LINK,)),
        f"snat{_family}": _Set((_LINK,), (_ip,)),
        f"published{_family}": _Set((_PROTO, _PORT), (_ip, _PORT)),
        f"published_at{_family}": _Set((_ip, _PROTO, _PORT), (_ip, _PORT)),
        f"open{_family}": _Set((_ip, _PROTO, _PORT)),
        f"trusted{_family}": _Set((_LINK, _ip, _PROTO, _PORT)),
        f"lan{_family}": _Set((_PROTO, _PORT)),
        f"lan_at{_family}": _Set((_ip, _PROTO, _PORT)),
    }


class Skeleton(msgspec.Struct, frozen=True, kw_only=True):
    """What of the table is no element of `SETS`.

    `sources` are the networks that count as the neighbourhood, of both families; `guarded` the
    families (4, 6) for which only containers' packets are forwarded; `families` those whose packets
    the table touches at all: with none of them there shall be no table.
    """

    table: str
    sources: tuple[str, ...] = ()
    guarded: tuple[int, ...] = ()
    families: tuple[int, ...] = (4, 6)


def render_table(skeleton: Skeleton, rows: Iterable[Row]) -> str:
    """The whole table as text for `nft -f`: it replaces the present one in one transaction.

    So it does with the table of family ip that engines before IPv6 left.
    """
    listed: dict[str, list[str]] = {name: [] for name in SETS}
    for row in rows:
        listed[row.set].append(_render_row(row))
    name = skeleton.table
    parts = [
        f"table ip {name}",
        f"delete table ip {name}",
        f"table inet {name}",
        f"delete table inet {name}",
        f"table inet {name} {{",
        *(_render_set(each, SETS[each], sorted(listed[each])) for each in SETS),
        _render_sources(skeleton.sources),
        _CHAINS,
        *(_render_guard(family) for family in skeleton.guarded),
        _render_forward(skeleton.guarded),
        "}",
    ]
    return _untouched("\n".join(parts) + "\n", skeleton.families)


def _untouched(table: str, families: tuple[int, ...]) -> str:
    """The table whose chains let packets of all other families go on at once."""
    others = [each for each in (4, 6) if each not in families]
    lines = "".join(f"\t\tmeta nfproto ipv{each} accept\n" for each in others)
    return table.replace(_POLICY, _POLICY + lines)


def render_sources(table: str, sources: Iterable[str]) -> str:
    """Text for `nft -f` that replaces what counts as the neighbourhood."""
    lines = []
    for family, networks in _by_family(sources).items():
        lines.append(f"flush set inet {table} lan_sources{family}")
        if networks:
            listed = ", ".join(networks)
            lines.append(f"add element inet {table} lan_sources{family} {{ {listed} }}")
    return "\n".join(lines) + "\n"


def element_of(row: Row) -> Element:
    """The element as the kernel has it."""
    kind = SETS[row.set]
    return Element(_encode(kind.key, row.key), _encode(kind.value, row.value))


_CHAINS = """\
	chain raw {
		type filter hook prerouting priority -300; policy accept;
		@nh,128,8 127 meta nfproto ipv4 iif != "lo" drop
		@nh,96,8 127 meta nfproto ipv4 iif != "lo" drop
	}
	chain prerouting {
		type nat hook prerouting priority -100; policy accept;
		meta l4proto . th dport @lan4 ip saddr != @lan_sources4 fib daddr type local drop
		ip daddr . meta l4proto . th dport @lan_at4 ip saddr != @lan_sources4 drop
		meta l4proto . th dport @lan6 ip6 saddr != @lan_sources6 fib daddr type local drop
		ip6 daddr . meta l4proto . th dport @lan_at6 ip6 saddr != @lan_sources6 drop
		fib daddr type local jump translate
	}
	chain output {
		type nat hook output priority -100; policy accept;
		fib daddr type local jump translate
	}
	chain translate {
		meta nfproto ipv4 jump translate4
		ip6 daddr ::1 return
		dnat ip6 to ip6 daddr . meta l4proto . th dport map @published_at6
		dnat ip6 to meta l4proto . th dport map @published6
	}
	chain translate4 {
		dnat ip to ip daddr . meta l4proto . th dport map @published_at4
		dnat ip to meta l4proto . th dport map @published4
	}
	chain into {
		ct state established,related accept
		iifname . oifname @neighbours accept
		iifname @internal drop
		oifname @internal drop
		ct status dnat accept
		meta nfproto ipv4 oifname @open_to_all4 accept
		meta nfproto ipv6 oifname @open_to_all6 accept
		ip daddr . meta l4proto . th dport @open4 accept
		ip6 daddr . meta l4proto . th dport @open6 accept
		iifname . ip daddr . meta l4proto . th dport @trusted4 accept
		iifname . ip6 daddr . meta l4proto . th dport @trusted6 accept
		oifname @routed4 meta l4proto 1 accept
		oifname @routed6 meta l4proto 58 accept
		drop
	}
	chain out {
		iifname @internal drop
		accept
	}
	chain postrouting {
		type nat hook postrouting priority 100; policy accept;
		oifname @bridges ct status dnat ip saddr 127.0.0.0/8 masquerade
		iifname . oifname @same ct status dnat masquerade
		meta iif 0 oifname @bridges ct status dnat fib saddr type != local masquerade
		iifname . oifname @same accept
		meta nfproto ipv4 snat ip to iifname map @snat4
		meta nfproto ipv6 snat ip6 to iifname map @snat6
		meta nfproto ipv4 iifname @masqueraded4 masquerade
		meta nfproto ipv6 iifname @masqueraded6 masquerade
	}"""


def _render_forward(guarded: tuple[int, ...]) -> str:
    lines = ["oifname @bridges jump into", "iifname @bridges jump out"]
    lines += [f"meta nfproto ipv{family} jump {GUARD_CHAINS[family]}" for family in guarded]
    body = "".join(f"\t\t{line}\n" for line in lines)
    head = "\t\ttype filter hook forward priority 0; policy accept;\n"
    return f"\tchain forward {{\n{head}{body}\t}}"


def _render_guard(family: int) -> str:
    """Bridges of other engines and of virtual machines stay as they are."""
    rule = 'meta iifkind != "bridge" meta oifkind != "bridge" drop'
    return f"\tchain {GUARD_CHAINS[family]} {{\n\t\t{rule}\n\t}}"


def _render_set(name: str, kind: _Set, elements: list[str]) -> str:
    key = " . ".join(kind.key)
    declared, type_ = "set", key
    if kind.value:
        declared, type_ = "map", f"{key} : {' . '.join(kind.value)}"
    return f"\t{declared} {name} {{\n\t\ttype {type_}\n{_render_elements(elements)}\t}}"


def _render_sources(sources: Iterable[str]) -> str:
    parts = []
    for family, networks in _by_family(sources).items():
        head = f"\t\ttype ipv{family}_addr\n\t\tflags interval\n\t\tauto-merge\n"
        parts.append(f"\tset lan_sources{family} {{\n{head}{_render_elements(networks)}\t}}")
    return "\n".join(parts)


def _by_family(networks: Iterable[str]) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = {4: [], 6: []}
    for each in sorted(set(networks)):
        found[6 if ":" in each else 4].append(each)
    return found


def _render_elements(elements: list[str]) -> str:
    listed = ",\n\t\t\t".join(elements)
    return f"\t\telements = {{\n\t\t\t{listed}\n\t\t}}\n" if listed else ""


def _render_row(row: Row) -> str:
    kind = SETS[row.set]
    key = _render_fields(kind.key, row.key)
    return f"{key} : {_render_fields(kind.value, row.value)}" if kind.value else key


def _render_fields(types: tuple[str, ...], values: tuple[Value, ...]) -> str:
    return " . ".join(
        f'"{value}"' if type_ == _LINK else str(value)
        for type_, value in zip(types, values, strict=True)
    )


def _encode(types: tuple[str, ...], values: tuple[Value, ...]) -> bytes:
    fields = [_encode_field(*each) for each in zip(types, values, strict=True)]
    return fields[0] if len(fields) == 1 else concatenate(*fields)


def _encode_field(type_: str, value: Value) -> bytes:
    if isinstance(value, int):
        return value.to_bytes(2, "big")
    if type_ == _LINK:
        return value.encode().ljust(_LINK_NAME_BYTES, b"\0")
    if type_ == _PROTO:
        return bytes((PROTOCOL_NUMBERS[value],))
    return ip_address(value).packed
