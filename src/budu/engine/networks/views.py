"""Networks as Docker shows them. Source: Engine API 1.51, Network."""

from __future__ import annotations

from collections.abc import Iterable

from budu.base.clock import format_time
from budu.engine.containers.model import Container
from budu.engine.networks.model import NULL_DRIVER, NetworkRecord
from budu.network.contract import EndpointState, PublishedPort, Subnet
from budu.spec.api.network import (
    IPAM,
    ConfigReference,
    IPAMConfig,
    Network,
    NetworkContainer,
    OpenPort,
)

Members = Iterable[tuple[Container, EndpointState | None]]


def network_view(record: NetworkRecord, members: Members = ()) -> Network:
    """A row of the list; with `members` an inspection."""
    spec = record.spec
    return Network(
        name=record.name,
        id=record.id,
        created=format_time(record.created_ns),
        scope=record.scope,
        driver=NULL_DRIVER if record.config_only else spec.driver,
        enable_ipv4=spec.enable_ipv4,
        enable_ipv6=spec.enable_ipv6,
        ipam=IPAM(
            driver=record.ipam_driver,
            options=record.ipam_options,
            config=[_pool(each) for each in spec.subnets],
        ),
        internal=spec.internal,
        attachable=record.attachable,
        ingress=record.ingress,
        config_from=ConfigReference(network=record.config_from),
        config_only=record.config_only,
        containers={container.id: _member(container, state) for container, state in members},
        options=spec.options,
        labels=record.labels,
    )


def _pool(subnet: Subnet) -> IPAMConfig:
    return IPAMConfig(
        subnet=subnet.subnet,
        ip_range=subnet.ip_range,
        gateway=subnet.gateway,
        auxiliary_addresses=subnet.auxiliary or None,
    )


def _member(container: Container, state: EndpointState | None) -> NetworkContainer:
    if state is None:
        return NetworkContainer(name=container.name)
    return NetworkContainer(
        name=container.name,
        endpoint_id=state.endpoint_id,
        mac_address=state.mac,
        ipv4_address=_with_length(state.address, state.prefix_length),
        ipv6_address=_with_length(state.address6, state.prefix_length6),
    )


def _with_length(address: str, prefix_length: int) -> str:
    return f"{address}/{prefix_length}" if address else ""


def open_port_view(port: PublishedPort) -> OpenPort:
    """A published port with who can reach it."""
    binding = port.binding
    return OpenPort(
        container_id=port.container_id,
        container=port.name,
        network_id=port.network_id,
        address=port.address,
        container_port=binding.container_port,
        protocol=binding.protocol,
        host_ip=binding.host_address,
        host_port=binding.host_port,
        reach=binding.reach,
        relayed=port.relayed,
    )
