"""Networks and ports of containers that exist: connect, disconnect, publish, close.

A container that runs is changed at once, links, routes, ports and names; what it asks for is kept
in its record, so that its next start makes the same. All of it happens under the container's lock.
Source: moby 28.3, daemon/container_operations.go (ConnectToNetwork, DisconnectFromNetwork).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from budu.base import faults
from budu.base.errors import BuduError, Conflict, Internal, NotFound, PermissionDenied
from budu.engine.containers.model import Container, Status
from budu.engine.containers.service import ContainerService
from budu.engine.containers.start import Running
from budu.engine.networks.endpoints import (
    exposed_ports,
    port_requests,
    request_for,
    requests_again,
    ways_of,
)
from budu.engine.networks.etc_files import change_own_lines
from budu.engine.networks.model import HOST, NONE, NetworkRecord
from budu.engine.networks.ports import closed_bindings, with_ports, without_ports
from budu.engine.networks.rules import check_joinable
from budu.engine.networks.service import NetworkService
from budu.engine.networks.settings import check_company, check_settings, sharing_fault
from budu.engine.networks.ways import Ways
from budu.engine.paths import EnginePaths
from budu.network.contract import BRIDGE, EndpointState, Fabric
from budu.shim.client import process_start_ticks
from budu.spec.api.host_config import PortMap
from budu.spec.api.network import EndpointSettings

log = logging.getLogger(__name__)

_LEAVING = frozenset([Status.REMOVING, Status.DEAD])
Endpoints = dict[str, EndpointState]


class NetworkMembers:
    """Who is in which network, and what is published, while containers live."""

    def __init__(
        self,
        containers: ContainerService,
        networks: NetworkService,
        fabric: Fabric,
        paths: EnginePaths,
    ) -> None:
        self._containers = containers
        self._networks = networks
        self._fabric = fabric
        self._paths = paths

    # Networks

    async def connect(self, network: str, ref: str, settings: EndpointSettings | None) -> None:
        """Bring a container into a network.

        Raises: NotFound, InvalidArgument, PermissionDenied (is in it already), Conflict,
        ResourceExhausted; nothing has changed then.
        """
        container = self._containers.get(ref)
        record = self._networks.record(network)
        async with self._containers.holding(container.id):
            container = self._containers.get(container.id)
            check_joinable(record)
            _check_state(container)
            check_company(container.endpoint_settings, record)
            checked = check_settings(record, settings or EndpointSettings())
            if record.name in container.endpoint_settings:
                _refuse_twice(container, record)
                return
            await self._connect(container, record, checked)

    async def _connect(
        self, container: Container, record: NetworkRecord, settings: EndpointSettings
    ) -> None:
        wishes = {**container.endpoint_settings, record.name: settings}
        wanted = msgspec.structs.replace(container, endpoint_settings=wishes)
        if not container.is_running:
            self._containers.change(container.id, endpoint_settings=wishes)
            return
        _, running = self._containers.running(container.id)
        with _Inside(container) as netns:
            await self._join(container, wanted, running, record, netns)
        change_own_lines(self._hosts(container), container, new=running.endpoints[record.name])
        self._networks.tell(record.name, "connect", container)

    async def _join(
        self,
        container: Container,
        wanted: Container,
        running: Running,
        record: NetworkRecord,
        netns: int,
    ) -> None:
        """Make the new place, then lead routes and ports there if the ways say so.

        The place is stored before: an engine that dies then leaves what `mend` finds.
        """
        before = running.endpoints
        ways = self._ways(wanted, [*before, record.name])
        request = msgspec.structs.replace(
            request_for(wanted, record.name, ways),
            ports=(),
            default_route=False,
            default_route6=False,
        )
        state = await self._networks.places.join(record, netns, request)
        faults.at("network.connected")
        try:
            endpoints = {**before, record.name: state}
            self._store(wanted, running, endpoints)
            faults.at("network.place-stored")
            self._store(wanted, running, self._lead(wanted, endpoints, ways, netns))
        except BaseException:
            self._networks.places.leave(state, netns=netns)
            self._store(container, running, before)
            self._set_routes(before, self._ways(container, before), netns)
            raise

    async def disconnect(self, network: str, ref: str, *, force: bool) -> None:
        """Take a container out of a network; `force` also out of one that is gone.

        Raises: NotFound, InvalidArgument; Internal, as Docker has it, when it is not in it.
        """
        container = self._leaving(ref, network, force=force)
        name = self._name_of(network, force=force)
        async with self._containers.holding(container.id):
            container = self._containers.get(container.id)
            _check_state(container)
            if name not in container.endpoint_settings:
                known = self._networks.id_of(name)
                words = "" if container.is_running and known else "the "
                raise Internal(
                    f"container {container.id} is not connected to {words}network {name}"
                )
            if name == HOST and container.is_running:
                raise Conflict(
                    "container cannot be disconnected from host network or connected to host "
                    "network"
                )
            self._disconnect(container, name)

    def _leaving(self, ref: str, network: str, *, force: bool) -> Container:
        try:
            return self._containers.get(ref)
        except NotFound as error:
            if not force:
                raise
            self._networks.record(network)
            raise NotFound(f"endpoint {ref} not found", reference=ref) from error

    def _name_of(self, network: str, *, force: bool) -> str:
        try:
            return self._networks.record(network).name
        except NotFound:
            if not force:
                raise
            return network

    def _disconnect(self, container: Container, name: str) -> None:
        wishes = {key: each for key, each in container.endpoint_settings.items() if key != name}
        wanted = msgspec.structs.replace(container, endpoint_settings=wishes)
        if not container.is_running:
            self._containers.change(container.id, endpoint_settings=wishes)
            return
        _, running = self._containers.running(container.id)
        gone = running.endpoints.get(name)
        if gone is None:
            self._store(wanted, running, running.endpoints)
        else:
            self._leave(wanted, running, name, gone)
            change_own_lines(self._hosts(container), container, gone=gone)
        self._networks.tell(name, "disconnect", container)

    def _leave(self, wanted: Container, running: Running, name: str, gone: EndpointState) -> None:
        """Give a place up, then lead routes and ports to where they belong now."""
        left = {key: state for key, state in running.endpoints.items() if key != name}
        with _Inside(wanted) as netns:
            self._store(wanted, running, left)
            faults.at("network.leaving-stored")
            self._networks.places.leave(gone, netns=netns)
            faults.at("network.disconnected")
            ways = self._ways(wanted, left)
            left = self._set_routes(left, ways, netns)
            self._store(wanted, running, left)
            if gone.bindings and ways.ports and left[ways.ports].driver == BRIDGE:
                moved = self._fabric.publish(left[ways.ports], requests_again(gone))
                self._store(wanted, running, {**left, ways.ports: moved})

    def mend(self, containers: Iterable[Container]) -> None:
        """Finish what an engine left that died in the middle: routes and ports that lead nowhere.

        Once, after an engine's start, when the containers that run are known.
        """
        for container in containers:
            if container.is_running and container.endpoints:
                try:
                    self._mend(container)
                except (BuduError, OSError) as error:
                    log.warning("networks not mended container=%s error=%s", container.id, error)

    def _mend(self, container: Container) -> None:
        ways = self._ways(container, container.endpoints)
        leading = [
            name
            for name, each in container.endpoints.items()
            if (each.default_route, each.default_route6) == (name == ways.v4, name == ways.v6)
        ]
        if len(leading) == len(container.endpoints):
            return
        _, running = self._containers.running(container.id)
        with _Inside(container) as netns:
            endpoints = self._lead(container, running.endpoints, ways, netns)
            self._store(container, running, endpoints)

    # What leads out

    def _ways(self, container: Container, names: Iterable[str]) -> Ways:
        return ways_of(container, {name: self._networks.record(name) for name in names})

    def _lead(
        self, container: Container, endpoints: Endpoints, ways: Ways, netns: int
    ) -> Endpoints:
        """Move ports and default routes to where they belong now."""
        endpoints = self._move_ports(container, endpoints, ways)
        return self._set_routes(endpoints, ways, netns)

    def _move_ports(self, container: Container, endpoints: Endpoints, ways: Ways) -> Endpoints:
        """Publish the ports where the ways say, at the host ports that they have already.

        When that is refused they are where they were.
        """
        holder = next((name for name, each in endpoints.items() if each.bindings), "")
        if not ways.ports or holder == ways.ports or endpoints[ways.ports].driver != BRIDGE:
            return endpoints
        target = endpoints[ways.ports]
        if not holder:
            requests = port_requests(container.host_config, target.exposed)
            moved = self._fabric.publish(target, requests) if requests else target
            return {**endpoints, ways.ports: moved}
        requests = requests_again(endpoints[holder])
        closed = self._fabric.unpublish(endpoints[holder], endpoints[holder].bindings)
        try:
            moved = self._fabric.publish(target, requests)
        except BaseException:
            self._fabric.publish(closed, requests)
            raise
        return {**endpoints, holder: closed, ways.ports: moved}

    def _set_routes(self, endpoints: Endpoints, ways: Ways, netns: int) -> Endpoints:
        v4, v6 = endpoints.get(ways.v4), endpoints.get(ways.v6)
        self._fabric.set_default_routes(netns, v4=v4, v6=v6)
        return {
            name: msgspec.structs.replace(
                state, default_route=name == ways.v4, default_route6=name == ways.v6
            )
            for name, state in endpoints.items()
        }

    # Ports

    async def publish(self, ref: str, ports: PortMap) -> None:
        """Publish more ports of a container; all or none.

        Raises: NotFound, InvalidArgument; Conflict when one is taken or no network can.
        """
        container = self._containers.get(ref)
        async with self._containers.holding(container.id):
            container = self._containers.get(container.id)
            _check_publishable(container)
            host = with_ports(container.host_config, ports)
            only_new = msgspec.structs.replace(host, port_bindings=ports, publish_all_ports=False)
            requests = port_requests(only_new, ())
            if not container.is_running:
                self._containers.change(container.id, host_config=host)
                return
            _, running = self._containers.running(container.id)
            name = self._ways(container, running.endpoints).ports
            if not name or running.endpoints[name].driver != BRIDGE:
                raise Conflict(
                    f"container {container.name} is in no network that can publish ports"
                )
            state = self._fabric.publish(running.endpoints[name], requests)
            wanted = msgspec.structs.replace(container, host_config=host)
            endpoints = {**running.endpoints, name: state}
            self._store(wanted, running, _exposing(wanted, endpoints, name))

    async def unpublish(self, ref: str, ports: PortMap) -> None:
        """Close ports of a container: those of `ports`, all bindings where it names none.

        Raises: NotFound when one of them is not published.
        """
        container = self._containers.get(ref)
        async with self._containers.holding(container.id):
            container = self._containers.get(container.id)
            host = without_ports(container, ports)
            if not container.is_running:
                self._containers.change(container.id, host_config=host)
                return
            _, running = self._containers.running(container.id)
            endpoints = {
                name: self._fabric.unpublish(state, closing)
                if (closing := closed_bindings(state.bindings, ports))
                else state
                for name, state in running.endpoints.items()
            }
            wanted = msgspec.structs.replace(container, host_config=host)
            name = self._ways(container, endpoints).ports
            self._store(wanted, running, _exposing(wanted, endpoints, name))

    # Records

    def _store(self, wanted: Container, running: Running, endpoints: Endpoints) -> None:
        self._containers.change(
            wanted.id,
            endpoint_settings=wanted.endpoint_settings,
            host_config=wanted.host_config,
            endpoints=endpoints,
        )
        running.endpoints = endpoints

    def _hosts(self, container: Container) -> Path:
        return self._paths.container(container.id).hosts


def _exposing(container: Container, endpoints: Endpoints, name: str) -> Endpoints:
    """The endpoints with the ports that the container declares now, in the network `name`."""
    if name not in endpoints:
        return endpoints
    exposed = exposed_ports(container)
    return {**endpoints, name: msgspec.structs.replace(endpoints[name], exposed=exposed)}


class _Inside:
    """The network namespace of a container that runs, by descriptor."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._fd = -1

    def __enter__(self) -> int:
        container = self._container
        gone = Conflict(f"container {container.id} is not running")
        try:
            self._fd = os.open(f"/proc/{container.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise gone from None
        if process_start_ticks(container.pid) != container.pid_started:
            os.close(self._fd)
            raise gone
        return self._fd

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _check_state(container: Container) -> None:
    if container.host_config.network_mode.startswith("container:"):
        raise sharing_fault()
    if container.status in _LEAVING:
        raise PermissionDenied(
            f"Container {container.id} is marked for removal and cannot be connected or "
            "disconnected to the network"
        )


def _refuse_twice(container: Container, record: NetworkRecord) -> None:
    """Docker minds only while the container runs."""
    if container.is_running:
        raise PermissionDenied(
            f"endpoint with name {container.name} already exists in network {record.name}"
        )


def _check_publishable(container: Container) -> None:
    mode = container.host_config.network_mode
    if mode in (HOST, NONE) or mode.startswith("container:"):
        raise Conflict(
            f"container {container.name} has network mode {mode} and no ports to publish"
        )
