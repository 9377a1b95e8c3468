"""What a container's health probe is: reading and checking its configuration. Pure.

Docker's `Healthcheck` with two more kinds of test and one more field, which other engines and
clients pass on or ignore; the same may be said with labels (see docs/decisions/0006).

    Test            ["NONE"], ["CMD", argument…], ["CMD-SHELL", command],
                    ["HTTP", "[address]:port[/path]"], ["TCP", "[address]:port"]
    OnUnhealthy     none, restart, stop, kill

Source: Engine API 1.51 HealthConfig; moby 28.3 daemon/container.go validateHealthCheck and
daemon/health.go.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from budu.base.errors import Hint, InvalidArgument
from budu.base.units import SECOND_NS, format_duration
from budu.spec.api.container import ContainerConfig, HealthConfig
from budu.spec.image import Healthcheck

LABEL_HTTP = "budu.health-http"
LABEL_TCP = "budu.health-tcp"
LABEL_ON_UNHEALTHY = "budu.on-unhealthy"
_SHORTEST_NS = 1_000_000
_INTERVAL_NS = 30 * SECOND_NS
_TIMEOUT_NS = 30 * SECOND_NS
_START_INTERVAL_NS = 5 * SECOND_NS
_RETRIES = 3
_SHELL = ("/bin/sh", "-c")
_DURATIONS = ("interval", "timeout", "start_period", "start_interval")


class ProbeKind(StrEnum):
    """How health is found out: a program in the container, or a connection into it."""

    EXEC = "exec"
    HTTP = "http"
    TCP = "tcp"


class OnUnhealthy(StrEnum):
    """What is done about an unhealthy container."""

    NONE = "none"
    RESTART = "restart"
    STOP = "stop"
    KILL = "kill"


_ACTIONS = {str(action): action for action in OnUnhealthy}


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a connection goes to. `host` empty means the container's loopback addresses."""

    host: str = ""
    port: int
    path: str = "/"


class ProbeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A probe with Docker's defaults filled in. Durations are nanoseconds."""

    kind: ProbeKind
    argv: tuple[str, ...] = ()
    address: Address | None = None
    interval_ns: int = _INTERVAL_NS
    timeout_ns: int = _TIMEOUT_NS
    start_period_ns: int = 0
    start_interval_ns: int = _START_INTERVAL_NS
    retries: int = _RETRIES
    on_unhealthy: OnUnhealthy = OnUnhealthy.NONE


def check_health(health: HealthConfig | None) -> None:
    """Look at what a client asked for. Raises: InvalidArgument with Docker's sentences."""
    if health is None:
        return
    for field in _DURATIONS:
        value = getattr(health, field)
        if value != 0 and value < _SHORTEST_NS:
            name = "".join(word.capitalize() for word in field.split("_"))
            shortest = format_duration(_SHORTEST_NS)
            raise InvalidArgument(f"{name} in Healthcheck cannot be less than {shortest}")
    if health.retries < 0:
        raise InvalidArgument("Retries in Healthcheck cannot be negative")
    if health.on_unhealthy and health.on_unhealthy not in _ACTIONS:
        raise InvalidArgument(
            f"OnUnhealthy in Healthcheck must be one of none, restart, stop, kill, not "
            f"'{health.on_unhealthy}'"
        )
    _address_of(tuple(health.test or ()))


def complete_health(
    own: HealthConfig | None, merged: Healthcheck | None, labels: Mapping[str, str]
) -> HealthConfig | None:
    """The probe of a new container: `own` is the client's, `merged` that with the image's.

    Labels say what the client's config does not, and more than the image's HEALTHCHECK.
    Raises: InvalidArgument for labels that make no sense.
    """
    fields = {} if merged is None else msgspec.structs.asdict(merged)
    if fields.get("test") is not None:
        fields["test"] = list(fields["test"])
    test = _labelled_test(labels)
    if test is not None and (own is None or not own.test):
        fields["test"] = test
    if LABEL_ON_UNHEALTHY in labels and (own is None or not own.on_unhealthy):
        fields["on_unhealthy"] = labels[LABEL_ON_UNHEALTHY]
    if not fields:
        return None
    health = HealthConfig(**fields)
    if labels.keys() & {LABEL_HTTP, LABEL_TCP, LABEL_ON_UNHEALTHY}:
        check_health(health)
    return health


def _labelled_test(labels: Mapping[str, str]) -> list[str] | None:
    if labels.get(LABEL_HTTP):
        return ["HTTP", labels[LABEL_HTTP]]
    return ["TCP", labels[LABEL_TCP]] if labels.get(LABEL_TCP) else None


def health_warnings(config: ContainerConfig) -> list[str]:
    """What a client should know of a new container's probe: an action that nothing ever brings."""
    health = config.healthcheck
    acts = health is not None and health.on_unhealthy not in ("", OnUnhealthy.NONE)
    if not acts or read_settings(config) is not None:
        return []
    return ["OnUnhealthy has no effect: the container has no health check."]


def read_settings(config: ContainerConfig) -> ProbeSettings | None:
    """The probe of a container; None when it has none, or one of a kind that nobody knows.

    Never fails: what an image says was checked by nobody.
    """
    health = config.healthcheck
    if health is None or not health.test:
        return None
    try:
        probe = _probe_of(tuple(health.test), shell=tuple(config.shell or _SHELL))
    except InvalidArgument:
        return None
    if probe is None:
        return None
    return msgspec.structs.replace(
        probe,
        interval_ns=_or_default(health.interval, _INTERVAL_NS),
        timeout_ns=_or_default(health.timeout, _TIMEOUT_NS),
        start_period_ns=max(health.start_period, 0),
        start_interval_ns=_or_default(health.start_interval, _START_INTERVAL_NS),
        retries=health.retries if health.retries > 0 else _RETRIES,
        on_unhealthy=_ACTIONS.get(health.on_unhealthy, OnUnhealthy.NONE),
    )


def _probe_of(test: tuple[str, ...], *, shell: tuple[str, ...]) -> ProbeSettings | None:
    match test:
        case ["CMD", *words]:
            return ProbeSettings(kind=ProbeKind.EXEC, argv=tuple(words))
        case ["CMD-SHELL", *words]:
            return ProbeSettings(kind=ProbeKind.EXEC, argv=(*shell, *words) if words else ())
        case ["HTTP", *_]:
            return ProbeSettings(kind=ProbeKind.HTTP, address=_address_of(test))
        case ["TCP", *_]:
            return ProbeSettings(kind=ProbeKind.TCP, address=_address_of(test))
        case _:
            return None


def _or_default(value_ns: int, default_ns: int) -> int:
    return max(value_ns, _SHORTEST_NS) if value_ns > 0 else default_ns


def _address_of(test: tuple[str, ...]) -> Address | None:
    """The address in an HTTP or TCP test. Raises: InvalidArgument when there is none."""
    if not test or test[0] not in ("HTTP", "TCP"):
        return None
    if len(test) != 2:
        raise InvalidArgument(f"Test {test[0]} in Healthcheck takes one address")
    return parse_address(test[1], with_path=test[0] == "HTTP")


def parse_address(text: str, *, with_path: bool) -> Address:
    """`:80/ok`, `80`, `localhost:80`, `10.0.0.5:80/`, `[::1]:80`. Raises: InvalidArgument."""
    rest, slash, path = text.partition("/")
    host, _, port = rest.rpartition(":")
    host = "" if host == "localhost" else host
    is_port = port.isascii() and port.isdecimal() and 0 < int(port) < 65536
    is_clean = path.isascii() and path.isprintable() and " " not in path
    if not (is_port and is_clean and _is_host(host)) or (slash and not with_path):
        raise InvalidArgument(
            f"invalid address '{text}' in Healthcheck",
            hint=Hint("engine.health-address", form=":80/ok" if with_path else "5432"),
        )
    return Address(host=host.strip("[]"), port=int(port), path=f"/{path}")


def _is_host(host: str) -> bool:
    """Whether it is empty, an IPv4 address, or an IPv6 address in brackets."""
    bare = host.removeprefix("[").removesuffix("]")
    try:
        version = ipaddress.ip_address(bare).version
    except ValueError:
        return not host
    return host == (bare if version == 4 else f"[{bare}]")
