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

import msgspec

from budu.base.clock import format_time
from budu.base.errors import Hint, InvalidArgument, NotFound, NotImplementedHere
from budu.base.filters import Filters
from budu.engine.containers.model import Container
from budu.engine.paths import ContainerPaths
from budu.engine.port_requests import exposed_ports, port_requests
from budu.engine.sandboxes import SandboxFactory
from budu.network.contract import EndpointState
from budu.network.files import HostsFile, ResolvConf, render_hosts, render_resolv_conf
from budu.network.loopback import bring_loopback_up
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
_FILTER_KEYS = frozenset(["dangling", "driver", "id", "label", "name", "scope", "type"])


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """What a start needs of the network: a namespace to join (None: the host's), its endpoints."""

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
        """The id of a predefined network."""
        return self._ids[name]

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
            raise NotImplementedHere(f"network mode {mode} is not supported by this engine yet")
        name = self._name_of(mode)
        asked = (networking.endpoints_config if networking else None) or {}
        for other in asked:
            if other != "default" and self._name_of(other) != name:
                raise InvalidArgument(
                    f"container cannot be connected to network endpoints: {name}, {other}"
                )
        settings = next((each for each in asked.values() if each is not None), EndpointSettings())
        _check_settings(name, settings)
        if name == HOST and (host.port_bindings or host.publish_all_ports):
            host = msgspec.structs.replace(host, port_bindings=None)
        port_requests(host, ())
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
        if mode == HOST:
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
        exposed = exposed_ports(container.config.exposed_ports, container.host_config)
        return self._bridge.connect(
            container.id,
            netns,
            name=container.name,
            requests=port_requests(container.host_config, exposed),
            exposed=exposed,
            mac=settings.mac_address or container.config.mac_address,
        )

    def write_files(
        self, container: Container, endpoints: dict[str, EndpointState], files: ContainerPaths
    ) -> None:
        """Write the container's hosts, hostname and resolv.conf."""
        host = container.host_config
        addresses = [each.address for each in endpoints.values()]
        hosts = HostsFile(
            hostname=container.config.hostname,
            domainname=container.config.domainname,
            addresses=tuple(addresses),
            extra_hosts=tuple(host.extra_hosts or ()),
            host_gateway=self._bridge.gateway,
            uses_host_network=host.network_mode == HOST,
        )
        resolv = ResolvConf(
            servers=tuple(host.dns or ()),
            search=tuple(host.dns_search or ()),
            options=tuple(host.dns_options or ()),
            uses_host_network=host.network_mode == HOST,
        )
        files.hosts.write_text(render_hosts(hosts))
        files.hostname.write_text(container.config.hostname + "\n")
        files.resolv_conf.write_text(render_resolv_conf(resolv))

    def disconnect(self, endpoints: dict[str, EndpointState]) -> None:
        """Free addresses and ports; the links go with the namespace."""
        for state in endpoints.values():
            self._bridge.disconnect(state)

    def restore(self, states: list[EndpointState]) -> list[str]:
        """Take over what containers of an earlier engine have; warnings for people."""
        return self._bridge.restore(states)

    def close(self) -> None:
        """Let go of sockets and the thread; the containers' traffic goes on."""
        self._bridge.close()
        self._sandboxes.close()

    # Looking

    def list(self, filters: Filters) -> list[Network]:
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

    def get(self, ref: str) -> Network:
        """Raises: NotFound."""
        name = self._name_of(ref)
        return msgspec.structs.replace(self._render(name), containers=dict(self._members(name)))

    def _render(self, name: str) -> Network:
        pools = [IPAMConfig(subnet=self._bridge.subnet, gateway=self._bridge.gateway)]
        return Network(
            name=name,
            id=self._ids[name],
            created=format_time(self._created_ns),
            scope="local",
            driver=_DRIVERS[name],
            enable_ipv4=True,
            ipam=IPAM(driver="default", config=pools if name == BRIDGE else []),
            options=self._bridge.options if name == BRIDGE else {},
        )

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
