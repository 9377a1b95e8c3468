"""The published ports of endpoints: held by sockets, led in by the firewall, or relayed.

`ports` chooses and holds, `rules` says which elements lead in, `relay` passes on what no rule can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from budu.linux.netlink import conntrack, route
from budu.linux.netlink.wire import Connection
from budu.network.contract import (
    ANY_ADDRESS,
    ANY_ADDRESS6,
    UDP,
    EndpointState,
    FabricConfig,
    PortBinding,
    PortRequest,
    PublishedPort,
)
from budu.network.endpoint_plan import target_of
from budu.network.firewall import Firewall
from budu.network.inventory import Network
from budu.network.ports import Owner, PortAllocator
from budu.network.relay import Relay
from budu.network.rules import PortRules, endpoint_rows, is_accepted_here, is_relayed

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


class Publisher:
    """Opens and closes ports. The connections and the firewall stay the caller's."""

    def __init__(
        self, config: FabricConfig, firewall: Firewall, *, links: Connection, flows: Connection
    ) -> None:
        """`links` is an rtnetlink socket, `flows` a netfilter one."""
        self._config = config
        self._firewall = firewall
        self._links = links
        self._flows = flows
        self._ports = PortAllocator()
        self._relay = Relay()

    def serve(self, loop: AbstractEventLoop) -> None:
        """Pass on relayed ports from now on."""
        self._relay.serve(loop)

    def close(self) -> None:
        """Let go of all sockets; the firewall leads on."""
        self._relay.close()
        self._ports.close()

    def allocate(
        self, network: Network, state: EndpointState, requests: Sequence[PortRequest]
    ) -> tuple[PortBinding, ...]:
        """Hold ports for the endpoint; all or none. Raises: as `ports`."""
        return self._ports.allocate(requests, self._owner(network, state))

    def release(self, bindings: Sequence[PortBinding]) -> None:
        """Take back `allocate`."""
        self._ports.release(bindings)

    def open(self, state: EndpointState, rules: PortRules, bindings: Sequence[PortBinding]) -> None:
        """Make the firewall lead all of the state's ports in; `bindings` are the new ones."""
        self._firewall.put(state.endpoint_id, endpoint_rows(state, rules))
        self._forget_flows(bindings)
        self.relay(state, bindings)

    def close_ports(
        self,
        state: EndpointState,
        bindings: Sequence[PortBinding],
        *,
        kept: PortRules | None = None,
    ) -> None:
        """Stop leading these ports in; the state's others stay where `kept` rules are given."""
        rows = endpoint_rows(state, kept) if kept is not None else []
        self._firewall.put(state.endpoint_id, rows)
        for each in bindings:
            self._relay.stop(each)
        self._ports.release(bindings)
        self._forget_flows(bindings)

    def take_over(self, network: Network, state: EndpointState) -> list[PortBinding]:
        """Hold and relay an earlier engine's ports again; those that others took meanwhile."""
        lost = self._ports.restore(state.bindings, self._owner(network, state))
        self.relay(state, state.bindings)
        return lost

    def relay(self, state: EndpointState, bindings: Iterable[PortBinding]) -> None:
        """Pass on what comes to those of the ports that no rule can lead in, and what comes to ::1
        of the others."""
        for each in bindings:
            held = self._ports.socket_of(each) if self._accepts(each, state) else None
            if held is not None:
                self._relay.start(each, held, target=target_of(each, state))

    def _accepts(self, binding: PortBinding, state: EndpointState) -> bool:
        families = self._config.families
        if self._config.relay:
            return is_accepted_here(binding, state, families=families)
        return is_relayed(binding, state)

    def _owner(self, network: Network, state: EndpointState) -> Owner:
        given = (self._config.host_address,) if self._config.host_address else ()
        return Owner(
            name=state.name,
            endpoint_id=state.endpoint_id,
            address=state.address,
            address6=state.address6,
            mode4=network.port_rules.mode4,
            mode6=network.port_rules.mode6,
            hosts=network.hosts or given or (ANY_ADDRESS, ANY_ADDRESS6),
            reach=self._config.reach,
            relay=self._config.relay,
            families=self._config.families,
        )

    def _forget_flows(self, bindings: Iterable[PortBinding]) -> None:
        """Make udp clients' next packet see the new rules, not the old way it went."""
        ports = {each.host_port for each in bindings if each.protocol == UDP and each.host_port}
        if ports:
            here = {
                found.address
                for family in (route.AF_INET, route.AF_INET6)
                for found in route.addresses(self._links, family=family)
            }
            conntrack.delete_udp_flows(self._flows, ports, addresses=here)


def published_ports(
    states: Iterable[EndpointState], *, families: Sequence[int]
) -> list[PublishedPort]:
    """Every port of these endpoints that leads into a container, by host port; `families` are
    those that have rules."""
    found = [
        PublishedPort(
            network_id=state.network_id,
            container_id=state.container_id,
            name=state.name,
            address=target_of(each, state),
            binding=each,
            relayed=is_relayed(each, state, families=families),
        )
        for state in states
        for each in state.bindings
    ]
    return sorted(found, key=lambda port: (port.binding.host_port, port.binding.host_address))
