"""Which ports a container publishes and exposes, from its configs. Pure.

Source: Engine API 1.51 PortMap (`80/tcp` to host bindings), ExposedPorts, PublishAllPorts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from budu.base.errors import InvalidArgument
from budu.network.contract import PROTOCOLS, TCP, PortRequest
from budu.spec.api.host_config import HostConfig, PortBinding

_LAST_PORT = 65535


def exposed_ports(declared: Mapping[str, object] | None, host: HostConfig) -> tuple[str, ...]:
    """Every port the container declares or publishes, as `80/tcp`, sorted by number.

    Raises: InvalidArgument for a malformed port.
    """
    keys = {*(declared or {}), *(host.port_bindings or {})}
    parsed = sorted(set(map(parse_port, keys)))
    return tuple(f"{number}/{protocol}" for number, protocol in parsed)


def parse_port(key: str) -> tuple[int, str]:
    """`80/tcp`, `80` or `53/udp` to number and protocol.

    Raises: InvalidArgument with Docker's sentence.
    """
    number, _, protocol = key.partition("/")
    protocol = protocol.lower() or TCP
    if protocol not in PROTOCOLS:
        raise InvalidArgument(f"invalid proto: {protocol}")
    return _number(number, key), protocol


def _number(text: str, whole: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 <= int(text) <= _LAST_PORT:
        raise InvalidArgument(f'invalid port specification: "{whole}"')
    return int(text)


def port_requests(host: HostConfig, exposed: Iterable[str]) -> tuple[PortRequest, ...]:
    """What to publish: the bindings, and with `-P` every exposed port without one.

    Raises: InvalidArgument for a malformed port or address.
    """
    if host.network_mode in ("host", "none"):
        return ()
    requests = []
    bound = set()
    for key, bindings in (host.port_bindings or {}).items():
        number, protocol = parse_port(key)
        bound.add((number, protocol))
        requests += [_request(number, protocol, binding) for binding in bindings or ()]
        if bindings is not None and not bindings and host.publish_all_ports:
            bound.discard((number, protocol))
    if host.publish_all_ports:
        requests += [
            PortRequest(container_port=number, protocol=protocol)
            for number, protocol in map(parse_port, exposed)
            if (number, protocol) not in bound
        ]
    return tuple(requests)


def _request(number: int, protocol: str, binding: PortBinding) -> PortRequest:
    text = binding.host_port.partition("/")[0]
    first, _, last = text.partition("-")
    first_port = _number(first, binding.host_port) if first else 0
    last_port = _number(last, binding.host_port) if last else first_port
    if last_port < first_port:
        raise InvalidArgument(f"invalid port range: {binding.host_port}")
    return PortRequest(
        container_port=number,
        protocol=protocol,
        host_address=binding.host_ip,
        host_first=first_port,
        host_last=last_port,
    )
