"""Which elements of our table a network and a published port ask for. Pure.

Source: moby 28.3, libnetwork/drivers/bridge (gateway modes); docs, "Packet filtering and
firewalls", "Gateway modes".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from ipaddress import ip_address

import msgspec

from budu.network.contract import (
    ANY_ADDRESS,
    ANY_ADDRESS6,
    BRIDGE,
    LAN,
    EndpointState,
    NetworkSpec,
    PortBinding,
)
from budu.network.options import NAT, NAT_UNPROTECTED, ROUTED, BridgeOptions, bridge_options
from budu.network.ruleset import Row


class PortRules(msgspec.Struct, frozen=True, kw_only=True):
    """What of a network decides how its ports are published.

    `mode4` and `mode6` are gateway modes; `trusted` links of the host that reach published ports
    at the container's own address; `direct`: every link does.
    """

    mode4: str = NAT
    mode6: str = NAT
    trusted: tuple[str, ...] = ()
    direct: bool = False

    def mode(self, version: int) -> str:
        """The gateway mode of one family."""
        return self.mode4 if version == 4 else self.mode6


def port_rules(options: BridgeOptions, *, direct: bool) -> PortRules:
    """The part of a bridge network's options that is about ports."""
    return PortRules(
        mode4=options.mode4, mode6=options.mode6, trusted=options.trusted, direct=direct
    )


def network_rows(spec: NetworkSpec) -> list[Row]:
    """The elements of a network whose link is chosen; none for drivers without a bridge."""
    if spec.driver != BRIDGE:
        return []
    options, link = bridge_options(spec), spec.link
    rows = [Row("bridges", (link,)), Row("same", (link, link))]
    if options.icc:
        rows.append(Row("neighbours", (link, link)))
    if spec.internal:
        return [*rows, Row("internal", (link,))]
    families = ((4, spec.enable_ipv4, options.snat4), (6, spec.enable_ipv6, options.snat6))
    for version, enabled, snat in families:
        if enabled:
            mode = options.mode4 if version == 4 else options.mode6
            rows += _way_out(link, version, mode, snat if options.masquerade else "-")
    return rows


def _way_out(link: str, version: int, mode: str, snat: str) -> Iterator[Row]:
    """How a network of one family meets the world; `snat` is `-` where addresses stay."""
    if mode == NAT_UNPROTECTED:
        yield Row(f"open_to_all{version}", (link,))
    if mode == ROUTED:
        yield Row(f"routed{version}", (link,))
    elif snat not in ("", "-"):
        yield Row(f"snat{version}", (link,), (snat,))
    elif snat != "-":
        yield Row(f"masqueraded{version}", (link,))


def endpoint_rows(state: EndpointState, rules: PortRules) -> list[Row]:
    """The elements of all published ports of an endpoint."""
    return [row for each in state.bindings for row in binding_rows(each, state, rules)]


def binding_rows(binding: PortBinding, state: EndpointState, rules: PortRules) -> list[Row]:
    """The elements of one published port.

    One that leads to an endpoint without an address of its family is relayed by the engine, as
    are all at ::1: it has no elements but those that keep strangers away.
    """
    version = ip_address(binding.host_address).version
    target = state.address if version == 4 else state.address6
    if binding.host_port == 0:
        port = (binding.protocol, binding.container_port)
        return [Row(f"open{version}", (target, *port))] if target else []
    rows = list(_reach_rows(binding, version))
    if is_relayed(binding, state):
        return rows
    rows.append(_dnat_row(binding, version, target))
    if rules.direct:
        rows.append(Row(f"open{version}", (target, binding.protocol, binding.container_port)))
    for link in rules.trusted:
        key = (link, target, binding.protocol, binding.container_port)
        rows.append(Row(f"trusted{version}", key))
    return rows


def is_relayed(
    binding: PortBinding, state: EndpointState, *, families: Collection[int] = (4, 6)
) -> bool:
    """Whether the engine itself must pass on what comes to the port; `families` have rules.

    Nothing that comes from ::1 can be led out of the loopback link, and no rule turns IPv6 into
    IPv4.
    """
    version = ip_address(binding.host_address).version
    if binding.host_port == 0:
        return False
    if version not in families:
        return True
    return version == 6 and (not state.address6 or binding.host_address == "::1")


def is_accepted_here(
    binding: PortBinding, state: EndpointState, *, families: Collection[int] = (4, 6)
) -> bool:
    """Whether the engine itself takes connections at the port's socket: to relay it, or for ::1
    alone where rules lead in what comes to every other address."""
    if is_relayed(binding, state, families=families):
        return True
    return binding.host_address == ANY_ADDRESS6 and binding.host_port != 0


def _dnat_row(binding: PortBinding, version: int, target: str) -> Row:
    key = (binding.protocol, binding.host_port)
    value = (target, binding.container_port)
    if binding.host_address in (ANY_ADDRESS, ANY_ADDRESS6):
        return Row(f"published{version}", key, value)
    return Row(f"published_at{version}", (binding.host_address, *key), value)


def _reach_rows(binding: PortBinding, version: int) -> Iterator[Row]:
    if binding.reach != LAN:
        return
    key = (binding.protocol, binding.host_port)
    if binding.host_address in (ANY_ADDRESS, ANY_ADDRESS6):
        yield Row(f"lan{version}", key)
    else:
        yield Row(f"lan_at{version}", (binding.host_address, *key))
