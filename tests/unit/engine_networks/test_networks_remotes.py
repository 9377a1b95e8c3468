"""Addresses that a plugin chooses, and what it is owed: without a kernel."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from networks_scene import Scene
from tests.fakes.plugin import CountingIpam, PluginServer, Refused, VethNetworks

from budu.base.errors import AlreadyExists, Internal, NotFound, Unavailable
from budu.base.filters import Filters
from budu.engine.containers.model import Status
from budu.network.remote import read_port_map
from budu.spec.api.network import IPAM, IPAMConfig

SUBNET = "10.217.9.0/24"


class Plugged(Scene):
    """A scene with the plugins `clerk` (addresses) and `wharf` (networks)."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.clerk = CountingIpam(SUBNET)
        self.wharf = VethNetworks()
        run = folder / "plugins"
        self.clerk_server = PluginServer(run / "clerk.sock", ["IpamDriver"], self.clerk.calls())
        self.wharf_server = PluginServer(run / "wharf.sock", ["NetworkDriver"], self.wharf.calls())

    async def near(self) -> str:
        """A bridge with addresses of the plugin."""
        return await self.create("near", ipam=IPAM(driver="clerk"))

    async def settled(self) -> None:
        """All that was said to be told later is told."""
        for _ in range(100):
            if not self.networks._remotes._ends:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("plugins are not told")

    def owed(self) -> int:
        (count,) = self.database.execute("SELECT count(*) FROM plugin_debts").fetchone()
        return int(count)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Plugged]:
    scene = Plugged(tmp_path)
    await scene.clerk_server.start()
    await scene.wharf_server.start()
    yield scene
    await scene.networks._remotes.close()
    await scene.clerk_server.stop()
    await scene.wharf_server.stop()


async def test_a_bridge_with_addresses_of_a_plugin(scene: Plugged) -> None:
    id_ = await scene.near()
    spec = scene.fabric.specs[id_]
    assert [(each.subnet, each.gateway) for each in spec.subnets] == [(SUBNET, "10.217.9.1")]
    scene.container("ship", "near")
    ship = await scene.start("ship")
    assert ship.endpoints["near"].address == scene.clerk.taken[0]
    scene.networks.disconnect(ship.endpoints)
    scene.containers.update(msgspec.structs.replace(ship, status=Status.EXITED))
    await scene.settled()
    assert scene.clerk.taken == []
    await scene.networks.remove("near")
    assert (scene.clerk.pools, scene.owed()) == (set(), 0)


async def test_a_pool_and_gateway_that_were_asked_for(scene: Plugged) -> None:
    config = [IPAMConfig(subnet="10.217.9.0/24", gateway="10.217.9.7", ip_range="10.217.9.64/26")]
    await scene.create("near", ipam=IPAM(driver="clerk", config=config, options={"a": "b"}))
    (pool,) = scene.clerk_server.named("IpamDriver.RequestPool")
    assert (pool["Pool"], pool["SubPool"]) == ("10.217.9.0/24", "10.217.9.64/26")
    (gateway,) = scene.clerk_server.named("IpamDriver.RequestAddress")
    assert gateway["Address"] == "10.217.9.7"
    assert gateway["Options"] == {"RequestAddressType": "com.docker.network.gateway"}


async def test_a_name_that_is_taken_meanwhile_gives_all_back(scene: Plugged) -> None:
    slow = asyncio.create_task(scene.near())
    await asyncio.sleep(0)
    await scene.create("near")
    with pytest.raises(AlreadyExists):
        await slow
    assert (scene.clerk.pools, scene.owed()) == (set(), 0)


async def test_a_plugin_without_addresses_left(scene: Plugged) -> None:
    await scene.near()
    scene.container("ship", "near")

    def refuse(_: Any) -> dict[str, Any]:
        raise Refused("no address left")

    scene.clerk_server.calls["IpamDriver.RequestAddress"] = refuse
    with pytest.raises(Internal, match=r"networking: remote: no address left$"):
        await scene.start("ship")
    assert scene.owed() == 1  # the network's own


@pytest.mark.parametrize("pool", ["", "nonsense", "fd00::/64"])
async def test_a_pool_that_is_none(scene: Plugged, pool: str) -> None:
    scene.clerk_server.calls["IpamDriver.RequestPool"] = lambda _: {"PoolID": "p", "Pool": pool}
    with pytest.raises(Internal, match="invalid CIDR address"):
        await scene.near()
    assert scene.networks.list(Filters.parse('{"name":["near"]}')) == []


async def test_a_network_of_a_plugin_keeps_its_subnet_to_itself(scene: Plugged) -> None:
    config = IPAM(config=[IPAMConfig(subnet="10.217.3.0/24")])
    id_ = await scene.create("far", driver="wharf", ipam=config, options={"depth": "9"})
    assert id_ in scene.fabric.reserved and id_ not in scene.fabric.specs
    assert scene.wharf.networks == {id_: "10.217.3.1/24"}
    await scene.networks.remove("far")
    assert (scene.fabric.reserved, scene.wharf.networks, scene.owed()) == ({}, {}, 0)


async def test_a_refused_network_leaves_nothing(scene: Plugged) -> None:
    with pytest.raises(Internal, match=r"^remote: no more networks$"):
        await scene.create("far", driver="wharf", options={"refuse": "1"})
    with pytest.raises(NotFound, match=r'^plugin "nobody" not found$'):
        await scene.create("far", driver="nobody")
    assert (scene.fabric.reserved, scene.owed()) == ({}, 0)


async def test_a_network_stays_while_its_plugin_is_down(scene: Plugged) -> None:
    await scene.create("far", driver="wharf")
    await scene.wharf_server.stop()
    with pytest.raises(Unavailable, match=r"is not answering: NetworkDriver\.DeleteNetwork"):
        await scene.networks.remove("far")
    assert scene.networks.get("far").driver == "wharf"
    await scene.wharf_server.start()
    await scene.networks.remove("far")
    assert scene.wharf.networks == {}


async def test_what_could_not_be_told_is_told_by_the_next_engine(scene: Plugged) -> None:
    await scene.near()
    scene.container("ship", "near")
    ship = await scene.start("ship")
    await scene.clerk_server.stop()
    scene.networks.disconnect(ship.endpoints)
    await scene.settled()
    assert (len(scene.clerk.taken), scene.owed()) == (1, 2)
    await scene.clerk_server.start()
    scene.networks = scene.service()
    scene.networks.restore([])
    await scene.settled()
    assert (scene.clerk.taken, scene.owed()) == ([], 1)


async def test_a_driver_that_spans_machines_learns_this_ones_address_once(scene: Plugged) -> None:
    met: list[Any] = []
    calls = scene.wharf_server.calls
    calls["NetworkDriver.GetCapabilities"] = lambda _: {"Scope": "global"}
    calls["NetworkDriver.DiscoverNew"] = lambda request: met.append(request) or {}
    for name in ("far", "farther"):
        await scene.create(name, driver="wharf")
    assert scene.networks.get("far").scope == "global"
    assert [each["DiscoveryType"] for each in met] in ([], [1])  # [] without a way out


def test_ports_that_a_plugin_tells_of() -> None:
    told = [
        {"Proto": 17, "Port": 53, "HostIP": "", "HostPort": 5353},
        {"Proto": 99, "Port": 1, "HostPort": 1},
        {"Proto": 6, "Port": 80, "HostPort": 0},
    ]
    (port,) = read_port_map(told)
    assert (port.protocol, port.container_port, port.host_port) == ("udp", 53, 5353)
    assert read_port_map("nonsense") == read_port_map(None) == ()
