"""`--publish` and `--expose`: from text to ExposedPorts and PortBindings. Light, pure.

Source: docker/go-connections `nat/nat.go` (ParsePortSpec); docker/cli
`cli/command/container/opts.go` (convertToStandardNotation).
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument
from budu.cli.addresses import normal_ip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

Binding = dict[str, str]
PROTOCOLS = ("tcp", "udp", "sctp")
REACHES = ("me", "lan", "world")
"""Words in an address's place: who may come."""


def read_ports(
    publish: Sequence[str], expose: Sequence[str]
) -> tuple[dict[str, dict[str, str]], dict[str, list[Binding]]]:
    """ExposedPorts and PortBindings.

    Raises: InvalidArgument with Docker's sentence.
    """
    bindings: dict[str, list[Binding]] = {}
    for text in publish:
        for port, binding in parse_publish(_standard(text)):
            bindings.setdefault(port, []).append(binding)
    exposed: dict[str, dict[str, str]] = {port: {} for port in bindings}
    for text in expose:
        exposed.update((port, {}) for port in parse_expose(text))
    return exposed, bindings


def parse_publish(text: str) -> list[tuple[str, Binding]]:
    """Read `[[ip:]host:]container[/protocol]`, where ports may be ranges."""
    address, host, rest = _split(text)
    container, _, protocol = rest.partition("/")
    if not container:
        raise InvalidArgument(f"no port specified: {text}<empty>")
    protocol = protocol.lower() or "tcp"
    if protocol not in PROTOCOLS:
        raise InvalidArgument(f"invalid proto: {protocol}")
    address = _check_address(address)
    first, last = _range(container, f"invalid containerPort: {container}")
    span = last - first
    hosts = _host_ports(host, container, span) if host else [""] * (span + 1)
    return [
        (f"{first + step}/{protocol}", {"HostIp": address, "HostPort": host_port})
        for step, host_port in enumerate(hosts)
    ]


def close_words(text: str) -> list[tuple[str, Binding | None]]:
    """Read what to close: as `parse_publish`, or a container's port alone for all its bindings."""
    if ":" in text:
        return list(parse_publish(text))
    return [(port, None) for port in parse_expose(text)]


def parse_expose(text: str) -> list[str]:
    """Read `90`, `90/udp` or `90-95`."""
    ports, _, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    if ":" in text:
        raise InvalidArgument(f"invalid port format for --expose: {text}")
    start, dash, end = ports.partition("-")
    for part in (start, end) if dash else (start,):
        if not _is_number(part):
            raise InvalidArgument(
                f"invalid range format for --expose: {text}, error: "
                f'strconv.ParseUint: parsing "{part}": invalid syntax'
            )
    first, last = _range(ports, f"invalid range format for --expose: {text}")
    return [f"{port}/{protocol}" for port in range(first, last + 1)]


def _standard(text: str) -> str:
    if "=" not in text:
        return text
    fields = {"protocol": "tcp"}
    for part in text.split(","):
        name, separator, value = part.partition("=")
        if not separator or not name:
            raise InvalidArgument(
                f"invalid publish opts format (should be name=value but got '{part}')"
            )
        fields[name] = value
    published, target = fields.get("published", ""), fields.get("target", "")
    return f"{published}:{target}/{fields['protocol']}"


def _split(text: str) -> tuple[str, str, str]:
    parts = text.split(":")
    if len(parts) < 3:
        return ("", "", parts[0]) if len(parts) == 1 else ("", parts[0], parts[1])
    return ":".join(parts[:-2]), parts[-2], parts[-1]


def _check_address(text: str) -> str:
    if text.startswith("["):
        if not text.endswith("]"):
            raise InvalidArgument(f"invalid IP address {text}: missing ']' in address")
        text = text[1:-1]
    if text and text not in REACHES and normal_ip(text) is None:
        raise InvalidArgument(f"invalid IP address: {text}")
    return text


def _host_ports(host: str, container: str, span: int) -> list[str]:
    first, last = _range(host, f"invalid hostPort: {host}")
    if last - first != span and span:
        raise InvalidArgument(
            f"invalid ranges specified for container and host Ports: {container} and {host}"
        )
    if span == 0 and first != last:
        return [f"{first}-{last}"]
    return [str(first + step) for step in range(span + 1)]


def _range(text: str, failure: str) -> tuple[int, int]:
    start, dash, end = text.partition("-")
    if not _is_number(start) or (dash and not _is_number(end)):
        raise InvalidArgument(failure)
    first, last = int(start), int(end) if dash else int(start)
    if last < first or last > 65535:
        raise InvalidArgument(failure)
    return first, last


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
