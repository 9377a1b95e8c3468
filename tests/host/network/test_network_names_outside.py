"""A whole engine's resolvers, asked from inside: names of containers, and those of other hosts.

    resolv.conf of the host ─▶ a name server at `outside`, another at `second`, one at its loopback

The engine has a resolv.conf of its own, which the tests change while it runs.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset
import pytest
from network_lab import (
    HOST_ADDRESS,
    OUTSIDE_ADDRESS,
    OUTSIDE_ADDRESS6,
    Lab,
    nft,
)
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry, fresh_engine
from tests.support.images import push_all
from tests.support.registry import running_registry
from tests.support.scenes import PATIENT, run, shim_of
from tests.support.waiting import eventually

from budu.linux.namespaces import CLONE_NEWNET, open_namespace

pytestmark = pytest.mark.host

RESOLVER = ("127.0.0.11", 53)
SECOND_ADDRESS, NEAR_SECOND = "192.0.2.2", "192.0.2.1"
KNOWN = "site.example"
WALL = "type filter hook forward priority 5; udp dport 53 drop;"


class Upstream:
    """A name server: knows one name. `asked` are the questions that came, and from whom."""

    def __init__(self, lab: Lab, netns: int, *, at: str, answer: str) -> None:
        self.asked: list[tuple[str, str]] = []
        self._answer = answer
        with lab.inside(netns):
            family = socket.AF_INET6 if ":" in at else socket.AF_INET
            self._datagrams = socket.socket(family, socket.SOCK_DGRAM)
            self._datagrams.bind((at, 53))
            self._listener = socket.create_server((at, 53), family=family)
        self._stop_at, self._stop = socket.socketpair()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Nobody answers at the port from now on."""
        self._stop.close()
        self._thread.join()
        for each in (self._datagrams, self._listener, self._stop_at):
            each.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for each in (self._datagrams, self._listener, self._stop_at):
                selector.register(each, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._stop_at in ready:
                    return
                if self._datagrams in ready:
                    data, client = self._datagrams.recvfrom(4096)
                    self._datagrams.sendto(self._reply(data, client[0]), client)
                if self._listener in ready:
                    self._serve_stream()

    def _serve_stream(self) -> None:
        connection, client = self._listener.accept()
        with connection:
            connection.settimeout(5)
            data = connection.recv(4096)
            reply = self._reply(data[2:], client[0])
            connection.sendall(len(reply).to_bytes(2, "big") + reply)

    def _reply(self, data: bytes, client: str) -> bytes:
        query = dns.message.from_wire(data)
        question = query.question[0]
        self.asked.append((str(question.name).rstrip("."), client))
        reply = dns.message.make_response(query)
        if str(question.name) != f"{KNOWN}.":
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype == dns.rdatatype.A:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", self._answer))
        return reply.to_wire()


class World:
    """The engine, the hosts around it, and who asks."""

    def __init__(self, lab: Lab, engine: EngineProcess, servers: Path) -> None:
        self.lab = lab
        self.engine = engine
        self._servers = servers
        self.second = lab.new_namespace()
        lab.add_uplink(self.second, "up2", near=NEAR_SECOND, far=SECOND_ADDRESS)

    def use(self, *servers: str) -> None:
        """The host has these name servers from now on."""
        self._servers.write_text("".join(f"nameserver {each}\n" for each in servers))

    @contextmanager
    def upstream(self, netns: int, at: str, answer: str = "203.0.113.80") -> Iterator[Upstream]:
        server = Upstream(self.lab, netns, at=at, answer=answer)
        try:
            yield server
        finally:
            server.close()

    def query(
        self, ref: str, name: Any, kind: str = "A", *, tcp: bool = False, **more: Any
    ) -> dns.message.Message:
        """What the resolver in a container answers."""
        wire = dns.message.make_query(name, kind, **more).to_wire()
        netns = open_namespace(str(self.engine.state(ref)["Pid"]), CLONE_NEWNET)
        try:
            with self.lab.inside(netns):
                client = socket.socket(type=socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
        finally:
            os.close(netns)
        with client:
            client.settimeout(15)
            client.connect(RESOLVER)
            client.sendall(len(wire).to_bytes(2, "big") + wire if tcp else wire)
            data = client.recv(65535)
            return dns.message.from_wire(data[2:] if tcp else data)

    def found(self, ref: str, name: Any, kind: str = "A", **more: Any) -> set[str]:
        """The records of the answer."""
        reply = self.query(ref, name, kind, **more)
        return {str(record) for rrset in reply.answer for record in rrset}

    def make(self, name: str, **fields: object) -> None:
        reply = self.engine.request("POST", "/networks/create", {"Name": name, **fields})
        assert reply.status == 201, reply.body

    def join(self, name: str, network: str, *aliases: str, **fields: Any) -> str:
        """A container in a network, with aliases there; its id."""
        ends = {"EndpointsConfig": {network: {"Aliases": list(aliases)}}}
        body = {"Image": "busybox", "Cmd": ["sleep", "600"], "NetworkingConfig": ends, **fields}
        body["HostConfig"] = {"NetworkMode": network}
        reply = self.engine.request("POST", "/containers/create", body, name=name)
        assert reply.status == 201, reply.body
        assert self.engine.request("POST", f"/containers/{name}/start").status == 204
        return str(reply.json["Id"])

    def address(self, ref: str, network: str, field: str = "IPAddress") -> str:
        return str(self.engine.inspect(ref)["NetworkSettings"]["Networks"][network][field])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        lab = Lab()
        stack.callback(lab.close)
        folder: Path = tmp_path_factory.mktemp("names")
        servers = folder / "resolv.conf"
        servers.touch()
        own_file = f'mount --bind {servers} /etc/resolv.conf && exec "$@"'
        wrapper = ("unshare", "-m", "--propagation", "slave", "sh", "-c", own_file, "sh")
        address = stack.enter_context(running_registry(folder))
        registry = Registry(address, push_all(address))
        engine = stack.enter_context(fresh_engine(registry, wrapper=wrapper))
        reply = engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
        assert b"errorDetail" not in reply.body, reply.body
        yield World(lab, engine, servers)


@pytest.fixture(autouse=True)
def tidy(world: World) -> Iterator[None]:
    world.use()
    yield
    if not world.engine.is_running:
        world.engine.start()
    world.engine.remove_containers()
    for each in world.engine.request("GET", "/networks", filters='{"type":["custom"]}').json:
        assert world.engine.request("DELETE", f"/networks/{each['Id']}").status == 204


def test_the_hosts_servers_of_the_moment_are_asked(world: World) -> None:
    asker = run(world.engine, PATIENT, name="asker")
    with (
        world.upstream(world.lab.outside, OUTSIDE_ADDRESS, "203.0.113.80") as first,
        world.upstream(world.second, SECOND_ADDRESS, "203.0.113.90") as second,
    ):
        world.use(OUTSIDE_ADDRESS)
        assert world.found(asker, KNOWN) == {"203.0.113.80"}
        world.use(SECOND_ADDRESS)
        assert world.found(asker, KNOWN) == {"203.0.113.90"}
        assert world.found(asker, KNOWN, tcp=True) == {"203.0.113.90"}
    assert first.asked == [(KNOWN, HOST_ADDRESS)]
    assert second.asked == [(KNOWN, NEAR_SECOND)] * 2


def test_the_upstream_is_lost_and_comes_back(world: World) -> None:
    asker = run(world.engine, PATIENT, name="asker")
    run(world.engine, PATIENT, name="store")
    world.use(OUTSIDE_ADDRESS)
    with world.upstream(world.lab.outside, OUTSIDE_ADDRESS):
        assert world.found(asker, KNOWN) == {"203.0.113.80"}
    lost = world.query(asker, KNOWN)
    assert (lost.rcode(), lost.answer) == (dns.rcode.SERVFAIL, [])
    assert world.found(asker, "store") == {world.address("store", "bridge")}
    with world.upstream(world.lab.outside, OUTSIDE_ADDRESS):
        assert world.found(asker, KNOWN) == {"203.0.113.80"}


def test_no_servers_at_all(world: World) -> None:
    asker = run(world.engine, PATIENT, name="asker")
    assert world.query(asker, KNOWN).rcode() == dns.rcode.SERVFAIL
    assert world.found(asker, "asker") == {world.address("asker", "bridge")}


def test_a_second_server_answers_for_a_dead_one(world: World) -> None:
    asker = run(world.engine, PATIENT, name="asker")
    world.use("198.51.100.77", SECOND_ADDRESS)
    with world.upstream(world.second, SECOND_ADDRESS):
        assert world.found(asker, KNOWN) == {"203.0.113.80"}


def test_servers_that_only_the_host_reaches(world: World) -> None:
    asker = run(world.engine, PATIENT, name="asker")
    with world.upstream(world.lab.host, "127.0.0.1") as server:
        world.use("127.0.0.1")
        assert world.found(asker, KNOWN) == {"203.0.113.80"}
        assert server.asked == [(KNOWN, "127.0.0.1")]
    with world.upstream(world.lab.outside, OUTSIDE_ADDRESS6):
        world.use(OUTSIDE_ADDRESS6)
        assert world.found(asker, KNOWN) == {"203.0.113.80"}


def test_servers_of_the_containers_own(world: World) -> None:
    world.use(OUTSIDE_ADDRESS)
    asker = run(world.engine, PATIENT, name="asker", Dns=[SECOND_ADDRESS])
    with (
        world.upstream(world.lab.outside, OUTSIDE_ADDRESS) as hosts,
        world.upstream(world.second, SECOND_ADDRESS) as own,
    ):
        assert world.found(asker, KNOWN) == {"203.0.113.80"}
    assert (hosts.asked, own.asked) == ([], [(KNOWN, NEAR_SECOND)])


@pytest.fixture
def with_servers(world: World) -> Iterator[None]:
    """The engine has name servers of its own, until the end of the test."""
    world.engine.stop()
    world.engine.arguments = ("--dns", SECOND_ADDRESS)
    world.engine.start()
    yield
    world.engine.stop()
    world.engine.arguments = ()
    world.engine.start()


@pytest.mark.usefixtures("with_servers")
def test_servers_of_the_engines_own(world: World) -> None:
    world.use(OUTSIDE_ADDRESS)
    asker = run(world.engine, PATIENT, name="asker")
    with (
        world.upstream(world.lab.outside, OUTSIDE_ADDRESS) as hosts,
        world.upstream(world.second, SECOND_ADDRESS) as own,
    ):
        assert world.found(asker, KNOWN) == {"203.0.113.80"}
    assert (hosts.asked, own.asked) == ([], [(KNOWN, NEAR_SECOND)])


def test_an_internal_network_asks_nobody_outside(world: World) -> None:
    world.use(OUTSIDE_ADDRESS)
    world.make("vault", Internal=True)
    world.join("store", "vault", "db")
    asker = world.join("asker", "vault")
    with world.upstream(world.lab.outside, OUTSIDE_ADDRESS) as server:
        assert world.found(asker, "db") == {world.address("store", "vault")}
        assert world.query(asker, KNOWN).rcode() == dns.rcode.SERVFAIL
        assert server.asked == []
        body = {"Container": "asker"}
        assert world.engine.request("POST", "/networks/bridge/connect", body).status == 200
        assert world.found(asker, KNOWN) == {"203.0.113.80"}
        assert world.found(asker, "db") == {world.address("store", "vault")}


def test_several_containers_share_a_name(world: World) -> None:
    world.make("zone", EnableIPv6=True)
    service = {"Labels": {"com.docker.compose.service": "shop"}}
    names = ["one", "two", "three"]
    for name in names:
        world.join(name, "zone", "web", **service)
    asker = world.join("asker", "zone")
    addresses = {world.address(each, "zone") for each in names}
    for name in ("web", "WEB", "shop", "web.zone", "shop.zone"):
        assert world.found(asker, name) == addresses
    assert world.found(asker, "web", "AAAA") == {
        world.address(each, "zone", "GlobalIPv6Address") for each in names
    }
    firsts = {str(world.query(asker, "web").answer[0][0]) for _ in range(60)}
    assert firsts == addresses
    left = addresses - {world.address("two", "zone")}
    assert world.engine.request("POST", "/containers/two/kill").status == 204
    eventually(lambda: world.found(asker, "web") == left, "the end of the second")


def test_addresses_lead_back_to_names(world: World) -> None:
    world.make("zone", EnableIPv6=True)
    world.join("store", "zone", "db")
    asker = world.join("asker", "zone")
    stranger = run(world.engine, PATIENT, name="stranger")
    for field in ("IPAddress", "GlobalIPv6Address"):
        reverse = dns.reversename.from_address(world.address("store", "zone", field))
        assert world.found(asker, reverse, "PTR") == {"store.zone."}
        assert world.found(asker, reverse, "PTR", tcp=True) == {"store.zone."}
        assert world.found(stranger, reverse, "PTR") == set()


def test_edns_is_answered_and_its_room_is_used(world: World) -> None:
    world.make("zone")
    world.join("store", "zone")
    asker = world.join("asker", "zone")
    reply = world.query(asker, "store", use_edns=True, payload=4096)
    assert (reply.edns, len(reply.answer)) == (0, 1)
    assert world.query(asker, "store").edns == -1


def test_the_host_by_name(world: World) -> None:
    world.make("zone", EnableIPv6=True)
    asker = world.join("asker", "zone")
    for name in ("host.docker.internal", "host.containers.internal", "gateway.docker.internal"):
        assert world.found(asker, name) == {world.address("asker", "zone", "Gateway")}
        assert world.found(asker, name, "AAAA") == {world.address("asker", "zone", "IPv6Gateway")}


def test_names_outlive_a_shim_and_an_engine(world: World) -> None:
    world.use(OUTSIDE_ADDRESS)
    asker = run(world.engine, PATIENT, name="asker")
    run(world.engine, PATIENT, name="store")
    store = {world.address("store", "bridge")}
    os.kill(shim_of(world.engine, asker), 9)
    with world.upstream(world.lab.outside, OUTSIDE_ADDRESS):
        assert world.found(asker, "store") == store
        assert world.found(asker, KNOWN) == {"203.0.113.80"}
        for end in (world.engine.kill, world.engine.stop):
            end()
            world.engine.start()
            eventually(lambda: world.found(asker, "store") == store, "the resolver")
            assert world.found(asker, KNOWN, tcp=True) == {"203.0.113.80"}


def diagnosis(world: World, ref: str) -> dict[str, str]:
    reply = world.engine.request("GET", "/budu/network/diagnosis", container=ref)
    assert reply.status == 200, reply.body
    return {each["Name"]: each["Outcome"] for each in reply.json["Steps"]}


def test_the_doctor_finds_nat_that_does_not_work(world: World) -> None:
    world.use(OUTSIDE_ADDRESS)
    asker = run(world.engine, PATIENT, name="asker")
    assert diagnosis(world, asker)["nat"] == "skipped"
    with world.upstream(world.lab.outside, OUTSIDE_ADDRESS):
        assert diagnosis(world, asker) == {"name": "ok", "route": "ok", "nat": "ok"}
        nft(f"table inet wall {{ chain f {{ {WALL} }}; }}")
        try:
            assert diagnosis(world, asker) == {"name": "ok", "route": "ok", "nat": "failed"}
        finally:
            nft("delete table inet wall")
