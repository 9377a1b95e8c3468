"""A container's place in its networks, and its ports, as Docker shows them.

Source: Engine API 1.51, NetworkSettings, EndpointSettings, Port; moby 28.3, daemon/network.go.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from budu.engine.containers.model import Container
from budu.engine.networks.model import PREDEFINED
from budu.engine.networks.settings import dns_names
from budu.spec.api.container import Port
from budu.spec.api.host_config import PortBinding
from budu.spec.api.network import EndpointSettings, NetworkSettings

_DEFAULT_NETWORK = "bridge"


def endpoint_views(
    container: Container, *, network_id: Callable[[str], str]
) -> dict[str, EndpointSettings]:
    """What was asked of each network, with what the network gave while the container runs."""
    names = dict.fromkeys((*container.endpoint_settings, *container.endpoints))
    return {name: _endpoint_view(container, name, network_id(name)) for name in names}


def endpoint_summaries(
    container: Container, *, network_id: Callable[[str], str]
) -> dict[str, EndpointSettings]:
    """The same as lists show it: without names, links and options.

    Source: moby 28.5, daemon/container/view.go.
    """
    return {
        name: msgspec.structs.replace(
            view, aliases=None, dns_names=None, driver_opts=None, links=None
        )
        for name, view in endpoint_views(container, network_id=network_id).items()
    }


def _endpoint_view(container: Container, name: str, id_: str) -> EndpointSettings:
    settings = container.endpoint_settings.get(name) or EndpointSettings()
    state = container.endpoints.get(name)
    names = _names(container, name, settings)
    if state is None:
        known = (id_ or settings.network_id) if container.started_ns else ""
        return msgspec.structs.replace(settings, network_id=known, dns_names=names)
    return msgspec.structs.replace(
        settings,
        network_id=id_,
        dns_names=names,
        endpoint_id=state.endpoint_id,
        gateway=state.gateway,
        ip_address=state.address,
        ip_prefix_len=state.prefix_length,
        ipv6_gateway=state.gateway6,
        global_ipv6_address=state.address6,
        global_ipv6_prefix_len=state.prefix_length6,
        mac_address=state.mac,
    )


def _names(container: Container, network: str, settings: EndpointSettings) -> list[str] | None:
    """The names of a container in a network of a user's own, once it was started there."""
    if network in PREDEFINED or not container.started_ns:
        return None
    return dns_names(container, settings)


def network_settings(container: Container, *, network_id: Callable[[str], str]) -> NetworkSettings:
    """The network part of the inspection; its flat fields repeat the default bridge."""
    networks = endpoint_views(container, network_id=network_id)
    default = networks.get(_DEFAULT_NETWORK, EndpointSettings())
    return NetworkSettings(
        sandbox_id=container.id if container.is_running else "",
        sandbox_key=f"/proc/{container.pid}/ns/net" if container.is_running else "",
        ports=port_map(container),
        endpoint_id=default.endpoint_id,
        gateway=default.gateway,
        ip_address=default.ip_address,
        ip_prefix_len=default.ip_prefix_len,
        ipv6_gateway=default.ipv6_gateway,
        global_ipv6_address=default.global_ipv6_address,
        global_ipv6_prefix_len=default.global_ipv6_prefix_len,
        mac_address=default.mac_address,
        networks=networks,
    )


def port_map(container: Container) -> dict[str, list[PortBinding] | None]:
    """`80/tcp` to its bindings; null for a port that is exposed only. Empty when not running."""
    ports: dict[str, list[PortBinding] | None] = {}
    for state in container.endpoints.values():
        for port in state.exposed:
            ports.setdefault(port, None)
        for one in state.bindings:
            port = f"{one.container_port}/{one.protocol}"
            binding = PortBinding(host_ip=one.host_address, host_port=str(one.host_port))
            ports[port] = [*(ports.get(port) or ()), binding]
    return dict(sorted(ports.items(), key=lambda item: _port_order(item[0])))


def port_rows(container: Container) -> list[Port]:
    """The PORTS column of the list."""
    rows: list[Port] = []
    reaches = {
        (one.host_address, one.host_port, one.protocol): one.reach
        for state in container.endpoints.values()
        for one in state.bindings
    }
    for port, bindings in port_map(container).items():
        number, kind = _port_order(port)
        if not bindings:
            rows.append(Port(private_port=number, type=kind))
        for one in bindings or ():
            public = int(one.host_port)
            rows.append(
                Port(
                    ip=one.host_ip,
                    private_port=number,
                    public_port=public,
                    type=kind,
                    reach=reaches.get((one.host_ip, public, kind), ""),
                )
            )
    return rows


def _port_order(port: str) -> tuple[int, str]:
    number, _, kind = port.partition("/")
    return int(number) if number.isdigit() else 0, kind or "tcp"
