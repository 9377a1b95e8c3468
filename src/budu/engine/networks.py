"""Networks of containers: which one each joins, and the sandbox that holds its interfaces.

There are the three predefined networks. The kernel's part is `network`'s; here are the rules: what
a create may ask for, what a start makes, what an end takes away.
Source: Engine API 1.51 HostConfig.NetworkMode, NetworkingConfig, Network; docker network reference.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from budu.base.clock import format_time, now_ns, parse_time_argument
from budu.base.errors import Hint, InvalidArgument, NotFound
from budu.base.filters import Filters
from budu.engine.containers.model import Container
from budu.engine.contract import NetworkList, Texts
from budu.engine.paths import ContainerPaths
from budu.engine.sandboxes import SandboxFactory
from budu.network.contract import EndpointState, PortRequest
from budu.network.files import (
    RESOLVED_FILE,
    ResolverMode,
    host_mode_hosts_file,
    hostname_file,
    hosts_file,
    is_stub_only,
    resolv_conf,
)
from budu.network.loopback import bring_loopback_up
from budu.network.port_requests import parse_exposed, parse_requests
from budu.network.service import BridgeService
from budu.spec.api.host_config import HostConfig
from budu.spec.api.network import (
    IPAM,
    EndpointSettings,
    IPAMConfig,
    Network,
    NetworkContainer,
    NetworkingConfig,
)

BRIDGE, HOST, NONE = "bridge", "host", "none"
PREDEFINED = (BRIDGE, HOST, NONE)
_DRIVERS = {BRIDGE: "bridge", HOST: "host", NONE: "null"}
_HOSTS = Path("/etc/hosts")
_RESOLV_CONF = Path("/etc/resolv.conf")
_FILTER_KEYS = frozenset(["dangling", "driver", "id", "label", "name", "scope", "type"])
_PRUNE_KEYS = frozenset(["label", "label!", "until"])


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """What a start needs of the network: a namespace of its own to join, None where the host's or
    another container's is used, and its endpoints."""

    netns: int | None
    endpoints: dict[str, EndpointState]


class NetworkService:
    """All networks of one engine. See `engine.contract.Networks`."""

    def __init__(
        self,
        bridge: BridgeService,
        sandboxes: SandboxFactory,
        *,
        engine_id: str,
        created_ns: int,
        containers: Callable[[], Iterable[Container]],
    ) -> None:
        self._bridge = bridge
        self._sandboxes = sandboxes
        self._created_ns = created_ns
        self._containers = containers
        self._ids = {
            name: hashlib.sha256(f"{engine_id}/{name}".encode()).hexdigest() for name in PREDEFINED
        }

    def id_of(self, name: str) -> str:
        """The id of the network with this name; empty when there is none."""
        return self._ids.get(name, "")

    def start(self) -> None:
        """Make the default bridge and the firewall's table. Raises: Internal, PermissionDenied."""
        self._bridge.start()

    # What a create may ask for

    def plan(
        self, host: HostConfig, networking: NetworkingConfig | None
    ) -> dict[str, EndpointSettings]:
        """The endpoints that a new container will have, by network name.

        Raises: NotFound for an unknown network; InvalidArgument for addresses where none can be.
        """
        mode = host.network_mode
        if mode.startswith("container:"):
            return {}
        name = self._name_of(mode)
        asked = (networking.endpoints_config if networking else None) or {}
        for other in asked:
            if other != "default" and self._name_of(other) != name:
                raise InvalidArgument(
                    f"container cannot be connected to network endpoints: {name}, {other}"
                )
        settings = next((each for each in asked.values() if each is not None), EndpointSettings())
        _check_settings(name, settings)
        _requests(host, ())
        return {name: settings}

    def _name_of(self, ref: str) -> str:
        for name, id_ in self._ids.items():
            if ref == name or (len(ref) >= 2 and id_.startswith(ref)):
                return name
        raise NotFound(
            f"network {ref} not found",
            reference=ref,
            hint=Hint("engine.network-missing", known=", ".join(PREDEFINED)),
        )

    # What a start makes

    async def open(self, container: Container) -> Sandbox:
        """Make the container's network namespace and connect it.

        Raises: Conflict when a port is taken, ResourceExhausted when no address is left; nothing
        is left behind then.
        """
        mode = container.host_config.network_mode
        if mode == HOST or mode.startswith("container:"):
            return Sandbox(netns=None, endpoints={})
        netns = self._sandboxes.make()
        try:
            if mode == NONE or container.config.network_disabled:
                bring_loopback_up(netns)
                return Sandbox(netns=netns, endpoints={})
            name = self._name_of(mode)
            return Sandbox(netns=netns, endpoints={name: self._connect(container, netns, name)})
        except BaseException:
            os.close(netns)
            raise

    def _connect(self, container: Container, netns: int, name: str) -> EndpointState:
        settings = container.endpoint_settings.get(name) or EndpointSettings()
        host = container.host_config
        declared = [*(container.config.exposed_ports or ()), *(host.port_bindings or ())]
        exposed = parse_exposed(declared)
        return self._bridge.connect(
            container.id,
            netns,
            name=container.name,
            requests=_requests(host, exposed),
            exposed=exposed,
            mac=settings.mac_address or container.config.mac_address,
        )

    def write_files(
        self,
        container: Container,
        endpoints: dict[str, EndpointState],
        files: ContainerPaths,
        *,
        linked: Iterable[str] = (),
    ) -> None:
        """Write the container's hosts, hostname and resolv.conf; `linked` are lines for hosts."""
        host, config = container.host_config, container.config
        gateway = str(self._bridge.gateway)
        extra = tuple(host.extra_hosts or ())
        uses_host = host.network_mode == HOST
        if uses_host:
            hosts = host_mode_hosts_file(_read(_HOSTS), extra_hosts=extra, host_gateway=gateway)
        else:
            hosts = hosts_file(
                config.hostname,
                addresses=[each.address for each in endpoints.values()],
                domain=config.domainname,
                extra_hosts=extra,
                host_gateway=gateway,
            )
        resolver = resolv_conf(
            _host_resolver(),
            servers=tuple(host.dns or ()),
            search=tuple(host.dns_search or ()),
            options=tuple(host.dns_options or ()),
            mode=_resolver_mode(uses_host, endpoints),
        )
        files.hosts.write_text(hosts + "".join(linked))
        files.hostname.write_text(hostname_file(config.hostname))
        files.resolv_conf.write_text(resolver)

    def disconnect(self, endpoints: dict[str, EndpointState]) -> None:
        """Free addresses and ports; the links go with the namespace."""
        for state in endpoints.values():
            self._bridge.disconnect(state)

    def restore(self, states: list[EndpointState]) -> Texts:
        """Take over what containers of an earlier engine have; warnings for people."""
        return self._bridge.restore(states)

    def close(self) -> None:
        """Let go of sockets and the thread; the containers' traffic goes on."""
        self._bridge.close()
        self._sandboxes.close()

    # Looking

    def list(self, filters: Filters) -> NetworkList:
        """Networks by name. Raises: InvalidArgument for an unknown filter."""
        filters.check_keys(_FILTER_KEYS)
        dangling = filters.boolean("dangling", default=False)
        return [
            self._render(name)
            for name in PREDEFINED
            if filters.matches_pattern("name", name)
            and filters.matches_prefix("id", self._ids[name])
            and filters.matches_exactly("driver", _DRIVERS[name])
            and filters.matches_exactly("scope", "local")
            and filters.matches_exactly("type", "builtin")
            and filters.matches_labels("label", {})
            and not dangling
        ]

    async def prune(self, filters: Filters) -> Texts:
        """Remove networks of users' own that no container has; their names.

        Raises: InvalidArgument for a filter.
        """
        filters.check_keys(_PRUNE_KEYS)
        for text in filters.get("until"):
            parse_time_argument(text, now_ns=now_ns())
        return []

    def get(self, ref: str) -> Network:
        """Raises: NotFound."""
        name = self._name_of(ref)
        return msgspec.structs.replace(self._render(name), containers=dict(self._members(name)))

    def _render(self, name: str) -> Network:
        pools = [IPAMConfig(subnet=str(self._bridge.subnet), gateway=str(self._bridge.gateway))]
        return Network(
            name=name,
            id=self._ids[name],
            created=format_time(self._created_ns),
            scope="local",
            driver=_DRIVERS[name],
            enable_ipv4=True,
            ipam=IPAM(driver="default", config=pools if name == BRIDGE else []),
            options=self._options() if name == BRIDGE else {},
        )

    def _options(self) -> dict[str, str]:
        prefix = "com.docker.network."
        return {
            f"{prefix}bridge.default_bridge": "true",
            f"{prefix}bridge.enable_icc": "true",
            f"{prefix}bridge.enable_ip_masquerade": "true",
            f"{prefix}bridge.host_binding_ipv4": self._bridge.config.host_address,
            f"{prefix}bridge.name": self._bridge.config.bridge,
            f"{prefix}driver.mtu": str(self._bridge.mtu),
        }

    def _members(self, network: str) -> Iterator[tuple[str, NetworkContainer]]:
        for container in self._containers():
            if not container.is_running or network not in container.endpoint_settings:
                continue
            state = container.endpoints.get(network)
            yield (
                container.id,
                NetworkContainer(
                    name=container.name,
                    endpoint_id=state.endpoint_id if state else "",
                    mac_address=state.mac if state else "",
                    ipv4_address=f"{state.address}/{state.prefix_length}" if state else "",
                ),
            )


def _requests(host: HostConfig, exposed: tuple[str, ...]) -> tuple[PortRequest, ...]:
    if host.network_mode in (HOST, NONE):
        return ()
    wishes = {
        key: [(each.host_ip, each.host_port) for each in bindings or ()]
        for key, bindings in (host.port_bindings or {}).items()
    }
    return parse_requests(wishes, publish_all=exposed if host.publish_all_ports else ())


def _resolver_mode(uses_host: bool, endpoints: dict[str, EndpointState]) -> ResolverMode:
    if uses_host:
        return ResolverMode.HOST
    return ResolverMode.NAMES if endpoints else ResolverMode.COPY


def _host_resolver() -> str:
    """The host's resolv.conf; systemd-resolved's own one where the first names only its stub."""
    text = _read(_RESOLV_CONF)
    return _read(Path(RESOLVED_FILE)) or text if is_stub_only(text) else text


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _check_settings(network: str, settings: EndpointSettings) -> None:
    config = settings.ipam_config
    if config and (config.ipv4_address or config.ipv6_address):
        for text in filter(None, (config.ipv4_address, config.ipv6_address)):
            try:
                ipaddress.ip_address(text)
            except ValueError:
                raise InvalidArgument(f"invalid IPv4 address: {text}") from None
        raise InvalidArgument(
            "invalid endpoint settings:\nuser specified IP address is supported on user defined "
            "networks only"
        )
    if settings.aliases and network != BRIDGE:
        raise InvalidArgument("network-scoped aliases are only supported for user-defined networks")
