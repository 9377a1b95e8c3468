"""Tries a container's network from inside: names, the way out, NAT, ports.

    name    the sandbox's resolver knows the container itself
    route   packets come to the gateway and an answer comes back
    nat     a name server that this host can ask can be asked from inside as well
    port    each published port leads to a program that listens

Sockets are made in the container's network namespace (`containers.inside`), so that nothing has to
be installed in its image. Steps that say nothing here are skipped: a container without a way out
has no route to try, a host that gets no answer itself cannot tell about NAT.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from ipaddress import ip_address

from budu.base.errors import Hint
from budu.engine.containers.inside import socket_inside
from budu.engine.containers.model import Container
from budu.engine.containers.service import ContainerService
from budu.engine.contract.diagnosis import Diagnosis, Outcome, Step
from budu.engine.names.servers import HostServers
from budu.engine.networks.service import NetworkService
from budu.network.contract import TCP, EndpointState, PortBinding
from budu.network.dns.message import AAAA, IN, A, encode_name
from budu.network.dns.sockets import ADDRESS as RESOLVER

_DNS_PORT = 53
_DISCARD_PORT = 9
_WAIT_S = 4.0
"""Longer than the kernel looks for a neighbour before it gives up (3 s)."""
_ANSWER_S = 2.0
_MOST_PORTS = 8
_ANSWER_COUNT = slice(6, 8)
_UNREACHABLE = frozenset([errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN])
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class NetworkDoctor:
    """Looks at one container at a time. See `engine.contract.diagnosis.NetworkDoctor`."""

    def __init__(
        self,
        containers: ContainerService,
        networks: NetworkService,
        *,
        all_containers: Callable[[], Iterable[Container]],
        host_servers: HostServers | None = None,
    ) -> None:
        self._containers = containers
        self._networks = networks
        self._all = all_containers
        self._host_servers = host_servers or HostServers()

    async def examine(self, ref: str) -> Diagnosis:
        """Try everything that can be tried. Raises: NotFound; Conflict when it does not run."""
        problems = self._networks.diagnose()
        ref = ref or self._somebody()
        if not ref:
            return Diagnosis(problems=problems)
        container, running = self._containers.running(ref)
        patient = Patient(container, running.shim.pidfd)
        steps = [step async for step in patient.steps(self._host_servers.current())]
        return Diagnosis(container=container.name, steps=tuple(steps), problems=problems)

    def _somebody(self) -> str:
        """The container with a network that was started last."""
        found = [each for each in self._all() if each.is_running and each.endpoints]
        return max(found, key=lambda each: each.started_ns).id if found else ""


class Patient:
    """A container that runs, and what can be tried in it."""

    def __init__(self, container: Container, pidfd: int) -> None:
        self._container = container
        self._pidfd = pidfd

    async def steps(self, servers: tuple[str, ...]) -> AsyncIterator[Step]:
        """Try one after the other; `servers` are the host's name servers."""
        if not self._container.endpoints:
            yield _skipped("name", "engine.doctor-no-network", name=self._container.name)
            return
        yield await self._name()
        yield await self._route()
        yield await self._nat(servers)
        for step in [await self._port(*each) for each in self._ports()]:
            yield step

    async def _name(self) -> Step:
        name = self._container.name
        values = {"name": name, "server": RESOLVER}
        if await self._asks(RESOLVER, name):
            return _ok("name", "engine.doctor-name-ok", **values)
        return _failed("name", "engine.doctor-name-failed", **values)

    async def _route(self) -> Step:
        gateway = next((each for each in self._gateways() if each), "")
        if not gateway:
            return _skipped("route", "engine.doctor-no-way-out")
        made = await self._socket(gateway, socket.SOCK_STREAM)
        failure = await _connect(made, gateway, _DISCARD_PORT)
        if failure in _UNREACHABLE:
            return _failed(
                "route", "engine.doctor-route-failed", gateway=gateway, error=os.strerror(failure)
            )
        return _ok("route", "engine.doctor-route-ok", gateway=gateway)

    async def _nat(self, servers: tuple[str, ...]) -> Step:
        if not any(self._gateways()):
            return _skipped("nat", "engine.doctor-no-way-out")
        outside = [each for each in servers if _is_outside(each) and self._has_family(each)]
        if not outside:
            return _skipped("nat", "engine.doctor-nat-nobody")
        server = outside[0]
        if not await _asks(_plain(server), server, "."):
            return _skipped("nat", "engine.doctor-nat-silent", server=server)
        if await self._asks(server, "."):
            return _ok("nat", "engine.doctor-nat-ok", server=server)
        return _failed("nat", "engine.doctor-nat-failed", server=server)

    async def _port(self, state: EndpointState, binding: PortBinding) -> Step:
        inside = state.address or state.address6
        host = _ANY.get(binding.host_address, binding.host_address)
        values = {
            "port": f"{host}:{binding.host_port}",
            "inside": f"{binding.container_port}/{binding.protocol}",
            "name": self._container.name,
        }
        made = await self._socket(inside, socket.SOCK_STREAM)
        if await _connect(made, inside, binding.container_port):
            return _failed("port", "engine.doctor-port-nobody", **values)
        if await _connect(_plain(host, socket.SOCK_STREAM), host, binding.host_port):
            return _failed("port", "engine.doctor-port-failed", **values)
        return _ok("port", "engine.doctor-port-ok", **values)

    def _ports(self) -> list[tuple[EndpointState, PortBinding]]:
        """The tcp ports that this host can try."""
        found = [
            (state, each)
            for state in self._container.endpoints.values()
            for each in state.bindings
            if each.protocol == TCP and each.host_port
        ]
        return found[:_MOST_PORTS]

    def _gateways(self) -> list[str]:
        states = self._container.endpoints.values()
        v4 = [each.gateway for each in states if each.default_route]
        return v4 + [each.gateway6 for each in states if each.default_route6]

    def _has_family(self, address: str) -> bool:
        states = self._container.endpoints.values()
        wanted = "address6" if ":" in address else "address"
        return any(getattr(each, wanted) for each in states)

    async def _asks(self, server: str, name: str) -> bool:
        return await _asks(await self._socket(server, socket.SOCK_DGRAM), server, name)

    async def _socket(self, address: str, kind: int) -> socket.socket:
        """Raises: Unavailable when the container has ended meanwhile."""
        return await socket_inside(self._pidfd, _family(address), kind)


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _plain(address: str, kind: int = socket.SOCK_DGRAM) -> socket.socket:
    """A socket in the host's own network."""
    return socket.socket(_family(address), kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)


async def _connect(made: socket.socket, address: str, port: int) -> int:
    """0 when somebody listens there, else the errno; a refusal is an answer of the host's own."""
    loop = asyncio.get_running_loop()
    with made:
        try:
            async with asyncio.timeout(_WAIT_S):
                await loop.sock_connect(made, (address, port))
        except TimeoutError:
            return errno.ETIMEDOUT
        except OSError as error:
            return error.errno or errno.EIO
    return 0


async def _asks(made: socket.socket, server: str, name: str) -> bool:
    """Whether a name server answers; for a name other than the root's, with an address."""
    loop = asyncio.get_running_loop()
    with made:
        try:
            async with asyncio.timeout(_ANSWER_S):
                await loop.sock_connect(made, (server, _DNS_PORT))
                for kind in (A, AAAA):
                    await loop.sock_sendall(made, _query(name, kind))
                    reply = await loop.sock_recv(made, 4096)
                    if name == "." or any(reply[_ANSWER_COUNT]):
                        return True
        except (OSError, TimeoutError):
            return False
    return False


def _query(name: str, kind: int) -> bytes:
    header = struct.pack(">HHHHHH", kind, 0x0100, 1, 0, 0, 0)
    return header + encode_name(name) + struct.pack(">HH", kind, IN)


def _is_outside(server: str) -> bool:
    try:
        return not ip_address(server).is_loopback
    except ValueError:
        return False


def _ok(name: str, key: str, /, **values: object) -> Step:
    return Step(name=name, outcome=Outcome.OK, finding=Hint(key, **values))


def _failed(name: str, key: str, /, **values: object) -> Step:
    return Step(name=name, outcome=Outcome.FAILED, finding=Hint(key, **values))


def _skipped(name: str, key: str, /, **values: object) -> Step:
    return Step(name=name, outcome=Outcome.SKIPPED, finding=Hint(key, **values))
