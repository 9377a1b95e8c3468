"""The networks that are there: made, chosen, found, and looked at on the host.

What a network needs is `links`, `subnets` and the drivers' matter; here they are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from budu.base.errors import BuduError, NotFound
from budu.linux.netlink import route
from budu.linux.netlink.wire import Connection
from budu.network import hosts
from budu.network.book import AddressBook
from budu.network.bridge import BridgeDriver, existing_subnets
from budu.network.contract import BRIDGE, FabricConfig, NetworkSpec
from budu.network.ipam import ula_pool
from budu.network.links import alias_of, check_link, has_gateway, is_marked, link_of
from budu.network.options import MTU, bridge_options
from budu.network.parent import ParentDriver
from budu.network.reconcile import Facts
from budu.network.rules import PortRules, port_rules
from budu.network.subnets import Choice, choose_subnets
from budu.network.turn import subnet_turn


class Network:
    """A network that is there: its spec, its driver and its addresses."""

    def __init__(
        self, spec: NetworkSpec, driver: BridgeDriver | ParentDriver, *, direct: bool
    ) -> None:
        self.spec = spec
        self.driver = driver
        self.book = AddressBook(spec)
        self.port_rules = PortRules()
        self.hosts: tuple[str, ...] = ()
        if isinstance(driver, BridgeDriver):
            self.port_rules = port_rules(driver.options, direct=direct)
            self.hosts = tuple(
                filter(None, (driver.options.host_binding4, driver.options.host_binding6))
            )

    @property
    def publishes(self) -> bool:
        """Whether ports of its containers can be published."""
        return self.spec.driver == BRIDGE and not self.spec.internal


class Inventory:
    """The networks of one engine, by id. `connection` is rtnetlink's, and stays the caller's."""

    def __init__(
        self, config: FabricConfig, connection: Connection, *, before_making: Callable[[str], None]
    ) -> None:
        """`before_making` is told the name of a link that is about to be made."""
        self._config = config
        self._connection = connection
        self._before_making = before_making
        self._mtu = config.mtu or hosts.host_mtu(connection)
        self._networks: dict[str, Network] = {}
        self._reserved: dict[str, NetworkSpec] = {}

    def __iter__(self) -> Iterator[Network]:
        return iter(list(self._networks.values()))

    def find(self, network_id: str) -> Network | None:
        """The network with this id, or None."""
        return self._networks.get(network_id)

    def get(self, network_id: str) -> Network:
        """As `find`; an empty id is the default network's. Raises: NotFound."""
        network = self.find(network_id or self._config.default.id)
        if network is None:
            raise NotFound(f"network {network_id} not found", reference=network_id)
        return network

    def add(self, network: Network) -> None:
        """Count it among those that are there."""
        self._networks[network.spec.id] = network

    def drop(self, network_id: str) -> None:
        """The opposite of `add`; one that is unknown is fine."""
        self._networks.pop(network_id, None)

    def reserve(self, spec: NetworkSpec) -> None:
        """Keep others off the subnets of a network whose links a plugin makes."""
        self._reserved[spec.id] = spec

    def unreserve(self, network_id: str) -> None:
        """Take back `reserve`; one that is unknown is fine."""
        self._reserved.pop(network_id, None)

    def choose(self, spec: NetworkSpec) -> NetworkSpec:
        """Fill in subnets, gateways and the link's name of a spec that was checked."""
        others = [each.spec for each in self if each.spec.id != spec.id]
        others += [each for each in self._reserved.values() if each.id != spec.id]
        spec = self._with_link(spec)
        check_link(spec, others)
        with subnet_turn():
            choice = self._choice(spec, others, self._config.pools)
            return msgspec.structs.replace(spec, subnets=choose_subnets(spec, choice))

    def choose_default(self) -> NetworkSpec:
        """The configured subnets, else those of the bridge as it is, else free ones."""
        spec = self._with_link(self._config.default)
        existing = existing_subnets(self._connection, spec.link)
        subnets = list(spec.subnets)
        given = {6 if ":" in each.subnet else 4 for each in subnets if each.subnet}
        subnets += [each for version, each in existing.items() if version not in given]
        options = {MTU: str(self._mtu), **spec.options}
        spec = msgspec.structs.replace(spec, subnets=tuple(subnets), options=options)
        pools = (*self._config.default_pools, *self._config.pools)
        chosen = choose_subnets(spec, self._choice(spec, [], pools))
        return msgspec.structs.replace(spec, subnets=chosen)

    def open(self, spec: NetworkSpec) -> Network:
        """The network with its link made, not yet counted. Raises: as the drivers' `ensure`."""
        self._before_making(spec.link)
        network = Network(spec, self._driver(spec), direct=self._config.direct_routing)
        is_new = route.find_link(self._connection, spec.link) is None
        try:
            network.driver.ensure()
        except BuduError:
            if is_new:
                network.driver.remove()
            raise
        return network

    def is_link_used(self, link: str) -> bool:
        """Whether a network lives on the link."""
        return any(each.spec.link == link for each in self)

    def facts(self) -> Facts:
        """What is found of ours on the host."""
        found = route.links(self._connection)
        bridges = {each.spec.link for each in self}
        masters = {link.index for link in found if link.name in bridges}
        ours = [link for link in found if link.name.startswith(self._config.link_prefix)]
        table = self._config.table
        return Facts(
            links=tuple(link.name for link in ours),
            attached=tuple(link.name for link in ours if link.master in masters),
            marked=tuple(link.name for link in found if is_marked(link.alias, table=table)),
        )

    def _with_link(self, spec: NetworkSpec) -> NetworkSpec:
        link = spec.link or link_of(spec, bridge_prefix=self._config.bridge_prefix)
        return msgspec.structs.replace(spec, link=link)

    def _driver(self, spec: NetworkSpec) -> BridgeDriver | ParentDriver:
        alias = alias_of(spec, table=self._config.table)
        if spec.driver != BRIDGE:
            return ParentDriver(self._connection, spec, alias=alias)
        mtu = bridge_options(spec).mtu or self._mtu
        return BridgeDriver(
            self._connection,
            spec,
            mtu=mtu,
            alias=alias,
            make_router=self._config.make_router,
            lead_localhost=4 in self._config.families,
        )

    def _choice(
        self, spec: NetworkSpec, others: list[NetworkSpec], pools: tuple[str, ...]
    ) -> Choice:
        wants_gateway = has_gateway(spec)
        return Choice(
            taken=hosts.host_networks(self._connection),
            others=others,
            pools=pools,
            pools6=(ula_pool(self._config.ula),),
            gateway4=wants_gateway,
            gateway6=wants_gateway,
        )
