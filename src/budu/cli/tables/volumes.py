"""`volume ls`: a row per volume, with its use. Source: docker volume ls reference."""

from __future__ import annotations

from budu.base.units import human_size
from budu.cli.format import print_rows
from budu.cli.tables.times import ago

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO

_HEADERS = {
    "Driver": "DRIVER",
    "Name": "VOLUME NAME",
    "Scope": "SCOPE",
    "Mountpoint": "MOUNTPOINT",
    "Labels": "LABELS",
    "Size": "SIZE",
    "Links": "LINKS",
    "Users": "USERS",
    "LastUsed": "LAST USED",
    "Group": "GROUP",
    "Availability": "AVAILABILITY",
    "Status": "STATUS",
}
_NOT_KNOWN = "N/A"


def shows_sizes(options: Mapping[str, Any]) -> bool:
    """Whether what `print_volumes` prints has sizes in it, which take looking at every file."""
    form = options.get("format") or "table"
    return form in ("table", "json") or ".Size" in form


def print_volumes(volumes: Sequence[Any], options: Mapping[str, Any], out: TextIO) -> None:
    """Print the rows of `GET /volumes`. Options: format, quiet. Raises: Exit for a bad template."""
    form = options.get("format") or ""
    if options.get("quiet") and form in ("", "table"):
        out.write("".join(f"{each['Name']}\n" for each in volumes))
        return
    fields = ["Driver", "Name"]
    if any("LastUsedNs" in each for each in volumes):
        fields += ["Size", "Users", "LastUsed"]
    columns = [(field, _HEADERS[field]) for field in fields]
    rows = ({**volume_fields(each), **_usage(each)} for each in volumes)
    print_rows(rows, out, columns=columns, headers=_HEADERS, form=form)


def volume_fields(volume: Any) -> dict[str, object]:
    """What a volume is, without its use."""
    labels = volume.get("Labels") or {}
    return {
        "Driver": volume["Driver"],
        "Name": volume["Name"],
        "Scope": volume["Scope"],
        "Mountpoint": volume["Mountpoint"],
        "Labels": ",".join(f"{key}={labels[key]}" for key in sorted(labels)),
        "Label": lambda key: labels.get(key, ""),
    }


def _usage(volume: Any) -> dict[str, object]:
    """Docker's words have no values in its list; ours are those that are known."""
    usage = volume.get("UsageData") or {}
    size, users = usage.get("Size", -1), usage.get("RefCount", -1)
    counted = str(users) if users >= 0 else _NOT_KNOWN
    return {
        "Size": human_size(size, precision=3) if size >= 0 else _NOT_KNOWN,
        "Links": counted,
        "Users": counted,
        "LastUsed": _last_use(volume),
        "Group": _NOT_KNOWN,
        "Availability": _NOT_KNOWN,
        "Status": _NOT_KNOWN,
    }


def _last_use(volume: Any) -> str:
    if volume.get("InUse"):
        return "in use"
    used_ns = volume.get("LastUsedNs")
    if used_ns is None:
        return _NOT_KNOWN
    return ago(used_ns // 10**9) if used_ns else "never"
