"""All networks of one engine: what exists. See `engine.contract.networks.Networks`.

A record and its event are stored in one transaction, and the kernel's side is changed inside it:
what fails there leaves no record. An engine that is killed in between leaves a bridge without a
record, which the next one sweeps away, or a record without a bridge, which it makes again.
"""

from __future__ import annotations

import hashlib
import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable, Iterator

import msgspec

from budu.base import faults
from budu.base.clock import now_ns, parse_time_argument
from budu.base.errors import (
    Conflict,
    DeadlineExceeded,
    Hint,
    Internal,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unavailable,
)
from budu.base.filters import Filters
from budu.base.ids import new_id
from budu.engine.containers.model import Container
from budu.engine.contract import NetworkList, Texts
from budu.engine.database import Database
from budu.engine.events import EventLog
from budu.engine.networks.defaults import NetworkDefaults, with_driver_options
from budu.engine.networks.endpoints import port_requests
from budu.engine.networks.etc_files import host_gateway, write_files
from budu.engine.networks.model import (
    BRIDGE,
    HOST,
    HOST_DRIVER,
    NONE,
    NULL_DRIVER,
    NetworkRecord,
)
from budu.engine.networks.remotes import RemoteNetworks
from budu.engine.networks.repository import NetworkRepository, network_missing
from budu.engine.networks.rules import check_joinable, check_name, check_removal, draft
from budu.engine.networks.sandboxes import Sandbox, Sandboxes
from budu.engine.networks.settings import check_settings, only_wishes, sharing_fault
from budu.engine.networks.views import network_view, open_port_view
from budu.engine.paths import ContainerPaths
from budu.engine.sandboxes import SandboxFactory
from budu.network.contract import EndpointState, Fabric, NetworkSpec
from budu.spec.api.host_config import HostConfig
from budu.spec.api.network import (
    EndpointSettings,
    Network,
    NetworkCreateBody,
    NetworkCreateResponse,
    NetworkingConfig,
    OpenPort,
)

log = logging.getLogger(__name__)

_FILTER_KEYS = frozenset(["dangling", "driver", "id", "label", "name", "scope", "type"])
_PRUNE_KEYS = frozenset(["label", "label!", "until"])


def predefined_id(engine_id: str, name: str) -> str:
    """The id of a network that every engine has: the same after each start."""
    return hashlib.sha256(f"{engine_id}/{name}".encode()).hexdigest()


class NetworkService:
    """Records and rules of networks, and the containers' starts in them."""

    def __init__(
        self,
        fabric: Fabric,
        sandboxes: SandboxFactory,
        remotes: RemoteNetworks,
        database: Database,
        events: EventLog,
        *,
        engine_id: str,
        created_ns: int,
        containers: Callable[[], Iterable[Container]],
        defaults: NetworkDefaults | None = None,
    ) -> None:
        self._defaults = defaults or NetworkDefaults()
        self._fabric = fabric
        self._remotes = remotes
        self._database = database
        self._events = events
        self._engine_id = engine_id
        self._created_ns = created_ns
        self._containers = containers
        self._records = NetworkRepository(database)
        self._sandboxes = Sandboxes(fabric, sandboxes, remotes, find=self.find_to_join)
        self._is_pruning = False
        for name, driver in ((HOST, HOST_DRIVER), (NONE, NULL_DRIVER)):
            spec = NetworkSpec(id=predefined_id(engine_id, name), name=name, driver=driver)
            self._remember(spec)
        self._remember(NetworkSpec(id=predefined_id(engine_id, BRIDGE), name=BRIDGE))

    def _remember(self, spec: NetworkSpec) -> None:
        self._records.remember(NetworkRecord(spec=spec, created_ns=self._created_ns))

    # The engine's start and end

    def start(self) -> None:
        """Make the default bridge and the firewall's table. Raises: Internal, PermissionDenied."""
        self._fabric.start()
        default = self._fabric.default
        options = {**_bridge_options(default, self._fabric.mtu(default.id)), **default.options}
        self._remember(msgspec.structs.replace(default, options=options))

    def restore(self, states: list[EndpointState]) -> Texts:
        """Take over what containers of an earlier engine have; warnings for people."""
        specs = [
            each.spec
            for each in self._records.all()
            if each.has_endpoints and not each.is_predefined and not each.is_remote
        ]
        remote = {each.id for each in self._records.all() if each.is_remote}
        local = [each for each in states if each.network_id not in remote]
        warnings = self._fabric.restore(specs, local)
        self._remotes.restore(self._records.all(), states)
        for warning in warnings:
            log.warning("networks: %s", warning)
        return warnings

    def serve(self, loop: AbstractEventLoop) -> None:
        """Repair what others break, until `close`."""
        self._fabric.serve(loop, report=lambda text: log.warning("networks: %s", text))

    def close(self) -> None:
        """Let go of sockets and the thread; the containers' traffic goes on."""
        self._fabric.close()
        self._sandboxes.close()

    # Making and removing

    async def create(self, body: NetworkCreateBody) -> NetworkCreateResponse:
        """Make a network. Raises: InvalidArgument, PermissionDenied, AlreadyExists, NotFound,
        Conflict, ResourceExhausted with Docker's sentences."""
        body = with_driver_options(body, self._defaults.driver_options)
        record = draft(body, new_id(), self._records.named, created_ns=now_ns())
        if record.needs_plugins:
            return await self._create_remote(record, body)
        self._fabric.check(record.spec)
        if not record.config_only:
            spec = self._fabric.choose(record.spec)
            record = msgspec.structs.replace(record, spec=spec)
        self._store_new(record)
        return NetworkCreateResponse(id=record.id)

    async def _create_remote(
        self, record: NetworkRecord, body: NetworkCreateBody
    ) -> NetworkCreateResponse:
        """As `create`, where plugins are asked: meanwhile the name may have been taken."""
        record = await self._remotes.prepare(record)
        try:
            await self._remotes.announce(record)
            check_name(body, self._records.named)
            self._store_new(record)
        except BaseException:
            await self._remotes.withdraw(record)
            raise
        return NetworkCreateResponse(id=record.id)

    def _store_new(self, record: NetworkRecord) -> None:
        made = False
        try:
            with self._database.transaction():
                self._records.add(record)
                self._emit(record, "create")
                if not record.config_only and not record.is_remote:
                    self._fabric.create(record.spec)
                    made = True
                faults.at("network.created")
        except BaseException:
            if made:
                self._fabric.remove(record.id)
            raise

    async def remove(self, ref: str) -> None:
        """Raises: NotFound; PermissionDenied when it is predefined or in use."""
        await self._remove(self._records.get(ref))

    async def _remove(self, record: NetworkRecord) -> None:
        self._check_removal(record)
        if record.needs_plugins:
            await self._remotes.remove(record)
        with self._database.transaction():
            self._records.remove(record)
            if not record.config_only:
                self._emit(record, "destroy")
                self._fabric.remove(record.id)
            faults.at("network.removed")
        await self._fabric.settled()

    def _check_removal(self, record: NetworkRecord) -> None:
        check_removal(
            record,
            members=[(each.name, each.id) for each, _ in self._members(record)],
            dependents=[
                each.name for each in self._records.all() if each.config_from == record.name
            ]
            if record.config_only
            else (),
        )

    def _emit(self, record: NetworkRecord, action: str, **attributes: str) -> None:
        attributes |= {"name": record.name, "type": record.spec.driver}
        self._events.emit("network", action, record.id, **attributes)

    def tell(self, name: str, action: str, container: Container) -> None:
        """Tell that a container came into a network, or left it."""
        record = self._records.named(name)
        if record is not None:
            self._emit(record, action, container=container.id)

    async def prune(self, filters: Filters) -> Texts:
        """Remove networks of users' own in which nothing runs; their names.

        Raises: InvalidArgument for a filter; Conflict while another prune runs.
        """
        filters.check_keys(_PRUNE_KEYS)
        moments = [parse_time_argument(text, now_ns=now_ns()) for text in filters.get("until")]
        if self._is_pruning:
            raise Conflict("a prune operation is already running")
        self._is_pruning = True
        try:
            removed = await self._prune(filters, before_ns=min(moments, default=now_ns()))
        finally:
            self._is_pruning = False
        self._events.emit("network", "prune", "", reclaimed="0")
        return removed

    async def _prune(self, filters: Filters, *, before_ns: int) -> Texts:
        removed = []
        for record in self._records.all():
            if record.is_predefined or record.config_only or record.created_ns > before_ns:
                continue
            if not filters.matches_prune_labels(record.labels):
                continue
            try:
                await self._remove(record)
            except (PermissionDenied, Conflict, Internal, Unavailable, DeadlineExceeded, NotFound):
                continue
            removed.append(record.name)
        return removed

    # Looking

    def list(self, filters: Filters) -> NetworkList:
        """Networks by name. Raises: InvalidArgument for an unknown filter."""
        filters.check_keys(_FILTER_KEYS)
        for kind in filters.get("type"):
            if kind not in ("builtin", "custom"):
                raise InvalidArgument(f"invalid filter: 'type'='{kind}'")
        return [network_view(each) for each in self._records.all() if self._matches(each, filters)]

    def _matches(self, record: NetworkRecord, filters: Filters) -> bool:
        return (
            filters.matches_pattern("name", record.name)
            and filters.matches_prefix("id", record.id)
            and filters.matches_exactly("driver", network_view(record).driver)
            and filters.matches_exactly("scope", record.scope)
            and filters.matches_exactly("type", "builtin" if record.is_predefined else "custom")
            and filters.matches_labels("label", record.labels)
            and self._matches_use(record, filters)
        )

    def _matches_use(self, record: NetworkRecord, filters: Filters) -> bool:
        if "dangling" not in filters:
            return True
        unused = not record.is_predefined and not any(True for _ in self._members(record))
        return unused == filters.boolean("dangling", default=False)

    def get(self, ref: str, *, scope: str = "") -> Network:
        """One network with its containers. Raises: NotFound."""
        record = self._records.get(ref)
        if scope and scope != record.scope:
            raise network_missing(ref, known=", ".join(each.name for each in self._records.all()))
        return network_view(record, self._members(record))

    def record(self, ref: str) -> NetworkRecord:
        """What the engine knows of a network. Raises: NotFound."""
        return self._records.get(ref)

    def id_of(self, name: str) -> str:
        """The id of the network with this name; empty when there is none."""
        record = self._records.named(name)
        return record.id if record else ""

    def is_internal(self, name: str) -> bool:
        """Whether the network with this name has no way out."""
        record = self._records.named(name)
        return record is not None and record.spec.internal

    def published(self) -> tuple[OpenPort, ...]:
        """Every port that leads from the host into a container."""
        return tuple(open_port_view(each) for each in self._fabric.published())

    def diagnose(self) -> tuple[Hint, ...]:
        """What on this host keeps containers from their networks."""
        return self._fabric.diagnose()

    def _members(self, record: NetworkRecord) -> Iterator[tuple[Container, EndpointState | None]]:
        for container in self._containers():
            if container.is_running and record.name in container.endpoint_settings:
                yield container, container.endpoints.get(record.name)

    # Containers

    def plan(
        self, host: HostConfig, networking: NetworkingConfig | None
    ) -> dict[str, EndpointSettings]:
        """The endpoints that a new container will have, by network name.

        A network that is not there yet is looked for by the start, as Docker does.
        Raises: InvalidArgument for what a network cannot give; Conflict for a configuration.
        """
        mode = host.network_mode
        asked = (networking.endpoints_config if networking else None) or {}
        if mode.startswith("container:"):
            if any(each is not None and each != EndpointSettings() for each in asked.values()):
                raise sharing_fault()
            return {}
        wishes = {self._name_of(ref): each or EndpointSettings() for ref, each in asked.items()}
        if not wishes:
            wishes = {self._name_of(mode): EndpointSettings()}
        _check_mode(self._name_of(mode), wishes)
        port_requests(host, ())
        return {name: self._checked(name, each) for name, each in wishes.items()}

    def _name_of(self, ref: str) -> str:
        if ref in ("", "default"):
            return BRIDGE
        try:
            return self._records.get(ref).name
        except NotFound:
            return ref

    def _checked(self, name: str, settings: EndpointSettings) -> EndpointSettings:
        record = self._records.named(name)
        if record is None:
            return only_wishes(settings)
        check_joinable(record)
        return check_settings(record, settings)

    def find_to_join(self, name: str) -> NetworkRecord:
        """A network that a container joins. Raises: NotFound; Conflict for a configuration."""
        record = self._records.named(name)
        if record is None:
            known = ", ".join(each.name for each in self._records.all())
            raise network_missing(name, known=known)
        check_joinable(record)
        return record

    async def open(self, container: Container) -> Sandbox:
        """Make the container's network namespace and connect it.

        Raises: NotFound (network), Conflict when a port is taken, ResourceExhausted when no address
        is left; nothing is left behind then.
        """
        return await self._sandboxes.open(container)

    @property
    def places(self) -> Sandboxes:
        """Makes and ends single places in networks."""
        return self._sandboxes

    def write_files(
        self,
        container: Container,
        endpoints: dict[str, EndpointState],
        files: ContainerPaths,
        *,
        linked: Iterable[str] = (),
    ) -> None:
        """Write the container's hosts, hostname and resolv.conf; `linked` are lines for hosts."""
        gateways = self._defaults.host_gateways or host_gateway(self._fabric.default)
        write_files(
            container,
            endpoints,
            files,
            host_gateways=gateways,
            linked=linked,
            defaults=self._defaults,
        )

    def disconnect(self, endpoints: dict[str, EndpointState]) -> None:
        """Free addresses and ports; the links go with the namespace."""
        self._sandboxes.disconnect(endpoints.values())


def _bridge_options(default: NetworkSpec, mtu: int) -> dict[str, str]:
    """What Docker shows of the default bridge."""
    prefix = "com.docker.network."
    return {
        f"{prefix}bridge.default_bridge": "true",
        f"{prefix}bridge.enable_icc": "true",
        f"{prefix}bridge.enable_ip_masquerade": "true",
        f"{prefix}bridge.host_binding_ipv4": "0.0.0.0",
        f"{prefix}bridge.name": default.link,
        f"{prefix}driver.mtu": str(mtu),
    }


def _check_mode(mode: str, wishes: dict[str, EndpointSettings]) -> None:
    """A container in the host's network, or in none, is in no other."""
    if len(wishes) == 1 and mode in wishes:
        return
    names = {mode, *wishes}
    if HOST in names and len(names) > 1:
        raise sharing_fault()
    if NONE in names and len(names) > 1:
        raise InvalidArgument(
            "container cannot be connected to multiple networks with one of the networks in "
            "private (none) mode"
        )
