"""The bridge driver: addresses, links, ports and firewall put together.

Every step of `connect` has an undo, run in reverse order when a later one fails. The contract
is in `contract`; the pieces are `ipam`, `bridge`, `ports`, `firewall`, `reconcile`.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv4Network

import msgspec

from budu.base.errors import Hint, InvalidArgument, Unavailable
from budu.base.ids import new_id
from budu.linux.netlink import conntrack, route
from budu.linux.netlink.wire import NETLINK_NETFILTER, NETLINK_ROUTE, Connection
from budu.network.bridge import Bridge, existing_subnet, host_mtu, host_networks
from budu.network.contract import (
    UDP,
    Endpoint,
    EndpointState,
    NetworkConfig,
    PortBinding,
    PortRequest,
)
from budu.network.firewall import Firewall
from budu.network.ipam import (
    Pool,
    choose_gateway,
    choose_subnet,
    mac_of,
    parse_address,
    parse_subnet,
)
from budu.network.ports import Owner, PortAllocator
from budu.network.reconcile import (
    Facts,
    lost_link_warning,
    lost_port_warning,
    plan_repairs,
)
from budu.network.ruleset import BridgeRules
from budu.network.turn import subnet_turn

_LINK_NAME_BYTES = 4


class BridgeService:
    """The driver of one bridge network. Synchronous; one thread at a time."""

    def __init__(self, config: NetworkConfig) -> None:
        self.config = config
        self._resources = ExitStack()
        self._live: dict[str, EndpointState] = {}
        self._ports = PortAllocator(default_address=config.host_address)
        self._route: Connection
        self._netfilter: Connection
        self._bridge: Bridge
        self._firewall: Firewall
        self._pool: Pool

    @property
    def subnet(self) -> IPv4Network:
        """The network's addresses; known after `start`."""
        return self._pool.subnet

    @property
    def gateway(self) -> IPv4Address:
        """The host's address in the network; known after `start`."""
        return self._pool.gateway

    @property
    def mtu(self) -> int:
        """The largest packet in bytes; known after `start`."""
        return self._bridge.mtu

    def start(self) -> None:
        """Make the bridge, and the table when there is none.

        A table that an earlier engine left stays, so that its ports work until `restore`.

        Raises: PermissionDenied, Unavailable (no `nft`), ResourceExhausted (no free subnet),
        Conflict (a link of another kind has the bridge's name).
        """
        with ExitStack() as undo:
            self._route = _open(NETLINK_ROUTE, undo)
            self._netfilter = _open(NETLINK_NETFILTER, undo)
            self._netfilter.allow_large_batches()
            with subnet_turn():
                self._make_bridge()
            self._firewall = Firewall(self._netfilter, table=self.config.table)
            if not self._firewall.exists():
                self._firewall.apply([self._rules()])
            undo.callback(self._ports.close)
            self._resources = undo.pop_all()

    def connect(
        self,
        container_id: str,
        netns_fd: int,
        *,
        name: str,
        requests: tuple[PortRequest, ...] = (),
        exposed: tuple[str, ...] = (),
        address: str = "",
        mac: str = "",
    ) -> EndpointState:
        """Give a fresh network namespace its place in the network, and publish its ports.

        `name` is the container's; `exposed` is only recorded. `address` and `mac` are chosen
        when empty.

        Raises: Conflict, ResourceExhausted, InvalidArgument, PermissionDenied as `ipam` and
        `ports` do; Internal with the kernel's words. Nothing is left behind then.
        """
        endpoint_id = new_id()
        with ExitStack() as undo:
            ours = self._take_address(address)
            undo.callback(self._pool.release, ours)
            owner = Owner(name=name, endpoint_id=endpoint_id, address=str(ours))
            bindings = self._ports.allocate(requests, owner)
            undo.callback(self._ports.release, bindings)
            endpoint = self._endpoint(ours, mac)
            self._bridge.attach(netns_fd, endpoint)
            undo.callback(self._bridge.remove_link, endpoint.host_link)
            self._publish(bindings, endpoint.address)
            undo.pop_all()
        state = EndpointState(
            endpoint_id=endpoint_id,
            container_id=container_id,
            name=name,
            address=endpoint.address,
            prefix_length=endpoint.prefix_length,
            gateway=endpoint.gateway,
            mac=endpoint.mac,
            host_link=endpoint.host_link,
            link_name=endpoint.link_name,
            mtu=endpoint.mtu,
            bindings=bindings,
            exposed=exposed,
        )
        self._live[endpoint_id] = state
        return state

    def publish(self, state: EndpointState, requests: tuple[PortRequest, ...]) -> EndpointState:
        """Publish more ports of a connected endpoint, for one that was made ahead of time.

        Raises: as `connect`; the endpoint stays as it was then.
        """
        bindings = self._ports.allocate(requests, _owner(state))
        with ExitStack() as undo:
            undo.callback(self._ports.release, bindings)
            self._publish(bindings, state.address)
            undo.pop_all()
        published = msgspec.structs.replace(state, bindings=state.bindings + bindings)
        self._live[state.endpoint_id] = published
        return published

    def disconnect(self, state: EndpointState, *, remove_link: bool = False) -> None:
        """Free the endpoint's ports and address at once.

        The link goes with the network namespace; `remove_link` takes it away now, for a
        container that runs on (15 ms). An endpoint that is not connected is left alone.
        """
        if state.endpoint_id not in self._live:
            return
        del self._live[state.endpoint_id]
        self._firewall.unpublish(state.bindings, state.address)
        self._ports.release(state.bindings)
        self._forget_flows(state.bindings)
        self._pool.release(IPv4Address(state.address))
        if remove_link:
            self._bridge.remove_link(state.host_link)

    def restore(self, states: list[EndpointState]) -> list[str]:
        """Take over the endpoints of containers that run, repair and sweep.

        `states` are all of them: endpoints that are not among them are disconnected. May be
        called again at any time to repair what somebody removed.

        Returns warnings about what could not be repaired. Ports that work keep working
        throughout: the table is replaced in one transaction.

        Raises: Unavailable or Internal when the table cannot be made.
        """
        self._bridge.ensure()
        kept = {state.endpoint_id for state in states}
        for endpoint_id in self._live.keys() - kept:
            self.disconnect(self._live[endpoint_id])
        repairs = plan_repairs(states, self._facts())
        for link in repairs.reattach:
            self._bridge.reattach(link)
        for link in repairs.remove:
            self._bridge.remove_link(link)
        self._firewall.replace([self._rules()], repairs.published)
        warnings = [lost_link_warning(state) for state in repairs.lost]
        for state in states:
            warnings += self._take_over(state)
        return warnings

    def diagnose(self) -> tuple[Hint, ...]:
        """What on this host keeps containers from the network, each with its cure.

        Raises: OSError when the kernel cannot be asked.
        """
        return tuple(
            Hint("network.forward-dropped", chain=chain, bridge=self.config.bridge)
            for chain in self._firewall.dropping_tables()
        )

    def close(self) -> None:
        """Let go of sockets; containers and their published ports go on."""
        self._resources.close()

    def remove(self) -> None:
        """Take bridge and table off the host, with all links; for an engine that is uninstalled.

        Call it before `close`.
        """
        for link in self._bridge.host_links():
            self._bridge.remove_link(link)
        self._firewall.remove()
        self._bridge.remove()

    def _make_bridge(self) -> None:
        config = self.config
        subnet, gateway = self._choose_subnet()
        self._pool = Pool(subnet, gateway, network=config.name)
        self._bridge = Bridge(
            self._route,
            name=config.bridge,
            prefix=config.link_prefix,
            subnet=subnet,
            gateway=gateway,
            mtu=config.mtu or host_mtu(self._route),
        )
        self._bridge.ensure()

    def _choose_subnet(self) -> tuple[IPv4Network, IPv4Address]:
        """The configured subnet, else that of the bridge as it is, else a free one."""
        config = self.config
        if config.subnet:
            subnet = parse_subnet(config.subnet)
            return subnet, choose_gateway(subnet, config.gateway)
        existing = existing_subnet(self._route, config.bridge)
        if existing is not None:
            return existing
        subnet = choose_subnet(config.pools, host_networks(self._route))
        return subnet, choose_gateway(subnet, config.gateway)

    def _take_address(self, wanted: str) -> IPv4Address:
        if not wanted:
            return self._pool.allocate()
        address = parse_address(wanted)
        self._pool.reserve(address)
        return address

    def _endpoint(self, address: IPv4Address, mac: str) -> Endpoint:
        return Endpoint(
            host_link=self.config.link_prefix + os.urandom(_LINK_NAME_BYTES).hex(),
            address=str(address),
            prefix_length=self._pool.subnet.prefixlen,
            gateway=str(self._pool.gateway),
            mac=_check_mac(mac) if mac else mac_of(address),
            mtu=self._bridge.mtu,
        )

    def _publish(self, bindings: tuple[PortBinding, ...], address: str) -> None:
        self._firewall.publish(bindings, address)
        self._forget_flows(bindings)

    def _forget_flows(self, bindings: tuple[PortBinding, ...]) -> None:
        """Make udp clients' next packet see the new rules, not the old way it went."""
        ports = {binding.host_port for binding in bindings if binding.protocol == UDP}
        if ports:
            here = {found.address for found in route.addresses(self._route)}
            conntrack.delete_udp_flows(self._netfilter, ports, addresses=here)

    def _facts(self) -> Facts:
        links = tuple(
            link.name
            for link in route.links(self._route)
            if link.name.startswith(self.config.link_prefix)
        )
        return Facts(links=links, attached=tuple(self._bridge.host_links()))

    def _take_over(self, state: EndpointState) -> list[str]:
        self._live[state.endpoint_id] = state
        self._pool.reserve_again(IPv4Address(state.address))
        lost = self._ports.restore(state.bindings, _owner(state))
        return [lost_port_warning(state, binding) for binding in lost]

    def _rules(self) -> BridgeRules:
        return BridgeRules(bridge=self.config.bridge, subnet=str(self._pool.subnet))


def _open(protocol: int, undo: ExitStack) -> Connection:
    try:
        connection = Connection(protocol)
    except OSError as error:
        raise Unavailable(f"netlink is not available: {error.strerror}") from error
    undo.callback(connection.close)
    return connection


def _owner(state: EndpointState) -> Owner:
    return Owner(name=state.name, endpoint_id=state.endpoint_id, address=state.address)


def _check_mac(text: str) -> str:
    octets = text.replace("-", ":").lower().split(":")
    valid = len(octets) == 6 and all(
        len(octet) == 2 and set(octet) <= set("0123456789abcdef") for octet in octets
    )
    if not valid:
        raise InvalidArgument(f"invalid MAC address: {text}")
    return ":".join(octets)
