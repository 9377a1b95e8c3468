"""Wishes for published ports, as the Engine API writes them. Pure.

Source: Engine API 1.51, PortMap and HostConfig; moby 28.3, daemon/container.go
validatePortBindings; go-connections/nat, ParsePortRange.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from budu.base.errors import Hint, InvalidArgument
from budu.network.contract import PROTOCOLS, REACHES, TCP, PortRequest

_LAST_PORT = 65535


def parse_port_key(text: str) -> tuple[int, str]:
    """Read `80/tcp` or `80`, a key of PortBindings.

    Raises: InvalidArgument when the port or the protocol is wrong.
    """
    first, last, protocol = _parse_range_key(text)
    if first != last:
        raise InvalidArgument(f'invalid port specification: "{text.partition("/")[0]}"')
    return first, protocol


def parse_exposed(keys: Sequence[str]) -> tuple[str, ...]:
    """The ports of ExposedPorts one by one: `8000-8001/tcp` becomes two; sorted, each once.

    Raises: InvalidArgument as `parse_port_key`.
    """
    ranges = [_parse_range_key(key) for key in keys]
    ports = {
        (port, protocol) for first, last, protocol in ranges for port in range(first, last + 1)
    }
    return tuple(f"{port}/{protocol}" for port, protocol in sorted(ports))


def parse_requests(
    port_bindings: Mapping[str, Sequence[tuple[str, str]]], *, publish_all: Sequence[str] = ()
) -> tuple[PortRequest, ...]:
    """The wishes of HostConfig.PortBindings, each value a list of (HostIp, HostPort).

    `publish_all` are exposed ports (`80/tcp`) to publish at ports of the kernel's choice unless
    they are bound explicitly. A host port is empty, `0`, `8080` or a range `8000-8010`; in an
    address's place may stand one of `REACHES`.

    Raises: InvalidArgument with Docker's sentences.
    """
    requests: list[PortRequest] = []
    bound = set()
    for key, wishes in port_bindings.items():
        port, protocol = parse_port_key(key)
        bound.add((port, protocol))
        for host_address, host_port in wishes or (("", ""),):
            requests.append(_parse_request((port, protocol), host_address, host_port))
    for key in parse_exposed(publish_all):
        port, protocol = parse_port_key(key)
        if (port, protocol) not in bound:
            requests.append(PortRequest(container_port=port, protocol=protocol))
    return tuple(requests)


def _parse_request(port: tuple[int, str], host_address: str, host_port: str) -> PortRequest:
    first, last = _parse_range(host_port) if host_port else (0, 0)
    reach = host_address if host_address in REACHES else ""
    return PortRequest(
        container_port=port[0],
        protocol=port[1],
        host_address="" if reach else _parse_host_address(host_address),
        reach=reach,
        host_first=first,
        host_last=last,
    )


def _parse_host_address(text: str) -> str:
    if not text:
        return ""
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        raise InvalidArgument(f"invalid IP address: {text}") from None


def _parse_range_key(text: str) -> tuple[int, int, str]:
    ports, _, protocol = text.partition("/")
    protocol = (protocol or TCP).lower()
    if protocol not in PROTOCOLS:
        raise InvalidArgument(f"invalid proto: {protocol}", hint=Hint("network.protocols"))
    first, last = _parse_range(ports)
    if first == 0:
        raise InvalidArgument(f'invalid port specification: "{ports}"')
    return first, last, protocol


def _parse_range(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    numbers = (first, last if dash else first)
    if not all(number.isascii() and number.isdecimal() for number in numbers):
        raise InvalidArgument(f'invalid port specification: "{text}"')
    low, high = int(numbers[0]), int(numbers[1])
    if high > _LAST_PORT or low > high or (low == 0 and high):
        raise InvalidArgument(f'invalid port specification: "{text}"')
    return low, high
