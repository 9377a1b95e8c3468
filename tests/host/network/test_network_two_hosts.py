"""A whole engine seen by other hosts: two neighbours, and a stranger behind a router.

    stranger ── router ── (198.51.100.0/24, 2001:db8:f::/64) ── engine ── (192.0.2.0/24) ── second

The router is itself a neighbour. Containers tell who their client is.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from network_lab import (
    HOST_ADDRESS,
    HOST_ADDRESS6,
    OUTSIDE_ADDRESS,
    OUTSIDE_ADDRESS6,
    STRANGER_ADDRESS,
    STRANGER_ADDRESS6,
    Lab,
)
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry, fresh_engine
from tests.support.images import push_all
from tests.support.registry import running_registry
from tests.support.scenes import run
from tests.support.waiting import eventually

pytestmark = pytest.mark.host

SECOND_ADDRESS, NEAR_SECOND = "192.0.2.2", "192.0.2.1"
WHO = (
    "mkdir -p /w/cgi-bin; printf '#!/bin/sh\\necho; echo $REMOTE_ADDR\\n' > /w/cgi-bin/who; "
    "chmod +x /w/cgi-bin/who; exec httpd -f -h /w -p 80"
)
TCP_TABLES = ("tcp", "tcp6")
LISTENS = ":0050 00000000000000000000000000000000:0000 0A"
OPTION = "com.docker.network.bridge.gateway_mode_ipv"


class World:
    """The engine and the hosts around it."""

    def __init__(self, lab: Lab, engine: EngineProcess) -> None:
        self.lab = lab
        self.engine = engine
        self.first = lab.outside
        self.second = lab.new_namespace()
        lab.add_uplink(self.second, "up2", near=NEAR_SECOND, far=SECOND_ADDRESS)
        self.stranger = lab.add_stranger()

    def ask(self, who: int, address: str, port: int) -> str:
        """The client's address as the container sees it; nothing when it is not reached."""
        host = f"[{address}]" if ":" in address else address
        with self.lab.inside(who):
            try:
                with urllib.request.urlopen(
                    f"http://{host}:{port}/cgi-bin/who", timeout=1.5
                ) as answer:
                    return str(answer.read().decode().strip().strip("[]").removeprefix("::ffff:"))
            except OSError:
                return ""

    def serve(self, *, network: str = "bridge", name: str = "", **binding: str) -> str:
        """A container that tells who asks, published if a port is given; its id."""
        ports = {"PortBindings": {"80/tcp": [binding]}} if binding else {}
        id_ = run(self.engine, WHO, name=name, NetworkMode=network, **ports)
        tables = [Path(f"/proc/{self.engine.state(id_)['Pid']}/net", each) for each in TCP_TABLES]
        eventually(lambda: any(LISTENS in each.read_text() for each in tables), "the server")
        return id_

    def place(self, ref: str, network: str) -> dict[str, object]:
        found = self.engine.inspect(ref)["NetworkSettings"]["Networks"][network]
        assert isinstance(found, dict)
        return found

    def network(self, name: str, **fields: object) -> None:
        reply = self.engine.request("POST", "/networks/create", {"Name": name, **fields})
        assert reply.status == 201, reply.body

    def source_of(self, command: str, *, where: int, at: str, network: str = "bridge") -> str:
        """From which address a container's connection comes to a host."""
        server = self.lab.listen(where, 9000, address=at)
        run(self.engine, f"until {command} 9000; do sleep 0.2; done", NetworkMode=network)
        accepted, peer = server.accept()
        accepted.close()
        server.close()
        return str(peer[0])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Made in namespaces of its own, registry and engine included."""
    with ExitStack() as stack:
        lab = Lab()
        stack.callback(lab.close)
        folder: Path = tmp_path_factory.mktemp("two-hosts")
        address = stack.enter_context(running_registry(folder))
        engine = stack.enter_context(fresh_engine(Registry(address, push_all(address))))
        reply = engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
        assert b"errorDetail" not in reply.body, reply.body
        yield World(lab, engine)


@pytest.fixture(autouse=True)
def tidy(world: World) -> Iterator[None]:
    yield
    world.engine.remove_containers()
    for each in world.engine.request("GET", "/networks").json:
        if each["Name"] not in ("bridge", "host", "none"):
            assert world.engine.request("DELETE", f"/networks/{each['Name']}").status == 204


def test_everybody_reaches_a_port_and_is_seen_as_who_he_is(world: World) -> None:
    world.serve(HostPort="8080")
    assert world.ask(world.first, HOST_ADDRESS, 8080) == OUTSIDE_ADDRESS
    assert world.ask(world.second, NEAR_SECOND, 8080) == SECOND_ADDRESS
    assert world.ask(world.second, HOST_ADDRESS, 8080) == SECOND_ADDRESS
    assert world.ask(world.stranger, HOST_ADDRESS, 8080) == STRANGER_ADDRESS


@pytest.mark.parametrize(
    ("reach", "near", "far"), [("me", False, False), ("lan", True, False), ("world", True, True)]
)
def test_reach_is_what_other_hosts_see(world: World, reach: str, near: bool, far: bool) -> None:
    world.serve(HostIp=reach, HostPort="8080")
    assert world.ask(world.lab.host, "127.0.0.1", 8080) != ""
    found = [
        bool(world.ask(who, HOST_ADDRESS, 8080))
        for who in (world.first, world.second, world.stranger)
    ]
    assert found == [near, near, far]


def test_outward_connections_wear_the_hosts_address(world: World) -> None:
    to_first = world.source_of(f"nc {OUTSIDE_ADDRESS}", where=world.first, at="0.0.0.0")
    to_second = world.source_of(f"nc {SECOND_ADDRESS}", where=world.second, at="0.0.0.0")
    assert (to_first, to_second) == (HOST_ADDRESS, NEAR_SECOND)


def test_ipv6_in_and_out(world: World) -> None:
    world.network("six", EnableIPv6=True)
    id_ = world.serve(network="six", HostPort="8080")
    assert str(world.place(id_, "six")["GlobalIPv6Address"]).startswith("fd")
    assert world.ask(world.first, HOST_ADDRESS6, 8080) == OUTSIDE_ADDRESS6
    assert world.ask(world.stranger, HOST_ADDRESS6, 8080) == STRANGER_ADDRESS6
    out = world.source_of(f"nc {OUTSIDE_ADDRESS6}", where=world.first, at="::", network="six")
    assert out == HOST_ADDRESS6


def test_ipv6_clients_reach_a_container_without_ipv6(world: World) -> None:
    world.serve(HostPort="8080")
    assert world.ask(world.first, HOST_ADDRESS6, 8080) != ""


def test_a_routed_network_is_reached_at_its_own_addresses(world: World) -> None:
    modes = {f"{OPTION}4": "routed", f"{OPTION}6": "routed"}
    pools = {"Config": [{"Subnet": "10.214.3.0/24"}, {"Subnet": "2001:db8:c::/64"}]}
    world.network("plain", Options=modes, EnableIPv6=True, IPAM=pools)
    opened = world.place(world.serve(network="plain", HostPort=""), "plain")
    closed = world.place(world.serve(network="plain"), "plain")
    assert world.ask(world.first, str(opened["IPAddress"]), 80) == OUTSIDE_ADDRESS
    assert world.ask(world.first, str(opened["GlobalIPv6Address"]), 80) == OUTSIDE_ADDRESS6
    assert world.ask(world.first, str(closed["IPAddress"]), 80) == ""
    seen = world.source_of(
        f"nc {OUTSIDE_ADDRESS}", where=world.first, at="0.0.0.0", network="plain"
    )
    assert seen.startswith("10.214.3.")


def test_internal_and_isolated_networks_are_reached_by_nobody(world: World) -> None:
    world.network("closed", Internal=True)
    world.network("island", Internal=True, Options={f"{OPTION}4": "isolated"})
    for name in ("closed", "island"):
        address = str(world.place(world.serve(network=name), name)["IPAddress"])
        for who in (world.first, world.second, world.stranger):
            assert world.ask(who, address, 80) == ""
    assert world.place(world.serve(network="island"), "island")["Gateway"] == ""


def test_an_unprotected_network_is_open_to_neighbours(world: World) -> None:
    world.network("open", Options={f"{OPTION}4": "nat-unprotected"})
    address = str(world.place(world.serve(network="open"), "open")["IPAddress"])
    assert world.ask(world.first, address, 80) == OUTSIDE_ADDRESS


def test_a_network_has_its_own_address_for_ports(world: World) -> None:
    binding = {"com.docker.network.bridge.host_binding_ipv4": NEAR_SECOND}
    world.network("bound", Options=binding)
    world.serve(network="bound", HostPort="8080")
    assert world.ask(world.second, NEAR_SECOND, 8080) == SECOND_ADDRESS
    assert world.ask(world.first, HOST_ADDRESS, 8080) == ""


def test_ports_answer_while_no_engine_runs(world: World) -> None:
    world.serve(HostPort="8080")
    world.engine.kill()
    try:
        assert world.ask(world.first, HOST_ADDRESS, 8080) == OUTSIDE_ADDRESS
    finally:
        world.engine.start()
    assert world.ask(world.stranger, HOST_ADDRESS, 8080) == STRANGER_ADDRESS
