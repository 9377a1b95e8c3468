"""Volumes and networks of real plugins, through the engine and the docker command line."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_engine_faults import arm, next_engine, points
from tests.fakes.plugin import CountingIpam, DirectoryVolumes, PluginServer, VethNetworks
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry, fresh_engine
from tests.support.waiting import eventually

pytestmark = pytest.mark.host

SUBNET = "10.217.3.0/24"
MAKING = ["plugin.network-told", "plugin.pools-requested"]
COMING = ["plugin.endpoint-made"]
SLEEP = ("busybox", "sleep", "600")


class Folder:
    """Three plugins: `shelf` of volumes, `wharf` of networks, `clerk` of addresses."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.shelf = DirectoryVolumes(root / "shelf")
        self.wharf = VethNetworks()
        self.clerk = CountingIpam("10.217.9.0/24")
        self.servers = {
            "shelf": self.server("shelf", "VolumeDriver", self.shelf.calls()),
            "wharf": self.server("wharf", "NetworkDriver", self.wharf.calls()),
            "clerk": self.server("clerk", "IpamDriver", self.clerk.calls()),
        }

    def server(self, name: str, kind: str, calls) -> PluginServer:  # type: ignore[no-untyped-def]
        return PluginServer(self.root / "run" / f"{name}.sock", [kind], calls)


@pytest.fixture(scope="module")
def plugins() -> Iterator[Folder]:
    root = Path(tempfile.mkdtemp(prefix="bp-"))
    folder = Folder(root)
    for server in folder.servers.values():
        server.run()
    yield folder
    for server in folder.servers.values():
        server.end()
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def engine(registry: Registry, plugins: Folder) -> Iterator[EngineProcess]:
    arguments = ["--plugin-sockets", str(plugins.root / "run"), "--plugin-timeout", "1"]
    arguments += ["--plugin-specs", str(plugins.root / "specs")]
    with fresh_engine(registry, *arguments) as engine:
        reply = engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
        assert b"errorDetail" not in reply.body, reply.body
        yield engine


@pytest.fixture(autouse=True)
def tidy(engine: EngineProcess, plugins: Folder) -> Iterator[None]:
    yield
    engine.environment = {}
    if not engine.is_running:
        engine.start()
    engine.remove_containers()
    eventually(lambda: not plugins.wharf.endpoints, "the end of all endpoints")
    for row in engine.request("GET", "/networks", filters='{"type":["custom"]}').json:
        assert engine.request("DELETE", f"/networks/{row['Id']}").status == 204
    assert (plugins.wharf.networks, plugins.clerk.pools, plugins.clerk.taken) == ({}, set(), [])


def look(docker: Docker, ref: str, form: str) -> str:
    return docker("inspect", "-f", form, ref)


def test_every_point_has_its_scene() -> None:
    assert points("plugin") == sorted([*MAKING, *COMING])


# Networks


def test_a_network_of_a_plugin(docker: Docker, plugins: Folder) -> None:
    docker("network", "create", "-d", "wharf", "--subnet", SUBNET, "-o", "depth=9", "far")
    (asked,) = plugins.servers["wharf"].named("NetworkDriver.CreateNetwork")[-1:]
    assert asked["Options"]["com.docker.network.generic"] == {"depth": "9"}
    assert asked["IPv4Data"][0]["Pool"] == SUBNET
    docker("run", "-d", "--name", "ship", "--network", "far", *SLEEP)
    address = look(docker, "ship", "{{.NetworkSettings.Networks.far.IPAddress}}")
    assert address == "10.217.3.2"
    assert "02:aa:bb:cc:dd:01" in docker("exec", "ship", "cat", "/sys/class/net/wharf0/address")
    routes = docker("exec", "ship", "ip", "route")
    assert "default via 10.217.3.1 dev wharf0" in routes
    assert "198.51.100.0/24 dev wharf0" in routes
    docker("exec", "ship", "ping", "-c", "1", "-W", "2", "10.217.3.1")
    done = docker.run("network", "rm", "far")
    assert "network far has active endpoints" in done.err
    docker("rm", "-f", "ship")
    eventually(lambda: not plugins.wharf.endpoints, "the endpoint's end")
    docker("network", "rm", "far")
    assert plugins.wharf.networks == {}


def test_connect_and_disconnect_a_running_container(docker: Docker, plugins: Folder) -> None:
    docker("network", "create", "-d", "wharf", "--subnet", SUBNET, "far")
    docker("run", "-d", "--name", "ship", *SLEEP)
    docker("network", "connect", "far", "ship")
    assert "wharf0" in docker("exec", "ship", "ls", "/sys/class/net")
    docker("network", "disconnect", "far", "ship")
    assert "wharf0" not in docker("exec", "ship", "ls", "/sys/class/net")
    eventually(lambda: not plugins.wharf.endpoints, "the endpoint's end")


def test_addresses_of_a_plugin_in_a_bridge(docker: Docker, plugins: Folder) -> None:
    docker("network", "create", "--ipam-driver", "clerk", "--ipam-opt", "a=b", "near")
    asked = plugins.servers["clerk"].named("IpamDriver.RequestPool")[-1]
    assert (asked["Options"], asked["V6"]) == ({"a": "b"}, False)
    (found,) = json.loads(docker("network", "inspect", "near"))
    assert found["IPAM"]["Driver"] == "clerk"
    assert found["IPAM"]["Config"] == [{"Subnet": "10.217.9.0/24", "Gateway": "10.217.9.1"}]
    docker("run", "-d", "--name", "ship", "--network", "near", *SLEEP)
    address = look(docker, "ship", "{{.NetworkSettings.Networks.near.IPAddress}}")
    assert plugins.clerk.taken == [address]
    docker("exec", "ship", "ping", "-c", "1", "-W", "2", "10.217.9.1")
    docker("rm", "-f", "ship")
    eventually(lambda: not plugins.clerk.taken, "the address's end")


def test_a_plugins_no_leaves_nothing(docker: Docker, plugins: Folder) -> None:
    done = docker.run("network", "create", "-d", "wharf", "-o", "refuse=1", "far")
    assert done.err.strip() == "Error response from daemon: remote: no more networks"
    assert docker("network", "ls", "-q", "-f", "name=far") == ""
    done = docker.run("network", "create", "-d", "nobody", "far")
    assert done.err.strip() == 'Error response from daemon: plugin "nobody" not found'


def test_networks_of_a_plugin_survive_a_kill(
    engine: EngineProcess, docker: Docker, plugins: Folder
) -> None:
    docker("network", "create", "-d", "wharf", "--subnet", SUBNET, "far")
    docker("run", "-d", "--name", "ship", "--network", "far", *SLEEP)
    docker("run", "-d", "--name", "boat", "--network", "far", *SLEEP)
    boat = int(look(docker, "boat", "{{.State.Pid}}"))
    engine.kill()
    os.kill(boat, signal.SIGKILL)
    engine.start()
    docker("exec", "ship", "ping", "-c", "1", "-W", "2", "10.217.3.1")
    eventually(lambda: len(plugins.wharf.endpoints) == 1, "the end of who died meanwhile")
    docker("run", "-d", "--name", "third", "--network", "far", *SLEEP)
    addresses = {
        look(docker, name, "{{.NetworkSettings.Networks.far.IPAddress}}")
        for name in ("ship", "third")
    }
    assert len(addresses) == 2
    assert "wharf" in docker("info", "-f", "{{.Plugins.Network}}")


@pytest.mark.parametrize("point", MAKING)
def test_killed_while_a_network_is_made(engine: EngineProcess, plugins: Folder, point: str) -> None:
    arm(engine, point)
    body = {"Name": "far", "Driver": "wharf", "IPAM": {"Driver": "clerk"}}
    with pytest.raises((OSError, http.client.HTTPException)):
        engine.request("POST", "/networks/create", body)
    next_engine(engine)
    eventually(lambda: not plugins.clerk.pools, "the pool's end")
    assert engine.request("GET", "/networks", filters='{"type":["custom"]}').json == []


def test_killed_while_an_endpoint_is_made(
    engine: EngineProcess, docker: Docker, plugins: Folder
) -> None:
    docker("network", "create", "-d", "wharf", "--subnet", SUBNET, "far")
    docker("create", "--name", "ship", "--network", "far", *SLEEP)
    arm(engine, COMING[0])
    with pytest.raises((OSError, http.client.HTTPException)):
        engine.request("POST", "/containers/ship/start")
    next_engine(engine)
    eventually(lambda: not plugins.wharf.endpoints, "the endpoint's end")
    docker("start", "ship")


def test_a_network_plugin_that_died(docker: Docker, plugins: Folder) -> None:
    docker("network", "create", "-d", "wharf", "--subnet", SUBNET, "far")
    server = plugins.servers["wharf"]
    server.end()
    try:
        done = docker.run("run", "--rm", "--network", "far", "busybox", "true")
        assert (
            'plugin "wharf" is not answering: NetworkDriver.CreateEndpoint: dial unix' in done.err
        )
        assert docker("network", "ls", "-q", "-f", "name=far")
    finally:
        server.run()
    docker("run", "--rm", "--network", "far", "busybox", "true")


# Volumes


def test_a_volume_of_a_plugin(docker: Docker, plugins: Folder) -> None:
    assert docker("volume", "create", "-d", "shelf", "-o", "size=1", "books") == "books"
    assert plugins.servers["shelf"].named("VolumeDriver.Create") == [
        {"Name": "books", "Opts": {"size": "1"}}
    ]
    (found,) = json.loads(docker("volume", "inspect", "books"))
    assert (found["Driver"], found["Scope"]) == ("shelf", "global")
    assert found["Mountpoint"] == str(plugins.shelf.root / "books")
    assert (found["Options"], found["Status"]) == ({"size": "1"}, {"kind": "folder"})
    assert docker("volume", "ls", "-q", "-f", "driver=shelf") == "books"
    docker("run", "--rm", "-v", "books:/b", "busybox", "sh", "-c", "echo tale > /b/page")
    assert (plugins.shelf.root / "books" / "page").read_text() == "tale\n"
    docker("volume", "rm", "books")
    assert not (plugins.shelf.root / "books").exists()


def test_volume_driver_of_a_run(docker: Docker, plugins: Folder) -> None:
    docker("run", "-d", "--name", "ship", "--volume-driver", "shelf", "-v", "maps:/m", *SLEEP)
    assert look(docker, "ship", "{{(index .Mounts 0).Driver}}") == "shelf"
    assert (plugins.shelf.root / "maps").is_dir()


def test_a_plugin_is_told_who_uses_a_volume(docker: Docker, plugins: Folder) -> None:
    docker("volume", "create", "-d", "shelf", "books")
    docker("run", "-d", "--name", "ship", "-v", "books:/b", *SLEEP)
    assert len(plugins.shelf.users["books"]) == 1
    docker("rm", "-f", "ship")
    eventually(lambda: not plugins.shelf.users["books"], "the user's end")


def test_volumes_of_a_plugin_survive_a_kill(
    engine: EngineProcess, docker: Docker, plugins: Folder
) -> None:
    docker("volume", "create", "-d", "shelf", "books")
    docker("run", "-d", "--name", "ship", "-v", "books:/b", *SLEEP)
    docker("run", "-d", "--name", "boat", "-v", "books:/b", *SLEEP)
    boat = int(look(docker, "boat", "{{.State.Pid}}"))
    engine.kill()
    os.kill(boat, signal.SIGKILL)
    engine.start()
    assert docker("volume", "ls", "-q") == "books"
    eventually(lambda: len(plugins.shelf.users["books"]) == 1, "the end of who died meanwhile")
    eventually(lambda: "shelf" in docker("info", "-f", "{{.Plugins.Volume}}"), "the greeting")


def test_a_volume_plugins_no(docker: Docker) -> None:
    done = docker.run("volume", "create", "-d", "shelf", "-o", "refuse=1", "books")
    assert done.err.strip() == "Error response from daemon: create books: the pool is empty"
    assert docker("volume", "ls", "-q") == ""
    done = docker.run("volume", "create", "-d", "nobody", "books")
    assert done.err.strip() == (
        "Error response from daemon: create books: error looking up volume plugin nobody: "
        'plugin "nobody" not found'
    )
    done = docker.run("volume", "create", "-d", "wharf", "books")
    assert "Plugin does not implement the requested driver" in done.err


def test_a_volume_plugin_that_died(docker: Docker, plugins: Folder) -> None:
    docker("volume", "create", "-d", "shelf", "books")
    server = plugins.servers["shelf"]
    server.end()
    try:
        done = docker.run("run", "--rm", "-v", "books:/b", "busybox", "true")
        assert 'plugin "shelf" is not answering: VolumeDriver.' in done.err
        listed = docker.run("volume", "ls", "-q")
        assert listed.out == "books\n"
        assert docker.run("volume", "rm", "books").status == 1
    finally:
        server.run()
    docker("run", "--rm", "-v", "books:/b", "busybox", "true")
    docker("volume", "rm", "books")
