"""The ports that a container asks for, with some more or fewer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from budu.base.errors import NotFound
from budu.engine.containers.model import Container
from budu.network.contract import PortBinding as OpenPort
from budu.spec.api.host_config import HostConfig, PortBinding, PortMap


def with_ports(host: HostConfig, ports: PortMap) -> HostConfig:
    """The host config with more wishes."""
    merged = dict(host.port_bindings or {})
    for port, bindings in ports.items():
        wishes = bindings or [PortBinding()]
        known = merged.get(port) or []
        merged[port] = [*known, *(each for each in wishes if each not in known)]
    return msgspec.structs.replace(host, port_bindings=merged)


def without_ports(container: Container, ports: PortMap) -> HostConfig:
    """The host config without some wishes; a port without bindings goes whole.

    Raises: NotFound for one that is not published.
    """
    host = container.host_config
    merged = dict(host.port_bindings or {})
    opened = [each for state in container.endpoints.values() for each in state.bindings]
    for port, bindings in ports.items():
        left = [each for each in merged.get(port) or () if not _is_meant(each, bindings)]
        kept = len(left) == len(merged.get(port) or ())
        if kept and not closed_bindings(opened, {port: bindings}):
            raise NotFound(f"No public port '{port}' published for {container.name}")
        merged[port] = left
        if not left:
            del merged[port]
    return msgspec.structs.replace(host, port_bindings=merged)


def closed_bindings(opened: Iterable[OpenPort], ports: PortMap) -> tuple[OpenPort, ...]:
    """Those of the open ports that `ports` means."""
    return tuple(
        each
        for each in opened
        if (port := f"{each.container_port}/{each.protocol}") in ports
        and _is_meant(
            PortBinding(host_ip=each.host_address, host_port=str(each.host_port)), ports[port]
        )
    )


def _is_meant(wish: PortBinding, bindings: Sequence[PortBinding] | None) -> bool:
    """Whether `wish` is one of `bindings`; an address or port that one leaves out means any."""
    return not bindings or any(
        each.host_ip in ("", wish.host_ip) and each.host_port in ("", wish.host_port)
        for each in bindings
    )
