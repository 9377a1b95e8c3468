"""`network audit`: a row per published port, the widest reach first."""

from __future__ import annotations

from budu.cli.format import print_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO

_HEADERS = {
    "Reach": "REACH",
    "Address": "ADDRESS",
    "Container": "CONTAINER",
    "ContainerID": "CONTAINER ID",
    "Port": "PORT",
    "Inside": "INSIDE",
    "Relayed": "RELAYED",
}
_COLUMNS = ("Reach", "Address", "Container", "ContainerID", "Port", "Inside")
_ORDER = ("world", "lan", "me")


def widest(reaches: Sequence[str]) -> str:
    """The widest of several reaches; empty when there is none."""
    return next((reach for reach in _ORDER if reach in reaches), "")


def print_ports(ports: Sequence[Any], options: Mapping[str, Any], out: TextIO) -> None:
    """Print the rows of `GET /budu/ports`. Options: format, no-trunc.

    Raises: Exit for a malformed template.
    """
    full = bool(options.get("no-trunc"))
    rows = [_row(each, full=full) for each in sorted(ports, key=_order)]
    columns = [(field, _HEADERS[field]) for field in _COLUMNS]
    print_rows(rows, out, columns=columns, headers=_HEADERS, form=options.get("format") or "")


def _order(port: Any) -> tuple[object, ...]:
    reach = port["Reach"]
    rank = _ORDER.index(reach) if reach in _ORDER else 0
    return (rank, port["HostPort"], port["Protocol"], port["HostIP"], port["Container"])


def _row(port: Any, *, full: bool) -> dict[str, object]:
    protocol = port["Protocol"]
    address = f"[{port['HostIP']}]" if ":" in port["HostIP"] else port["HostIP"]
    inside = f"[{port['Address']}]" if ":" in port["Address"] else port["Address"]
    # A routed network has no host port: its containers are reached at their own addresses.
    shown = f"{address}:{port['HostPort']}/{protocol}"
    if not port["HostPort"]:
        shown = f"{inside}:{port['ContainerPort']}/{protocol}"
    return {
        "Reach": port["Reach"],
        "Address": shown,
        "Container": port["Container"],
        "ContainerID": port["ContainerID"] if full else port["ContainerID"][:12],
        "Port": f"{port['ContainerPort']}/{protocol}",
        "Inside": inside,
        "Relayed": str(port["Relayed"]).lower(),
    }
