"""Networks of which plugins make the links, or choose the addresses.

    create:  pools, gateway ─▶ CreateNetwork          remove:  DeleteNetwork ─▶ pools
    start:   addresses ─▶ CreateEndpoint ─▶ Join ─▶ the link into the sandbox
    end:     Leave ─▶ DeleteEndpoint ─▶ addresses     (behind the container's back)

Each step is undone when a later one fails. A plugin may take its time: one lock a network keeps
its calls in order, and a container's end never waits for them. What could not be told is a debt
(`debts`) and told at the next start.
Source: moby 28.3, libnetwork/endpoint.go and libnetwork/network.go for the order.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import AsyncExitStack, ExitStack
from ipaddress import ip_address, ip_network

import msgspec

from budu.base import faults
from budu.base.errors import BuduError, Internal
from budu.base.ids import new_id
from budu.engine.database import Database
from budu.engine.locks import Locks
from budu.engine.networks.debts import Debt, Debts
from budu.engine.networks.model import LOCAL, NetworkRecord
from budu.engine.networks.remote_values import (
    PluginAddress,
    endpoint_state,
    exposed_port,
    mapped_port,
    wishes,
)
from budu.network import sandbox
from budu.network.book import AddressBook
from budu.network.contract import (
    MACVLAN,
    EndpointRequest,
    EndpointState,
    Fabric,
    NetworkSpec,
    Subnet,
)
from budu.network.remote import (
    EXPOSED_PORTS,
    PORT_MAP,
    PlacedLink,
    RemoteDriver,
    own_address,
    read_port_map,
)
from budu.network.remote_ipam import RemoteIpam
from budu.network.remote_link import move_in, move_out
from budu.plugin.registry import IPAM_DRIVER, NETWORK_DRIVER, Plugins

log = logging.getLogger(__name__)


class RemoteNetworks:
    """Speaks to the plugins of networks."""

    def __init__(self, plugins: Plugins, fabric: Fabric, database: Database) -> None:
        self._plugins = plugins
        self._fabric = fabric
        self._debts = Debts(database)
        self._ends: set[asyncio.Task[None]] = set()
        self._locks = Locks()
        self._books: dict[str, AddressBook] = {}
        self._met: dict[str, str] = {}

    # Networks

    async def prepare(self, record: NetworkRecord) -> NetworkRecord:
        """Ask for pools and gateways; the record with everything chosen.

        Raises: NotFound for a plugin that is not there; what the plugins refuse.
        """
        spec = record.spec
        skips = (False, False)
        if record.is_remote:
            driver = await self._driver(spec.driver)
            scope = (await driver.capabilities()).scope
            skips = await driver.skips_gateway(spec.options)
            record = msgspec.structs.replace(record, scope=scope)
        self._debts.put(self._network_debt(record, ()))
        try:
            if record.has_remote_ipam:
                record = await self._with_pools(record, skips)
            return msgspec.structs.replace(record, spec=self._chosen(record))
        except BaseException:
            await self._try_to_settle(record.id)
            raise

    def _network_debt(self, record: NetworkRecord, pools: tuple[str, ...]) -> Debt:
        return Debt(
            network_id=record.id,
            driver=record.spec.driver if record.is_remote else "",
            ipam=record.ipam_driver if record.has_remote_ipam else "",
            pools=pools,
        )

    def _chosen(self, record: NetworkRecord) -> NetworkSpec:
        """What is left to choose is the fabric's, also where the link is not."""
        if not record.is_remote:
            return self._fabric.choose(record.spec)
        likeness = msgspec.structs.replace(record.spec, driver=MACVLAN, options={})
        return msgspec.structs.replace(
            record.spec, subnets=self._fabric.choose(likeness).subnets, link=""
        )

    async def _with_pools(self, record: NetworkRecord, skips: tuple[bool, bool]) -> NetworkRecord:
        ipam = await self._ipam(record.ipam_driver)
        subnets: list[Subnet] = []
        pools: list[str] = []
        for version, skip in zip((4, 6), skips, strict=True):
            for wish in wishes(record.spec, version):
                pool = await ipam.request_pool(
                    wish.subnet, wish.ip_range, record.ipam_options or {}, version=version
                )
                pools.append(pool.id)
                self._debts.put(self._network_debt(record, tuple(pools)))
                gateway = wish.gateway or pool.gateway.partition("/")[0]
                if not skip and not (pool.gateway and not wish.gateway):
                    gateway = await ipam.request_gateway(pool.id, gateway)
                for address in wish.auxiliary.values():
                    await ipam.request_address(pool.id, address)
                subnets.append(msgspec.structs.replace(wish, subnet=pool.subnet, gateway=gateway))
        spec = msgspec.structs.replace(record.spec, subnets=tuple(subnets))
        return msgspec.structs.replace(record, spec=spec, pools=tuple(pools))

    async def announce(self, record: NetworkRecord) -> None:
        """Have the driver's plugin make the network. Raises: what it refuses."""
        faults.at("plugin.pools-requested")
        if record.is_remote:
            driver = await self._driver(record.spec.driver)
            if record.scope != LOCAL:
                await self._meet(record.spec.driver, driver)
            await driver.create_network(record.spec)
            self._fabric.reserve(record.spec)
        faults.at("plugin.network-told")

    async def _meet(self, name: str, driver: RemoteDriver) -> None:
        """Tell a driver whose networks span machines which address this one has, once."""
        address = own_address()
        if address and self._met.get(name) != address:
            if name in self._met:
                await driver.part(self._met[name])
            await driver.meet(address)
            self._met[name] = address

    async def withdraw(self, record: NetworkRecord) -> None:
        """Take back what a creation did that failed later; what cannot be told is told later."""
        self._fabric.unreserve(record.id)
        await self._try_to_settle(record.id)

    async def remove(self, record: NetworkRecord) -> None:
        """Have the plugins forget a network. Raises: what the driver's plugin refuses."""
        async with self._locks.holding(record.id):
            await self._settle(self._debts.get(record.id) or self._network_debt(record, ()))
        self._fabric.unreserve(record.id)
        self._books.pop(record.id, None)

    # Endpoints

    async def connect(
        self, record: NetworkRecord, netns: int, request: EndpointRequest
    ) -> EndpointState:
        """Give a sandbox its place. Raises: what the plugins refuse; nothing is left then."""
        async with self._locks.holding(record.id):
            if record.is_remote:
                return await self._connect_remote(record, netns, request)
            return await self._connect_local(record, netns, request)

    async def _connect_local(
        self, record: NetworkRecord, netns: int, request: EndpointRequest
    ) -> EndpointState:
        """In a network of this engine's own, with addresses of a plugin."""
        async with AsyncExitStack() as undo:
            draft = Debt(network_id=record.id, endpoint_id=new_id(), ipam=record.ipam_driver)
            undo.push_async_callback(self._try_to_settle, draft.id)
            v4, v6 = await self._addresses(record, request, draft)
            request = msgspec.structs.replace(request, address=v4.bare, address6=v6.bare)
            state = self._fabric.connect(record.id, netns, request)
            debt = self._debts.get(draft.id) or draft
            named = msgspec.structs.replace(debt, endpoint_id=state.endpoint_id)
            self._debts.settle_as(draft.id, named)
            undo.pop_all()
        return state

    async def _connect_remote(
        self, record: NetworkRecord, netns: int, request: EndpointRequest
    ) -> EndpointState:
        driver = await self._driver(record.spec.driver)
        async with AsyncExitStack() as undo:
            debt = Debt(
                network_id=record.id,
                endpoint_id=new_id(),
                driver=record.spec.driver,
                ipam=record.ipam_driver if record.has_remote_ipam else "",
            )
            undo.push_async_callback(self._try_to_settle, debt.id)
            v4, v6 = await self._addresses(record, request, debt, undo)
            options: dict[str, object] = {**request.options}
            options[EXPOSED_PORTS] = [exposed_port(each) for each in request.exposed]
            options[PORT_MAP] = [mapped_port(each) for each in request.ports]
            wish = PlacedLink(address=v4.text, address6=v6.text, mac=request.mac)
            link = await driver.create_endpoint(record.id, debt.id, wish, options)
            faults.at("plugin.endpoint-made")
            place = f"/proc/{os.getpid()}/fd/{netns}"
            joined = await driver.join(record.id, debt.id, sandbox=place, options=options)
            state = endpoint_state(record, request, debt.id, link)
            state = msgspec.structs.replace(state, gateway=joined.gateway, gateway6=joined.gateway6)
            if joined.link is not None and joined.link.src_name:
                name = _link_name(netns, request, joined.link.dst_prefix)
                state = msgspec.structs.replace(
                    state, host_link=joined.link.src_name, link_name=name
                )
                routes = tuple(joined.routes or ())
                state = move_in(netns, state, routes, fresh=request.fresh)
                undo.callback(move_out, netns, state)
            if request.default_route or request.default_route6:
                await driver.open_to_outside(record.id, debt.id, options)
            if request.ports:
                told = await driver.endpoint_info(record.id, debt.id)
                bindings = read_port_map(told.get(PORT_MAP))
                state = msgspec.structs.replace(state, bindings=bindings)
            undo.pop_all()
        return state

    async def _addresses(
        self,
        record: NetworkRecord,
        request: EndpointRequest,
        debt: Debt,
        undo: AsyncExitStack | None = None,
    ) -> tuple[PluginAddress, PluginAddress]:
        """One address of each family that the network has; stored as owed."""
        self._debts.put(debt)
        asked = {4: request.address, 6: request.address6}
        if not record.has_remote_ipam:
            assert undo is not None
            taken = undo.enter_context(ExitStack())
            book = self._book(record)
            places = [book.take(version, asked[version], taken) for version in (4, 6)]
            texts = [f"{each.address}/{each.prefix_length}" for each in places]
            v4, v6 = (
                PluginAddress(text=text if each.address else "")
                for text, each in zip(texts, places, strict=True)
            )
            return v4, v6
        ipam = await self._ipam(record.ipam_driver)
        found = {4: PluginAddress(), 6: PluginAddress()}
        for version in (4, 6):
            found[version] = await self._address(record, ipam, version, asked[version], request)
            owed = tuple((each.pool, each.bare) for each in found.values() if each.text)
            self._debts.put(msgspec.structs.replace(debt, addresses=owed))
        return found[4], found[6]

    async def _address(
        self,
        record: NetworkRecord,
        ipam: RemoteIpam,
        version: int,
        wish: str,
        request: EndpointRequest,
    ) -> PluginAddress:
        """From the first pool of the family that has one, or that which `wish` is in."""
        pools = [
            (pool, ip_network(subnet.subnet))
            for pool, subnet in zip(record.pools, record.spec.subnets, strict=False)
            if (":" in subnet.subnet) == (version == 6)
        ]
        if wish:
            pools = [each for each in pools if ip_address(wish) in each[1]] or pools[:1]
        mac = request.mac if request.mac and await ipam.wants_mac() else ""
        for position, (pool, subnet) in enumerate(pools):
            try:
                address = await ipam.request_address(pool, wish, mac=mac)
            except BuduError:
                if position == len(pools) - 1:
                    raise
                continue
            return PluginAddress(text=f"{address}/{subnet.prefixlen}", pool=pool)
        return PluginAddress()

    def leave(self, state: EndpointState, *, netns: int | None = None) -> bool:
        """An endpoint ends: tell the plugins soon. False when it is none of theirs.

        `netns` is for a container that runs on: its link is moved out of it now.
        """
        debt = self._debts.get(state.endpoint_id)
        if debt is None:
            return False
        if debt.driver and netns is not None:
            move_out(netns, state)
        book = self._books.get(state.network_id)
        if debt.driver and not debt.ipam and book is not None:
            book.release(state)
        self._tell_soon(debt)
        return True

    def _tell_soon(self, debt: Debt) -> None:
        task = asyncio.create_task(self._leave(debt), name=f"plugin debt {debt.id}")
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)

    async def close(self) -> None:
        """The engine ends: what was not told yet is told by the next one."""
        for task in self._ends:
            task.cancel()
        await asyncio.gather(*self._ends, return_exceptions=True)

    async def _leave(self, debt: Debt) -> None:
        async with self._locks.holding(debt.network_id):
            await self._try_to_settle(debt.id)

    # After an engine's start

    def restore(self, records: Sequence[NetworkRecord], states: Iterable[EndpointState]) -> None:
        """Know again what an earlier engine left, and tell the plugins of what is gone."""
        living = {each.id for each in records}
        for record in records:
            if record.is_remote:
                self._fabric.reserve(record.spec)
        by_id = {each.id: each for each in records}
        for state in states:
            living.add(state.endpoint_id)
            found = by_id.get(state.network_id)
            if found is not None and found.is_remote and not found.has_remote_ipam:
                self._book(found).take_again(state)
        for debt in self._debts.all():
            if debt.id not in living:
                log.warning("plugins are told of what is gone id=%s", debt.id)
                self._tell_soon(debt)

    # Details

    async def _driver(self, name: str) -> RemoteDriver:
        return RemoteDriver(await self._plugins.get(name, NETWORK_DRIVER))

    async def _ipam(self, name: str) -> RemoteIpam:
        return RemoteIpam(await self._plugins.get(name, IPAM_DRIVER))

    def _book(self, record: NetworkRecord) -> AddressBook:
        if record.id not in self._books:
            self._books[record.id] = AddressBook(record.spec)
        return self._books[record.id]

    async def _try_to_settle(self, id_: str) -> None:
        debt = self._debts.get(id_)
        if debt is None:
            return
        try:
            await self._settle(debt)
        except BuduError as error:
            log.warning("plugins will be told later id=%s: %s", id_, error.message)

    async def _settle(self, debt: Debt) -> None:
        """Tell the end of a network or endpoint; a refusal in answer to what is gone is fine."""
        if debt.driver:
            driver = await self._driver(debt.driver)
            if debt.endpoint_id:
                await _tolerate(driver.close_to_outside(debt.network_id, debt.endpoint_id))
                await _tolerate(driver.leave(debt.network_id, debt.endpoint_id))
                await _tolerate(driver.delete_endpoint(debt.network_id, debt.endpoint_id))
            else:
                await _tolerate(driver.delete_network(debt.network_id))
        if debt.ipam:
            ipam = await self._ipam(debt.ipam)
            for pool, address in debt.addresses:
                await _tolerate(ipam.release_address(pool, address))
            for pool in debt.pools:
                await _tolerate(ipam.release_pool(pool))
        self._debts.pay(debt.id)


async def _tolerate(call: Awaitable[None]) -> None:
    """A plugin that says no to an end does not know the thing: both want it gone."""
    try:
        await call
    except Internal as error:
        log.warning("%s", error.message)


def _link_name(netns: int, request: EndpointRequest, prefix: str) -> str:
    """As it was asked for; the plugin's prefix and the first free number otherwise."""
    if request.link_name and prefix in ("", "eth"):
        return request.link_name
    with sandbox.connected(netns) as inside:
        return sandbox.free_name(inside, prefix or "eth")
