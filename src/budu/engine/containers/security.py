"""What a container may do: capabilities, `--security-opt`, masked paths. Pure.

Source: Docker docs, "Runtime privilege and Linux capabilities"; Engine API 1.51 HostConfig
(CapAdd, CapDrop, SecurityOpt, MaskedPaths, ReadonlyPaths).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from budu.base.errors import InvalidArgument
from budu.linux.capabilities import NAMES
from budu.spec.api.host_config import HostConfig

DEFAULT_CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
)

MASKED_PATHS = (
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)

READONLY_PATHS = (
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
)

_ALL = "ALL"
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


class SecurityOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`--security-opt`, read. `seccomp`: a profile's JSON, `unconfined`, or empty (default)."""

    no_new_privileges: bool = False
    seccomp: str = ""
    apparmor: str = ""
    writable_cgroups: bool = False


def parse_security_options(options: Iterable[str]) -> SecurityOptions:
    """Read the options of one container.

    Raises: InvalidArgument with Docker's sentence for an unknown one.
    """
    values: dict[str, object] = {}
    for option in options:
        if option == "no-new-privileges":
            values["no_new_privileges"] = True
            continue
        key, separator, value = option.partition("=")
        if not separator:
            key, separator, value = option.partition(":")
        if not separator:
            raise InvalidArgument(f'invalid --security-opt 1: "{option}"')
        _read_option(key, value, values)
    return msgspec.convert(values, SecurityOptions)


def _read_option(key: str, value: str, values: dict[str, object]) -> None:
    match key:
        case "seccomp" | "apparmor":
            values[key] = "" if value == "builtin" else value
        case "no-new-privileges" | "writable-cgroups":
            if value not in _TRUE | _FALSE:
                raise InvalidArgument(f'invalid --security-opt 2: "{key}={value}"')
            values[key.replace("-", "_")] = value in _TRUE
        case "label" | "systempaths":
            pass
        case _:
            raise InvalidArgument(f'invalid --security-opt 2: "{key}={value}"')


def effective_capabilities(
    *, add: Iterable[str], drop: Iterable[str], privileged: bool
) -> tuple[str, ...]:
    """The capabilities of one container, in the kernel's order.

    Raises: InvalidArgument for a name that the kernel does not have.
    """
    added, dropped = _capabilities(add, "CapAdd"), _capabilities(drop, "CapDrop")
    if privileged or _ALL in added:
        base = set(NAMES)
    elif _ALL in dropped:
        base = set()
    else:
        base = set(DEFAULT_CAPABILITIES)
    if privileged:
        wanted = base
    elif _ALL in added:
        wanted = base - dropped
    else:
        wanted = base - dropped | added
    return tuple(name for name in NAMES if name in wanted)


def _capabilities(names: Iterable[str], field: str) -> set[str]:
    chosen = set(map(_full_name, names))
    for name in sorted(chosen - {_ALL, *NAMES}):
        raise InvalidArgument(f'invalid {field}: unknown capability: "{name}"')
    return chosen


def _full_name(name: str) -> str:
    upper = name.upper()
    return upper if upper == _ALL or upper.startswith("CAP_") else f"CAP_{upper}"


def masked_paths(host: HostConfig) -> list[str] | None:
    """What a container does not see; None, as Docker shows it, where privileged means nothing."""
    return _paths(host.masked_paths, MASKED_PATHS, privileged=host.privileged)


def readonly_paths(host: HostConfig) -> list[str] | None:
    """What a container sees but does not change; None as in `masked_paths`."""
    return _paths(host.readonly_paths, READONLY_PATHS, privileged=host.privileged)


def _paths(
    chosen: list[str] | None, default: tuple[str, ...], *, privileged: bool
) -> list[str] | None:
    return list(default) if chosen is None and not privileged else chosen
