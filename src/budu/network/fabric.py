"""All networks of one engine in the kernel: addresses, links, ports and firewall put together.

Every step of `connect` has an undo, run in reverse order when a later one fails. The contract is
in `contract`; the pieces are `subnets`, `book`, `bridge`, `parent`, `ports`, `rules`, `firewall`,
`reconcile`, `relay` and `watch`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING

import msgspec

from budu.base.errors import (
    BuduError,
    Conflict,
    Hint,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unavailable,
)
from budu.base.ids import new_id
from budu.linux.netlink import conntrack, route
from budu.linux.netlink.wire import NETLINK_NETFILTER, NETLINK_ROUTE, Connection
from budu.network import hosts, sandbox
from budu.network.book import AddressBook
from budu.network.bridge import BridgeDriver, existing_subnets
from budu.network.contract import (
    ANY_ADDRESS,
    ANY_ADDRESS6,
    BRIDGE,
    DRIVERS,
    IPVLAN,
    UDP,
    EndpointRequest,
    EndpointState,
    FabricConfig,
    NetworkSpec,
    PortBinding,
    PortRequest,
    PublishedPort,
)
from budu.network.firewall import Firewall
from budu.network.foreign import ForeignChains
from budu.network.ipam import mac_of, ula_pool
from budu.network.options import (
    BRIDGE_NAME,
    ENDPOINT_IFNAME,
    MTU,
    bridge_options,
    iface_prefix,
    parent_options,
)
from budu.network.parent import ParentDriver
from budu.network.ports import Owner, PortAllocator
from budu.network.reconcile import (
    Facts,
    lost_link_warning,
    lost_network_warning,
    lost_port_warning,
    plan_repairs,
)
from budu.network.relay import Relay
from budu.network.rules import PortRules, endpoint_rows, is_relayed, network_rows, port_rules
from budu.network.ruleset import GUARD_CHAINS, Skeleton
from budu.network.subnets import Choice, check_subnets, choose_subnets
from budu.network.turn import subnet_turn
from budu.network.watch import Watch

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

log = logging.getLogger(__name__)

_HOST_LINK_BYTES = 4
_ID_IN_LINK = 12
_LONGEST_LINK_NAME = 15


class _Network:
    """A network that is there: its spec, its driver and its addresses."""

    def __init__(self, spec: NetworkSpec, driver: BridgeDriver | ParentDriver) -> None:
        self.spec = spec
        self.driver = driver
        self.book = AddressBook(spec)
        self.port_rules = PortRules()
        self.hosts: tuple[str, ...] = ()
        if isinstance(driver, BridgeDriver):
            self.port_rules = port_rules(driver.options)
            self.hosts = tuple(
                filter(None, (driver.options.host_binding4, driver.options.host_binding6))
            )

    @property
    def publishes(self) -> bool:
        """Whether ports of its containers can be published."""
        return self.spec.driver == BRIDGE and not self.spec.internal


class NetworkFabric:
    """Implements `contract.Fabric`."""

    def __init__(self, config: FabricConfig) -> None:
        self.config = config
        self._resources = ExitStack()
        self._networks: dict[str, _Network] = {}
        self._live: dict[str, EndpointState] = {}
        self._reserved: dict[str, NetworkSpec] = {}
        self._ports = PortAllocator()
        self._relay = Relay()
        self._foreign = ForeignChains(config.table)
        self._watch: Watch | None = None
        self._default_id = config.default.id
        self._mtu = config.mtu
        self._route: Connection
        self._netfilter: Connection
        self._firewall: Firewall

    @property
    def default(self) -> NetworkSpec:
        """The default bridge network with everything chosen; known after `start`."""
        return self._networks[self._default_id].spec

    def spec(self, network_id: str) -> NetworkSpec:
        """A network as it was chosen. Raises: NotFound."""
        return self._network(network_id).spec

    def mtu(self, network_id: str) -> int:
        """The largest packet of a network in bytes, 0 where the parent's counts."""
        return self._network(network_id).driver.mtu

    # The life of the fabric

    def start(self) -> None:
        """Make the default bridge, and the table when there is none.

        A table that an earlier engine left stays, so that its ports work until `restore`.
        """
        with ExitStack() as undo:
            self._route = _open(NETLINK_ROUTE, undo)
            self._netfilter = _open(NETLINK_NETFILTER, undo)
            self._netfilter.allow_large_batches()
            self._mtu = self.config.mtu or hosts.host_mtu(self._route)
            self._firewall = Firewall(self._netfilter, self._skeleton())
            with subnet_turn():
                network = self._open_network(self._choose_default())
            self._networks[self._default_id] = network
            self._firewall.remember(_network_owner(self._default_id), network_rows(network.spec))
            if not self._firewall.exists():
                self._firewall.load()
            self._join_foreign()
            undo.callback(self._ports.close)
            undo.callback(self._relay.close)
            self._resources = undo.pop_all()

    def serve(self, loop: AbstractEventLoop, *, report: Callable[[str], None]) -> None:
        """Watch for others' changes and pass on relayed ports, until `close`."""
        self._relay.serve(loop)
        for state in self._live.values():
            self._relay_ports(state, state.bindings)
        own = {self._route.port, self._netfilter.port}
        self._watch = Watch(
            self._is_ours, self.ensure, table=self.config.table, own_ports=own, report=report
        )
        self._watch.start(loop)
        self._resources.callback(self._watch.close)

    def close(self) -> None:
        """Let go of sockets; containers and their published ports go on."""
        self._resources.close()

    def clear(self) -> None:
        """Take everything of this engine off the host, before `close`."""
        for link in self._facts().attached:
            self._remove_link(link)
        self._foreign.leave(self._firewall.dropping_chains())
        self._firewall.remove()
        for network in self._networks.values():
            network.driver.remove()
        self._networks.clear()
        self._live.clear()

    # Networks

    def check(self, spec: NetworkSpec) -> None:
        """Check driver, options and pools without looking at the host."""
        if spec.driver not in DRIVERS:
            raise NotFound(f"could not find plugin {spec.driver} in v1 plugin registry")
        check_subnets(spec)
        if spec.driver == BRIDGE:
            bridge_options(spec)
        else:
            parent_options(spec)

    def choose(self, spec: NetworkSpec) -> NetworkSpec:
        """Fill in subnets, gateways and the link's name; store what this returns."""
        self.check(spec)
        others = [each.spec for each in self._networks.values() if each.spec.id != spec.id]
        others += [each for each in self._reserved.values() if each.id != spec.id]
        spec = msgspec.structs.replace(spec, link=spec.link or self._link_of(spec))
        self._check_link(spec, others)
        with subnet_turn():
            return msgspec.structs.replace(
                spec, subnets=choose_subnets(spec, self._choice(spec, others, self.config.pools))
            )

    def create(self, spec: NetworkSpec) -> None:
        """Make the network's link and rules; of one that is there, repair them."""
        present = self._networks.get(spec.id)
        if present is not None:
            present.driver.ensure()
            return
        self.check(spec)
        with ExitStack() as undo:
            network = self._open_network(spec)
            undo.callback(network.driver.remove)
            self._firewall.put(_network_owner(spec.id), network_rows(spec))
            self._networks[spec.id] = network
            undo.pop_all()
        if spec.driver == BRIDGE and spec.options.get(BRIDGE_NAME):
            self._join_foreign()

    def remove(self, network_id: str) -> None:
        """Take the network off the host; one that is unknown is fine."""
        network = self._networks.get(network_id)
        if network is None:
            return
        users = [each.name for each in self._live.values() if each.network_id == network_id]
        if users:
            raise Conflict(
                f"error while removing network: network {network.spec.name} id {network_id} has "
                f"active endpoints ({', '.join(sorted(users))})"
            )
        del self._networks[network_id]
        self._firewall.put(_network_owner(network_id), ())
        if not self._is_parent_shared(network.spec):
            network.driver.remove()

    def reserve(self, spec: NetworkSpec) -> None:
        """Keep others off the subnets of a network whose links a plugin makes."""
        self._reserved[spec.id] = spec

    def unreserve(self, network_id: str) -> None:
        """Take back `reserve`; one that is unknown is fine."""
        self._reserved.pop(network_id, None)

    # Endpoints

    def connect(self, network_id: str, netns_fd: int, request: EndpointRequest) -> EndpointState:
        """Give a network namespace its place in the network, and publish its ports."""
        network = self._network(network_id)
        sysctls = sandbox.parse_sysctls(request.options)
        with ExitStack() as undo:
            state = self._planned(network, netns_fd, request, undo)
            if network.publishes:
                bindings = self._ports.allocate(request.ports, self._owner(network, state))
                undo.callback(self._ports.release, bindings)
                state = msgspec.structs.replace(state, bindings=bindings)
            if not network.driver.is_present():
                self.ensure()
            state = network.driver.attach(netns_fd, state, fresh=request.fresh)
            undo.callback(network.driver.detach, state, netns_fd=netns_fd)
            sandbox.write_sysctls(netns_fd, state.link_name, sysctls)
            self._open_ports(state, state.bindings)
            undo.pop_all()
        self._live[state.endpoint_id] = state
        return state

    def disconnect(self, state: EndpointState, *, netns_fd: int | None = None) -> None:
        """Free the endpoint's ports and addresses; one that is not connected is fine."""
        present = self._live.pop(state.endpoint_id, None)
        if present is None:
            return
        self._close_ports(present, present.bindings)
        network = self._networks.get(present.network_id)
        if network is None:
            return
        network.book.release(present)
        if netns_fd is not None:
            network.driver.detach(present, netns_fd=netns_fd)

    def publish(self, state: EndpointState, requests: Sequence[PortRequest]) -> EndpointState:
        """Publish more ports of a connected endpoint; all or none."""
        network = self._network(state.network_id)
        if not network.publishes:
            return state
        bindings = self._ports.allocate(requests, self._owner(network, state))
        published = msgspec.structs.replace(state, bindings=(*state.bindings, *bindings))
        with ExitStack() as undo:
            undo.callback(self._ports.release, bindings)
            self._open_ports(published, bindings)
            undo.pop_all()
        self._live[state.endpoint_id] = published
        return published

    def unpublish(self, state: EndpointState, bindings: Sequence[PortBinding]) -> EndpointState:
        """Close some of an endpoint's ports; those that are not open are fine."""
        gone = [each for each in bindings if each in state.bindings]
        kept = tuple(each for each in state.bindings if each not in gone)
        left = msgspec.structs.replace(state, bindings=kept)
        if state.endpoint_id in self._live:
            self._live[state.endpoint_id] = left
            self._close_ports(left, gone)
        return left

    def set_default_routes(
        self, netns_fd: int, *, v4: EndpointState | None, v6: EndpointState | None
    ) -> None:
        """Lead the sandbox's way out through these endpoints; None takes the family's away."""
        with sandbox.connected(netns_fd) as inside:
            for version, state in ((4, v4), (6, v6)):
                on_link = state is not None and self._is_on_link(state)
                sandbox.lead_out(inside, version, state, on_link=on_link)

    # Taking over and repairing

    def restore(self, specs: Iterable[NetworkSpec], states: Iterable[EndpointState]) -> list[str]:
        """Take over the networks and endpoints of an earlier engine; warnings for people.

        May be called again: it then repairs. Ports that work keep working throughout: the table
        is replaced in one transaction.
        """
        warnings = self._restore_networks(list(specs))
        found = [_of_network(each, self._default_id) for each in states]
        known = [each for each in found if each.network_id in self._networks]
        warnings += [lost_network_warning(each) for each in found if each not in known]
        kept = {state.endpoint_id for state in known}
        for endpoint_id in self._live.keys() - kept:
            self.disconnect(self._live[endpoint_id])
        warnings += self._repair_links(known, sweep=True)
        for state in known:
            warnings += self._take_over(state)
        self._fill_firewall()
        self._firewall.load()
        self._join_foreign()
        return warnings

    def ensure(self) -> list[str]:
        """Put back what somebody removed: table, bridges, links on them; what was done."""
        done: list[str] = []
        for network in self._networks.values():
            with suppress(BuduError):
                done += network.driver.ensure()
        for state in self._live.values():
            network = self._networks[state.network_id]
            if network.driver.reattach(state):
                done.append(f"link {state.host_link} of container {state.name}")
        if not self._firewall.is_whole():
            self._firewall.load()
            done.append(f"nftables table inet {self.config.table}")
        self._firewall.set_sources(hosts.neighbourhood(self._route))
        self._join_foreign()
        return done

    # Looking

    def published(self) -> list[PublishedPort]:
        """Every port that leads into a container, by host port."""
        found = [
            PublishedPort(
                network_id=state.network_id,
                container_id=state.container_id,
                name=state.name,
                address=_target(each, state),
                binding=each,
                relayed=is_relayed(each, state),
            )
            for state in self._live.values()
            for each in state.bindings
        ]
        return sorted(found, key=lambda port: (port.binding.host_port, port.binding.host_address))

    def diagnose(self) -> tuple[Hint, ...]:
        """What on this host keeps containers from their networks, each with its cure.

        Raises: OSError when the kernel cannot be asked.
        """
        bridge = self.default.link
        return tuple(
            Hint("network.forward-dropped", chain=f"{chain.table} {chain.name}", bridge=bridge)
            for chain in self._firewall.dropping_chains()
            if not self._foreign.has_joined(chain)
        )

    # Networks: details

    def _network(self, network_id: str) -> _Network:
        network = self._networks.get(network_id or self._default_id)
        if network is None:
            raise NotFound(f"network {network_id} not found", reference=network_id)
        return network

    def _open_network(self, spec: NetworkSpec) -> _Network:
        """The network with its link made. Raises: as the drivers' `ensure`."""
        alias = self._alias(spec)
        if spec.driver == BRIDGE:
            mtu = bridge_options(spec).mtu or self._mtu
            bridge = BridgeDriver(self._route, spec, mtu=mtu, alias=alias)
            network = _Network(spec, bridge)
        else:
            network = _Network(spec, ParentDriver(self._route, spec, alias=alias))
        is_new = route.find_link(self._route, spec.link) is None
        try:
            network.driver.ensure()
        except BuduError:
            if is_new:
                network.driver.remove()
            raise
        return network

    def _alias(self, spec: NetworkSpec) -> str:
        """Bridges bear their network's name too; a parent may serve several networks."""
        mark = f"{self.config.table} network"
        return f"{mark} {spec.name}"[:200] if spec.driver == BRIDGE else mark

    def _link_of(self, spec: NetworkSpec) -> str:
        if spec.driver != BRIDGE:
            return parent_options(spec).parent or f"dm-{spec.id[:_ID_IN_LINK]}"
        chosen = f"{self.config.bridge_prefix}{spec.id[:_ID_IN_LINK]}"[:_LONGEST_LINK_NAME]
        return spec.options.get(BRIDGE_NAME, "") or chosen

    def _check_link(self, spec: NetworkSpec, others: Iterable[NetworkSpec]) -> None:
        """Two networks share no bridge, and no parent of which one wants all."""
        for other in others:
            if other.link != spec.link:
                continue
            if spec.driver == BRIDGE or other.driver == BRIDGE:
                raise PermissionDenied(
                    f"cannot create network {spec.id} ({spec.link}): conflicts with network "
                    f"{other.id} ({other.link}): networks have same bridge name"
                )
            if spec.driver != other.driver or "passthru" in (
                parent_options(spec).mode,
                parent_options(other).mode,
            ):
                raise PermissionDenied(
                    f"network dm-{other.id[:12]} is already using parent interface {spec.link}"
                )

    def _choice(
        self, spec: NetworkSpec, others: list[NetworkSpec], pools: tuple[str, ...]
    ) -> Choice:
        wants_gateway = spec.driver == BRIDGE or not spec.internal
        if spec.driver == IPVLAN and parent_options(spec).mode != "l2":
            wants_gateway = False
        return Choice(
            taken=hosts.host_networks(self._route),
            others=others,
            pools=pools,
            pools6=(ula_pool(self.config.ula),),
            gateway4=wants_gateway,
            gateway6=wants_gateway,
        )

    def _choose_default(self) -> NetworkSpec:
        """The configured subnets, else those of the bridge as it is, else free ones."""
        spec = self.config.default
        spec = msgspec.structs.replace(spec, link=spec.link or self._link_of(spec))
        existing = existing_subnets(self._route, spec.link)
        subnets = list(spec.subnets)
        given = {6 if ":" in each.subnet else 4 for each in subnets if each.subnet}
        subnets += [each for version, each in existing.items() if version not in given]
        options = dict(spec.options)
        options.setdefault(MTU, str(self._mtu))
        spec = msgspec.structs.replace(spec, subnets=tuple(subnets), options=options)
        pools = (*self.config.default_pools, *self.config.pools)
        chosen = choose_subnets(spec, self._choice(spec, [], pools))
        return msgspec.structs.replace(spec, subnets=chosen)

    def _is_parent_shared(self, spec: NetworkSpec) -> bool:
        return any(each.spec.link == spec.link for each in self._networks.values())

    def _skeleton(self) -> Skeleton:
        """With the guards of an earlier start: who made the host a router is seen only once."""
        table = Firewall(self._netfilter, Skeleton(table=self.config.table))
        exists = table.exists()
        guarded = []
        for version, chain in GUARD_CHAINS.items():
            was_guarded = exists and table.has_chain(chain)
            if was_guarded or (self.config.guard_forwarding and not hosts.forwards(version)):
                guarded.append(version)
        return Skeleton(
            table=self.config.table,
            sources=hosts.neighbourhood(self._route),
            guarded=tuple(guarded),
        )

    # Endpoints: details

    def _planned(
        self, network: _Network, netns_fd: int, request: EndpointRequest, undo: ExitStack
    ) -> EndpointState:
        """The endpoint as it shall be, with its addresses taken."""
        v4 = network.book.take(4, request.address, undo)
        v6 = network.book.take(6, request.address6, undo)
        mac = _check_mac(request.mac) if request.mac else ""
        has_host_link = network.spec.driver == BRIDGE
        random = os.urandom(_HOST_LINK_BYTES).hex()
        internal = network.spec.internal
        return EndpointState(
            endpoint_id=new_id(),
            container_id=request.container_id,
            name=request.name,
            address=v4.address,
            prefix_length=v4.prefix_length,
            gateway="" if internal else v4.gateway,
            mac=mac or mac_of(ip_address(v4.address or v6.address)),
            host_link=self.config.link_prefix + random if has_host_link else "",
            link_name=self._link_name(network, netns_fd, request),
            mtu=network.driver.mtu,
            exposed=request.exposed,
            network_id=network.spec.id,
            driver=network.spec.driver,
            address6=v6.address,
            prefix_length6=v6.prefix_length,
            gateway6="" if internal else v6.gateway,
            default_route=request.default_route,
            default_route6=request.default_route6,
            link_index=request.link_index,
            link_local=tuple(map(_check_link_local, request.link_local)),
            options=request.options,
        )

    def _link_name(self, network: _Network, netns_fd: int, request: EndpointRequest) -> str:
        name = request.options.get(ENDPOINT_IFNAME, "") or request.link_name
        if name:
            return name
        prefix = iface_prefix(network.spec)
        if request.fresh:
            return f"{prefix}0"
        with sandbox.connected(netns_fd) as inside:
            return sandbox.free_name(inside, prefix)

    def _owner(self, network: _Network, state: EndpointState) -> Owner:
        given = (self.config.host_address,) if self.config.host_address else ()
        return Owner(
            name=state.name,
            endpoint_id=state.endpoint_id,
            address=state.address,
            address6=state.address6,
            mode4=network.port_rules.mode4,
            mode6=network.port_rules.mode6,
            hosts=network.hosts or given or (ANY_ADDRESS, ANY_ADDRESS6),
            reach=self.config.reach,
            relay=self.config.relay,
        )

    def _open_ports(self, state: EndpointState, bindings: Sequence[PortBinding]) -> None:
        """Make the firewall lead all of the state's ports in; `bindings` are the new ones."""
        rules = self._networks[state.network_id].port_rules
        self._firewall.put(state.endpoint_id, endpoint_rows(state, rules))
        self._forget_flows(bindings)
        self._relay_ports(state, bindings)

    def _close_ports(self, state: EndpointState, bindings: Sequence[PortBinding]) -> None:
        """Stop leading these ports in; the state says which others stay."""
        network = self._networks.get(state.network_id)
        kept = state if state.endpoint_id in self._live else None
        rows = endpoint_rows(kept, network.port_rules) if kept and network else []
        self._firewall.put(state.endpoint_id, rows)
        for each in bindings:
            self._relay.stop(each)
        self._ports.release(bindings)
        self._forget_flows(bindings)

    def _relay_ports(self, state: EndpointState, bindings: Iterable[PortBinding]) -> None:
        for each in bindings:
            held = self._ports.socket_of(each) if is_relayed(each, state) else None
            if held is not None:
                self._relay.start(each, held, target=_target(each, state))

    def _forget_flows(self, bindings: Iterable[PortBinding]) -> None:
        """Make udp clients' next packet see the new rules, not the old way it went."""
        ports = {each.host_port for each in bindings if each.protocol == UDP and each.host_port}
        if ports:
            here = {
                found.address
                for family in (route.AF_INET, route.AF_INET6)
                for found in route.addresses(self._route, family=family)
            }
            conntrack.delete_udp_flows(self._netfilter, ports, addresses=here)

    def _is_on_link(self, state: EndpointState) -> bool:
        network = self._networks.get(state.network_id)
        return network is not None and network.driver.on_link

    # Repairs: details

    def _restore_networks(self, specs: list[NetworkSpec]) -> list[str]:
        warnings = []
        for network in self._networks.values():
            network.driver.ensure()
        for spec in specs:
            if spec.id in self._networks:
                continue
            try:
                self._networks[spec.id] = self._open_network(spec)
            except BuduError as error:
                warnings.append(f"network {spec.name} could not be made: {error.message}")
        return warnings

    def _repair_links(self, states: list[EndpointState], *, sweep: bool) -> list[str]:
        links = {each.spec.id: each.spec.link for each in self._networks.values()}
        repairs = plan_repairs(states, self._facts(), networks=links)
        for state in repairs.attach:
            self._networks[state.network_id].driver.reattach(state)
        for link in repairs.remove if sweep else ():
            self._remove_link(link)
        return [lost_link_warning(state) for state in repairs.lost]

    def _take_over(self, state: EndpointState) -> list[str]:
        network = self._networks[state.network_id]
        self._live[state.endpoint_id] = state
        network.book.take_again(state)
        lost = self._ports.restore(state.bindings, self._owner(network, state))
        self._relay_ports(state, state.bindings)
        return [lost_port_warning(state, binding) for binding in lost]

    def _fill_firewall(self) -> None:
        self._firewall.forget_all()
        for network in self._networks.values():
            self._firewall.remember(_network_owner(network.spec.id), network_rows(network.spec))
        for state in self._live.values():
            rules = self._networks[state.network_id].port_rules
            self._firewall.remember(state.endpoint_id, endpoint_rows(state, rules))

    def _join_foreign(self) -> None:
        if not self.config.join_foreign:
            return
        pattern = f"{self.config.bridge_prefix}*"
        links = [each.spec.link for each in self._networks.values() if each.spec.driver == BRIDGE]
        named = sorted(link for link in links if not link.startswith(pattern[:-1]))
        try:
            self._foreign.join(self._firewall.dropping_chains(), [pattern, *named])
        except BuduError as error:
            log.warning("other firewalls may keep containers from the network: %s", error.message)

    def _facts(self) -> Facts:
        found = route.links(self._route)
        bridges = {each.spec.link for each in self._networks.values()}
        masters = {link.index for link in found if link.name in bridges}
        mark = f"{self.config.table} network"
        ours = [link for link in found if link.name.startswith(self.config.link_prefix)]
        return Facts(
            links=tuple(link.name for link in ours),
            attached=tuple(link.name for link in ours if link.master in masters),
            marked=tuple(
                link.name
                for link in found
                if link.alias == mark or link.alias.startswith(f"{mark} ")
            ),
        )

    def _remove_link(self, name: str) -> None:
        with suppress(OSError):
            self._route.execute(route.delete_link(name))

    def _is_ours(self, link: str) -> bool:
        """Whether a link that was removed or changed is one that must be there."""
        return any(each.spec.link == link for each in self._networks.values()) or any(
            each.host_link == link for each in self._live.values()
        )


def _open(protocol: int, undo: ExitStack) -> Connection:
    try:
        connection = Connection(protocol)
    except OSError as error:
        raise Unavailable(f"netlink is not available: {error.strerror}") from error
    undo.callback(connection.close)
    return connection


def _network_owner(network_id: str) -> str:
    return f"network {network_id}"


def _of_network(state: EndpointState, default_id: str) -> EndpointState:
    if state.network_id:
        return state
    return msgspec.structs.replace(state, network_id=default_id)


def _target(binding: PortBinding, state: EndpointState) -> str:
    """The container's address that a port leads to."""
    is_v6 = ":" in binding.host_address
    return state.address6 if is_v6 and state.address6 else state.address


def _check_mac(text: str) -> str:
    octets = text.replace("-", ":").lower().split(":")
    valid = len(octets) == 6 and all(
        len(octet) == 2 and set(octet) <= set("0123456789abcdef") for octet in octets
    )
    if not valid:
        raise InvalidArgument(f"invalid MAC address: {text}")
    return ":".join(octets)


def _check_link_local(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        raise InvalidArgument(f"invalid link-local IP address: {text}") from None
    if not address.is_link_local:
        raise InvalidArgument(f"invalid link-local IP address: {text}")
    return str(address)
