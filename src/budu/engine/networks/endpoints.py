"""From a container's record to what the kernel's side is asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from budu.engine.containers.model import Container
from budu.engine.networks.model import BRIDGE, HOST, NONE, NetworkRecord
from budu.engine.networks.ways import Way, Ways, choose_ways
from budu.network.contract import EndpointRequest, EndpointState, PortBinding, PortRequest
from budu.network.options import ENDPOINT_IFNAME, IFACE_PREFIX
from budu.network.port_requests import parse_exposed, parse_requests
from budu.spec.api.host_config import HostConfig
from budu.spec.api.network import EndpointIPAMConfig, EndpointSettings

FIRST_INDEX = 2

Records = Mapping[str, NetworkRecord]
"""A container's networks by name, in the order of joining."""


def joining_order(container: Container) -> list[str]:
    """Names of the networks to join: that of the network mode first, others as they were named."""
    names = list(container.endpoint_settings)
    mode = container.host_config.network_mode
    first = BRIDGE if mode in ("", "default") else mode
    settings = container.endpoint_settings
    return sorted(names, key=lambda name: first not in (name, _id(settings.get(name))))


def _id(settings: EndpointSettings | None) -> str:
    return settings.network_id if settings is not None else ""


def ways_of(container: Container, records: Records) -> Ways:
    """Which of these networks lead out."""
    return choose_ways(
        {
            name: Way(spec=record.spec, priority=_settings(container, name).gw_priority)
            for name, record in records.items()
        }
    )


def requests_for(container: Container, records: Records) -> dict[str, EndpointRequest]:
    """What to ask for when all of a fresh sandbox's networks are joined, in order."""
    ways = ways_of(container, records)
    found: dict[str, EndpointRequest] = {}
    number = 0
    for position, (name, record) in enumerate(records.items()):
        is_named = _is_link_named(record, _settings(container, name))
        found[name] = request_for(
            container,
            name,
            ways,
            link_name="" if is_named else f"eth{number}",
            link_index=FIRST_INDEX + position,
            fresh=position == 0,
        )
        number += not is_named
    return found


def _is_link_named(record: NetworkRecord, settings: EndpointSettings) -> bool:
    """Whether the link's name inside is not the usual one, by the container's or network's wish."""
    wishes = settings.driver_opts or {}
    return ENDPOINT_IFNAME in wishes or bool(record.spec.options.get(IFACE_PREFIX))


def request_for(
    container: Container,
    name: str,
    ways: Ways,
    *,
    link_name: str = "",
    link_index: int = 0,
    fresh: bool = False,
) -> EndpointRequest:
    """What to ask one network for."""
    settings = _settings(container, name)
    ipam = settings.ipam_config or EndpointIPAMConfig()
    exposed = exposed_ports(container)
    return EndpointRequest(
        container_id=container.id,
        name=container.name,
        link_name=link_name,
        link_index=link_index,
        address=ipam.ipv4_address,
        address6=ipam.ipv6_address,
        mac=settings.mac_address or _container_mac(container, name),
        link_local=tuple(ipam.link_local_ips or ()),
        options=settings.driver_opts or {},
        ports=port_requests(container.host_config, exposed) if ways.ports == name else (),
        exposed=exposed if name in (ways.ports, ways.v4, ways.v6) else (),
        default_route=ways.v4 == name,
        default_route6=ways.v6 == name,
        fresh=fresh,
    )


def _settings(container: Container, name: str) -> EndpointSettings:
    return container.endpoint_settings.get(name) or EndpointSettings()


def _container_mac(container: Container, name: str) -> str:
    """The container's own MAC address, an older wish, is for the network of its mode."""
    return container.config.mac_address if name == joining_order(container)[0] else ""


def exposed_ports(container: Container) -> tuple[str, ...]:
    """Every port that the container declares or publishes, one by one."""
    declared = container.config.exposed_ports or ()
    return parse_exposed([*declared, *(container.host_config.port_bindings or ())])


def port_requests(host: HostConfig, exposed: tuple[str, ...]) -> tuple[PortRequest, ...]:
    """The ports to publish. Raises: InvalidArgument with Docker's sentences."""
    if host.network_mode in (HOST, NONE):
        return ()
    wishes = {
        key: [(each.host_ip, each.host_port) for each in bindings or ()]
        for key, bindings in (host.port_bindings or {}).items()
    }
    return parse_requests(wishes, publish_all=exposed if host.publish_all_ports else ())


def requests_again(state: EndpointState) -> tuple[PortRequest, ...]:
    """Wishes for the ports that an endpoint has, at the same host ports."""
    return tuple(request_again(each) for each in state.bindings)


def request_again(binding: PortBinding) -> PortRequest:
    """A wish for a port that is open now."""
    return PortRequest(
        container_port=binding.container_port,
        protocol=binding.protocol,
        host_address=binding.host_address,
        host_first=binding.host_port,
        host_last=binding.host_port,
        reach=binding.reach,
    )
