"""`volume ls`: a row per volume. Source: docker volume ls reference."""

from __future__ import annotations

from budu.cli.format import print_rows

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
}


def print_volumes(volumes: Sequence[Any], options: Mapping[str, Any], out: TextIO) -> None:
    """Print the rows of `GET /volumes`. Options: format, quiet. Raises: Exit for a bad template."""
    form = options.get("format") or ""
    if options.get("quiet") and form in ("", "table"):
        out.write("".join(f"{each['Name']}\n" for each in volumes))
        return
    columns = [("Driver", "DRIVER"), ("Name", "VOLUME NAME")]
    print_rows(map(_row, volumes), out, columns=columns, headers=_HEADERS, form=form)


def _row(volume: Any) -> dict[str, object]:
    labels = volume.get("Labels") or {}
    return {
        "Driver": volume["Driver"],
        "Name": volume["Name"],
        "Scope": volume["Scope"],
        "Mountpoint": volume["Mountpoint"],
        "Labels": ",".join(f"{key}={labels[key]}" for key in sorted(labels)),
        "Label": lambda key: labels.get(key, ""),
    }
