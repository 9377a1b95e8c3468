"""A container's start: its network namespace, and its places in its networks; and its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import msgspec

from budu.base import faults
from budu.base.errors import BuduError
from budu.engine.containers.model import Container
from budu.engine.networks.endpoints import joining_order, requests_for
from budu.engine.networks.model import HOST, NONE, NetworkRecord
from budu.engine.networks.remotes import RemoteNetworks
from budu.engine.networks.rules import check_joinable
from budu.engine.networks.settings import check_settings
from budu.engine.sandboxes import SandboxFactory
from budu.network.contract import EndpointRequest, EndpointState, Fabric
from budu.network.loopback import bring_loopback_up

START_FAILED = "failed to set up container networking: "


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """What a start needs of the network: a namespace of its own to join, None where the host's or
    another container's is used, and its endpoints. `is_connectable`: networks may come and go."""

    netns: int | None
    endpoints: dict[str, EndpointState]
    is_connectable: bool = False


class Sandboxes:
    """Makes and ends the containers' places in their networks."""

    def __init__(
        self,
        fabric: Fabric,
        factory: SandboxFactory,
        remotes: RemoteNetworks,
        *,
        find: Callable[[str], NetworkRecord],
    ) -> None:
        """`find` looks a network up by name, for a start. Raises: NotFound."""
        self._fabric = fabric
        self._remotes = remotes
        self._factory = factory
        self._find = find

    async def open(self, container: Container) -> Sandbox:
        """Make the container's network namespace and connect it.

        Raises: NotFound (network), Conflict when a port is taken, ResourceExhausted when no address
        is left; nothing is left behind then.
        """
        try:
            return await self._open(container)
        except BuduError as error:
            raise error.after(START_FAILED) from error

    async def _open(self, container: Container) -> Sandbox:
        mode = container.host_config.network_mode
        if mode == HOST or mode.startswith("container:"):
            return Sandbox(netns=None, endpoints={})
        records = self._records(container)
        netns = self._factory.make()
        try:
            if not records:
                bring_loopback_up(netns)
                can_join = NONE not in container.endpoint_settings
                return Sandbox(netns=netns, endpoints={}, is_connectable=can_join)
            endpoints = await self._connect(container, netns, records)
            return Sandbox(netns=netns, endpoints=endpoints, is_connectable=True)
        except BaseException:
            os.close(netns)
            raise

    def _records(self, container: Container) -> dict[str, NetworkRecord]:
        if container.config.network_disabled:
            return {}
        records = {name: self._find(name) for name in joining_order(container)}
        for name, record in records.items():
            check_joinable(record)
            settings = container.endpoint_settings[name]
            if not settings.network_id:  # it was made after the container
                check_settings(record, settings)
        return {name: record for name, record in records.items() if record.has_endpoints}

    async def _connect(
        self, container: Container, netns: int, records: dict[str, NetworkRecord]
    ) -> dict[str, EndpointState]:
        endpoints: dict[str, EndpointState] = {}
        try:
            for name, request in requests_for(container, records).items():
                endpoints[name] = await self.join(records[name], netns, request)
                faults.at("start.endpoint-made")
        except BaseException:
            self.disconnect(endpoints.values())
            raise
        return endpoints

    async def join(
        self, record: NetworkRecord, netns: int, request: EndpointRequest
    ) -> EndpointState:
        """One place in one network. Raises: as `open`."""
        if record.needs_plugins:
            return await self._remotes.connect(record, netns, request)
        return self._fabric.connect(record.id, netns, request)

    def leave(self, state: EndpointState, *, netns: int | None = None) -> None:
        """Give one place up; `netns` is for a container that runs on."""
        self._fabric.disconnect(state, netns_fd=netns)
        self._remotes.leave(state, netns=netns)

    def disconnect(self, endpoints: Iterable[EndpointState]) -> None:
        """Free addresses and ports; the links go with the namespace."""
        for state in endpoints:
            self.leave(state)

    def close(self) -> None:
        """End the thread that makes namespaces."""
        self._factory.close()
