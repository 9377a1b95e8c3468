"""`network ls`: a row per network. Source: docker network ls reference."""

from __future__ import annotations

from budu.cli.format import print_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO

_HEADERS = {
    "CreatedAt": "CREATED AT",
    "ID": "NETWORK ID",
    "Name": "NAME",
    "Driver": "DRIVER",
    "Scope": "SCOPE",
    "IPv4": "IPV4",
    "IPv6": "IPV6",
    "Internal": "INTERNAL",
    "Labels": "LABELS",
}


def print_networks(networks: Sequence[Any], options: Mapping[str, Any], out: TextIO) -> None:
    """Print the rows of `GET /networks`. Options: format, quiet, no-trunc.

    Raises: Exit for a malformed template.
    """
    full, form = bool(options.get("no-trunc")), options.get("format") or ""
    rows = [_row(each, full=full) for each in sorted(networks, key=lambda each: each["Name"])]
    if options.get("quiet") and form in ("", "table"):
        out.write("".join(f"{row['ID']}\n" for row in rows))
        return
    columns = [(field, _HEADERS[field]) for field in ("ID", "Name", "Driver", "Scope")]
    print_rows(rows, out, columns=columns, headers=_HEADERS, form=form)


def _go_time(text: str) -> str:
    """`2026-11-23 22:15:00.5 +0000 UTC` of an RFC 3339 time in UTC, as Go prints a time."""
    date, _, clock = text.removesuffix("Z").partition("T")
    return f"{date} {clock} +0000 UTC" if clock else ""


def _row(network: Any, *, full: bool) -> dict[str, object]:
    labels = network.get("Labels") or {}
    return {
        "CreatedAt": _go_time(network.get("Created") or ""),
        "ID": network["Id"] if full else network["Id"][:12],
        "Name": network["Name"],
        "Driver": network["Driver"],
        "Scope": network["Scope"],
        "IPv4": str(network.get("EnableIPv4", True)).lower(),
        "IPv6": str(network.get("EnableIPv6", False)).lower(),
        "Internal": str(network.get("Internal", False)).lower(),
        "Labels": ",".join(f"{key}={labels[key]}" for key in sorted(labels)),
        "Label": lambda key: labels.get(key, ""),
    }
