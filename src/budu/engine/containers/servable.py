"""What of a host config no container on this engine can have, refused in Docker's words. Pure.

Source: moby 28.3, daemon/pkg/opts, runconfig/hostconfig_unix.go, daemon/devices.go,
daemon/graphdriver/overlay2.
"""

from __future__ import annotations

from budu.base.errors import Hint, InvalidArgument
from budu.spec.api.host_config import DeviceRequest, HostConfig

RUNTIMES = frozenset(("budu", "runc", "io.containerd.runc.v2"))
"""Names of runtimes that stand for our own: every Docker has the last two."""


def check_servable(host: HostConfig) -> None:
    """Raises: InvalidArgument for what a create refuses."""
    if host.isolation.lower() not in ("", "default"):
        raise InvalidArgument(
            f"invalid isolation ({host.isolation}): linux only supports 'default'"
        )
    if host.runtime not in RUNTIMES:
        raise InvalidArgument(
            f"unknown or invalid runtime name: {host.runtime}",
            hint=Hint("engine.runtimes", known=", ".join(sorted(RUNTIMES))),
        )
    if host.storage_opt:
        raise InvalidArgument(
            "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
            hint=Hint("engine.storage-opt"),
        )
    if "" in (host.annotations or {}):
        raise InvalidArgument(
            "invalid Annotation: the empty string is not permitted as an annotation key"
        )


def check_device_requests(host: HostConfig) -> None:
    """Raises: InvalidArgument for what a start refuses: devices that a driver would choose."""
    for request in host.device_requests or ():
        raise InvalidArgument(_no_driver(request), hint=Hint("engine.device-requests"))


def _no_driver(request: DeviceRequest) -> str:
    """As Go prints the lists: `[[gpu compute]]`."""
    if request.driver == "cdi":
        names = ", ".join(request.device_ids or ())
        return f"CDI device injection failed: unresolvable CDI devices {names}"
    alternatives = " ".join(f"[{' '.join(each)}]" for each in request.capabilities or ())
    driver = _quoted(request.driver)
    return f"could not select device driver {driver} with capabilities: [{alternatives}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
