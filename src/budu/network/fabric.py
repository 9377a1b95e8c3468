"""All networks of one engine in the kernel: addresses, links, ports and firewall put together.

Every step of `connect` has an undo, run in reverse order when a later one fails. The contract is
in `contract`; the rooms are `inventory` (which networks there are), `endpoint_plan`, `publishing`
(ports), `firewall` with `rules`, `reconcile`, `remover` and `watch`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import msgspec

from budu.base.errors import BuduError, Conflict, Hint, NotFound, Unavailable
from budu.base.ids import new_id
from budu.linux.netlink import route
from budu.linux.netlink.wire import NETLINK_NETFILTER, NETLINK_ROUTE, Connection
from budu.network import hosts, sandbox
from budu.network.contract import (
    BRIDGE,
    DRIVERS,
    EndpointRequest,
    EndpointState,
    FabricConfig,
    NetworkSpec,
    PortBinding,
    PortRequest,
    PublishedPort,
)
from budu.network.endpoint_plan import Chosen, plan_endpoint, with_network
from budu.network.firewall import Firewall
from budu.network.foreign import ForeignChains
from budu.network.inventory import Inventory, Network
from budu.network.legacy import LegacyChains
from budu.network.links import names_to_let_through
from budu.network.options import (
    BRIDGE_NAME,
    ENDPOINT_IFNAME,
    bridge_options,
    iface_prefix,
    parent_options,
)
from budu.network.publishing import Publisher, published_ports
from budu.network.reconcile import (
    lost_link_warning,
    lost_network_warning,
    lost_port_warning,
    plan_repairs,
)
from budu.network.remover import LinkRemover
from budu.network.rules import endpoint_rows, network_rows
from budu.network.ruleset import GUARD_CHAINS, Skeleton
from budu.network.subnets import check_subnets
from budu.network.turn import subnet_turn
from budu.network.watch import Watch

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

log = logging.getLogger(__name__)

_HOST_LINK_BYTES = 4


class NetworkFabric:
    """Implements `contract.Fabric`."""

    def __init__(self, config: FabricConfig) -> None:
        self.config = config
        self._resources = ExitStack()
        self._live: dict[str, EndpointState] = {}
        self._foreign = ForeignChains(config.table)
        self._legacy = LegacyChains(config.table, config.families)
        self._watch: Watch | None = None
        self._default_id = config.default.id
        self._route: Connection
        self._netfilter: Connection
        self._networks: Inventory
        self._firewall: Firewall
        self._ports: Publisher
        self._remover: LinkRemover

    @property
    def default(self) -> NetworkSpec:
        """The default bridge network with everything chosen; known after `start`."""
        return self.spec(self._default_id)

    def spec(self, network_id: str) -> NetworkSpec:
        """A network as it was chosen. Raises: NotFound."""
        return self._networks.get(network_id).spec

    def mtu(self, network_id: str) -> int:
        """The largest packet of a network in bytes, 0 where the parent's counts."""
        return self._networks.get(network_id).driver.mtu

    # The life of the fabric

    def start(self) -> None:
        """Make the default bridge, and the table when there is none.

        A table that an earlier engine left stays, so that its ports work until `restore`.
        """
        with ExitStack() as undo:
            self._open_kernel(undo)
            with subnet_turn():
                network = self._networks.open(self._networks.choose_default())
            self._networks.add(network)
            self._firewall.remember(_network_owner(self._default_id), network_rows(network.spec))
            if not self._firewall.exists():
                self._firewall.load()
            self._join_foreign()
            self._resources = undo.pop_all()

    def _open_kernel(self, undo: ExitStack) -> None:
        self._route = _open(NETLINK_ROUTE, undo)
        self._netfilter = _open(NETLINK_NETFILTER, undo)
        self._netfilter.allow_large_batches()
        self._remover = LinkRemover()
        undo.callback(self._remover.close)
        self._networks = Inventory(self.config, self._route, before_making=self._remover.wait)
        self._firewall = Firewall(self._netfilter, self._skeleton())
        self._ports = Publisher(
            self.config, self._firewall, links=self._route, flows=self._netfilter
        )
        undo.callback(self._ports.close)

    def serve(self, loop: AbstractEventLoop, *, report: Callable[[str], None]) -> None:
        """Watch for others' changes and pass on relayed ports, until `close`."""
        self._ports.serve(loop)
        for state in self._live.values():
            self._ports.relay(state, state.bindings)
        own = {self._route.port, self._netfilter.port, self._remover.port}
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
        for link in self._networks.facts().attached:
            self._remove_link(link)
        self._foreign.leave(self._firewall.dropping_chains())
        self._legacy.leave()
        self._firewall.remove()
        for network in self._networks:
            network.driver.remove()
            self._networks.drop(network.spec.id)
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
        return self._networks.choose(spec)

    def create(self, spec: NetworkSpec) -> None:
        """Make the network's link and rules; of one that is there, repair them."""
        present = self._networks.find(spec.id)
        if present is not None:
            present.driver.ensure()
            return
        self.check(spec)
        with ExitStack() as undo:
            network = self._networks.open(spec)
            undo.callback(network.driver.remove)
            self._firewall.put(_network_owner(spec.id), network_rows(spec))
            self._networks.add(network)
            undo.pop_all()
        if spec.driver == BRIDGE and spec.options.get(BRIDGE_NAME):
            self._join_foreign()

    def remove(self, network_id: str) -> None:
        """Take the network off the host; one that is unknown is fine.

        Its link may be there until `settled`.
        """
        network = self._networks.find(network_id)
        if network is None:
            return
        users = [each.name for each in self._live.values() if each.network_id == network_id]
        if users:
            raise Conflict(
                f"error while removing network: network {network.spec.name} id {network_id} has "
                f"active endpoints ({', '.join(sorted(users))})"
            )
        self._networks.drop(network_id)
        self._firewall.put(_network_owner(network_id), ())
        if not self._networks.is_link_used(network.spec.link) and network.driver.is_removable():
            self._remover.remove(network.spec.link)

    async def settled(self) -> None:
        """Wait until the links of removed networks are gone."""
        await self._remover.settled()

    def reserve(self, spec: NetworkSpec) -> None:
        """Keep others off the subnets of a network whose links a plugin makes."""
        self._networks.reserve(spec)

    def unreserve(self, network_id: str) -> None:
        """Take back `reserve`; one that is unknown is fine."""
        self._networks.unreserve(network_id)

    # Endpoints

    def connect(self, network_id: str, netns_fd: int, request: EndpointRequest) -> EndpointState:
        """Give a network namespace its place in the network, and publish its ports."""
        network = self._networks.get(network_id)
        sysctls = sandbox.parse_sysctls(request.options)
        with ExitStack() as undo:
            state = self._planned(network, netns_fd, request, undo)
            if network.publishes:
                bindings = self._ports.allocate(network, state, request.ports)
                undo.callback(self._ports.release, bindings)
                state = msgspec.structs.replace(state, bindings=bindings)
            if not network.driver.is_present():
                self.ensure()
            state = network.driver.attach(netns_fd, state, fresh=request.fresh)
            undo.callback(network.driver.detach, state, netns_fd=netns_fd)
            sandbox.write_sysctls(netns_fd, state.link_name, sysctls)
            self._ports.open(state, network.port_rules, state.bindings)
            undo.pop_all()
        self._live[state.endpoint_id] = state
        return state

    def disconnect(self, state: EndpointState, *, netns_fd: int | None = None) -> None:
        """Free the endpoint's ports and addresses; one that is not connected is fine."""
        present = self._live.pop(state.endpoint_id, None)
        if present is None:
            return
        self._ports.close_ports(present, present.bindings)
        network = self._networks.find(present.network_id)
        if network is None:
            return
        network.book.release(present)
        if netns_fd is not None:
            network.driver.detach(present, netns_fd=netns_fd)

    def publish(self, state: EndpointState, requests: Sequence[PortRequest]) -> EndpointState:
        """Publish more ports of a connected endpoint; all or none."""
        network = self._networks.get(state.network_id)
        if not network.publishes:
            return state
        bindings = self._ports.allocate(network, state, requests)
        published = msgspec.structs.replace(state, bindings=(*state.bindings, *bindings))
        with ExitStack() as undo:
            undo.callback(self._ports.release, bindings)
            self._ports.open(published, network.port_rules, bindings)
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
            rules = self._networks.get(state.network_id).port_rules
            self._ports.close_ports(left, gone, kept=rules)
        return left

    def set_default_routes(
        self, netns_fd: int, *, v4: EndpointState | None, v6: EndpointState | None
    ) -> None:
        """Lead the sandbox's way out through these endpoints; None takes the family's away."""
        with sandbox.connected(netns_fd) as inside:
            for version, state in ((4, v4), (6, v6)):
                on_link = state is not None and self._is_on_link(state)
                sandbox.lead_out(inside, version, state, on_link=on_link)

    def _is_on_link(self, state: EndpointState) -> bool:
        network = self._networks.find(state.network_id)
        return network is not None and network.driver.on_link

    def _planned(
        self, network: Network, netns_fd: int, request: EndpointRequest, undo: ExitStack
    ) -> EndpointState:
        """The endpoint as it shall be, with its addresses taken."""
        chosen = Chosen(
            endpoint_id=new_id(),
            v4=network.book.take(4, request.address, undo),
            v6=network.book.take(6, request.address6, undo),
            mtu=network.driver.mtu,
            host_link=self.config.link_prefix + os.urandom(_HOST_LINK_BYTES).hex(),
            link_name=_link_name(network.spec, netns_fd, request),
        )
        return plan_endpoint(network.spec, request, chosen)

    # Taking over and repairing

    def restore(self, specs: Iterable[NetworkSpec], states: Iterable[EndpointState]) -> list[str]:
        """Take over the networks and endpoints of an earlier engine; warnings for people.

        May be called again: it then repairs. Ports that work keep working throughout: the table
        is replaced in one transaction.
        """
        warnings = self._restore_networks(list(specs))
        found = [with_network(each, self._default_id) for each in states]
        known = [each for each in found if self._networks.find(each.network_id)]
        warnings += [lost_network_warning(each) for each in found if each not in known]
        kept = {state.endpoint_id for state in known}
        for endpoint_id in self._live.keys() - kept:
            self.disconnect(self._live[endpoint_id])
        warnings += self._repair_links(known)
        for state in known:
            warnings += self._take_over(state)
        self._fill_firewall()
        self._firewall.load()
        self._join_foreign()
        return warnings

    def ensure(self) -> list[str]:
        """Put back what somebody removed: table, bridges, links on them; what was done."""
        done: list[str] = []
        for network in self._networks:
            with suppress(BuduError):
                done += network.driver.ensure()
        for state in self._live.values():
            if self._networks.get(state.network_id).driver.reattach(state):
                done.append(f"link {state.host_link} of container {state.name}")
        if not self._firewall.is_whole():
            self._firewall.load()
            done.append(f"nftables table inet {self.config.table}")
        self._firewall.set_sources(hosts.neighbourhood(self._route))
        self._join_foreign()
        return done

    def _restore_networks(self, specs: list[NetworkSpec]) -> list[str]:
        warnings = []
        for network in self._networks:
            network.driver.ensure()
        for spec in specs:
            if self._networks.find(spec.id):
                continue
            try:
                self._networks.add(self._networks.open(spec))
            except BuduError as error:
                warnings.append(f"network {spec.name} could not be made: {error.message}")
        return warnings

    def _repair_links(self, states: list[EndpointState]) -> list[str]:
        links = {each.spec.id: each.spec.link for each in self._networks}
        repairs = plan_repairs(states, self._networks.facts(), networks=links)
        for state in repairs.attach:
            self._networks.get(state.network_id).driver.reattach(state)
        for link in repairs.remove:
            self._remove_link(link)
        return [lost_link_warning(state) for state in repairs.lost]

    def _take_over(self, state: EndpointState) -> list[str]:
        network = self._networks.get(state.network_id)
        self._live[state.endpoint_id] = state
        network.book.take_again(state)
        lost = self._ports.take_over(network, state)
        return [lost_port_warning(state, binding) for binding in lost]

    def _fill_firewall(self) -> None:
        self._firewall.forget_all()
        for network in self._networks:
            self._firewall.remember(_network_owner(network.spec.id), network_rows(network.spec))
        for state in self._live.values():
            rules = self._networks.get(state.network_id).port_rules
            self._firewall.remember(state.endpoint_id, endpoint_rows(state, rules))

    def _join_foreign(self) -> None:
        if not self.config.join_foreign:
            return
        names = names_to_let_through(self.config, [each.spec for each in self._networks])
        try:
            self._foreign.join(self._firewall.dropping_chains(), names)
            self._legacy.join(names)
        except BuduError as error:
            log.warning("other firewalls may keep containers from the network: %s", error.message)

    def _skeleton(self) -> Skeleton:
        """With the guards of an earlier start: who made the host a router is seen only once."""
        table = Firewall(self._netfilter, Skeleton(table=self.config.table))
        exists = table.exists()
        guarded = []
        wants_guard = self.config.guard_forwarding and self.config.make_router
        for version in self.config.families:
            was_guarded = exists and table.has_chain(GUARD_CHAINS[version])
            if was_guarded or (wants_guard and not hosts.forwards(version)):
                guarded.append(version)
        return Skeleton(
            table=self.config.table,
            sources=hosts.neighbourhood(self._route),
            guarded=tuple(guarded),
            families=self.config.families,
        )

    def _remove_link(self, name: str) -> None:
        with suppress(OSError):
            self._route.execute(route.delete_link(name))

    def _is_ours(self, link: str) -> bool:
        """Whether a link that was removed or changed is one that must be there."""
        return self._networks.is_link_used(link) or any(
            each.host_link == link for each in self._live.values()
        )

    # Looking

    def published(self) -> list[PublishedPort]:
        """Every port that leads into a container, by host port."""
        return published_ports(self._live.values(), families=self.config.families)

    def diagnose(self) -> tuple[Hint, ...]:
        """What on this host keeps containers from their networks, each with its cure.

        Raises: OSError when the kernel cannot be asked.
        """
        bridge = self.default.link
        closed = [
            f"{chain.table} {chain.name}"
            for chain in self._firewall.dropping_chains()
            if not self._foreign.has_joined(chain)
        ]
        closed += [f"{program} FORWARD" for program in self._legacy.closed()]
        found = [Hint("network.forward-dropped", chain=each, bridge=bridge) for each in closed]
        tracked = hosts.conntrack()
        if tracked.is_full:
            double = tracked.limit * 2
            found.append(
                Hint(
                    "network.conntrack-full",
                    count=tracked.count,
                    limit=tracked.limit,
                    double=double,
                )
            )
        return tuple(found)


def _link_name(spec: NetworkSpec, netns_fd: int, request: EndpointRequest) -> str:
    name = request.options.get(ENDPOINT_IFNAME, "") or request.link_name
    if name:
        return name
    prefix = iface_prefix(spec)
    if request.fresh:
        return f"{prefix}0"
    with sandbox.connected(netns_fd) as inside:
        return sandbox.free_name(inside, prefix)


def _open(protocol: int, undo: ExitStack) -> Connection:
    try:
        connection = Connection(protocol)
    except OSError as error:
        raise Unavailable(f"netlink is not available: {error.strerror}") from error
    undo.callback(connection.close)
    return connection


def _network_owner(network_id: str) -> str:
    return f"network {network_id}"
