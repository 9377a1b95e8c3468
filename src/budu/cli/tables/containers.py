"""`ps`: a row per container.

Source: docker container ls reference, "Format the output"; docker/cli formatter/container.go.
"""

from __future__ import annotations

from budu.base.units import human_size
from budu.cli.format import print_rows
from budu.cli.tables.times import ago, local_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO

_HEADERS = {
    "ID": "CONTAINER ID",
    "Names": "NAMES",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "CreatedAt": "CREATED AT",
    "RunningFor": "CREATED",
    "Ports": "PORTS",
    "State": "STATE",
    "Status": "STATUS",
    "Size": "SIZE",
    "Labels": "LABELS",
    "Mounts": "MOUNTS",
    "LocalVolumes": "LOCAL VOLUMES",
    "Networks": "NETWORKS",
    "Platform": "PLATFORM",
}
_COLUMNS = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")
_COMMAND_WIDTH = 20


def print_containers(containers: Sequence[Any], options: Mapping[str, Any], out: TextIO) -> None:
    """Print the rows of `GET /containers/json`. Options: format, quiet, no-trunc, size.

    Raises: Exit for a malformed template.
    """
    full = bool(options.get("no-trunc"))
    form = options.get("format") or ""
    if options.get("quiet") and form in ("", "table"):
        out.write("".join(f"{_id(each, full)}\n" for each in containers))
        return
    fields = (*_COLUMNS, "Size") if options.get("size") else _COLUMNS
    print_rows(
        (row(each, full=full) for each in containers),
        out,
        columns=[(field, _HEADERS[field]) for field in fields],
        headers={**_HEADERS, "Label": _label_header},
        form=form,
    )


def _label_header(key: str) -> str:
    """The header of a column that shows one label: the label's name."""
    return key


def _id(container: Any, full: bool) -> str:
    return str(container["Id"] if full else container["Id"][:12])


def row(container: Any, *, full: bool) -> dict[str, object]:
    """The fields of one container."""
    labels = container.get("Labels") or {}
    mounts = container.get("Mounts") or []
    return {
        "ID": _id(container, full),
        "Names": ",".join(_own_names(container)),
        "Image": _image(container, full),
        "Command": _command(container["Command"], full),
        "CreatedAt": local_time(container["Created"]),
        "RunningFor": ago(container["Created"]),
        "Ports": ports_text(container.get("Ports") or []),
        "State": container["State"],
        "Status": container["Status"],
        "Size": _size(container),
        "Labels": ",".join(f"{key}={labels[key]}" for key in sorted(labels)),
        "Mounts": ",".join(_mount_name(each, full) for each in mounts),
        "LocalVolumes": str(sum(each.get("Driver") == "local" for each in mounts)),
        "Networks": ",".join(
            sorted((container.get("NetworkSettings") or {}).get("Networks") or {})
        ),
        "Label": lambda key: labels.get(key, ""),
    }


def _own_names(container: Any) -> list[str]:
    return [name[1:] for name in container["Names"] if name.count("/") == 1] or [""]


def _image(container: Any, full: bool) -> str:
    image = str(container["Image"])
    if full or not image.startswith("sha256:"):
        return image or "<no image>"
    return image[7:19]


def _command(command: str, full: bool) -> str:
    if not full and len(command) > _COMMAND_WIDTH:
        command = command[: _COMMAND_WIDTH - 1] + "…"
    escaped = command.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _size(container: Any) -> str:
    written = human_size(container.get("SizeRw") or 0, precision=3)
    total = container.get("SizeRootFs") or 0
    return f"{written} (virtual {human_size(total, precision=3)})" if total else written


def _mount_name(mount: Any, full: bool) -> str:
    name = str(mount.get("Name") or mount.get("Source") or "")
    return name if full or len(name) <= 15 else name[:14] + "…"


def ports_text(ports: Sequence[Any]) -> str:
    """`0.0.0.0:8080->80/tcp, 443/tcp`, neighbouring ports as ranges."""
    groups: list[list[Any]] = []
    for port in sorted(ports, key=_port_order):
        last = groups[-1] if groups else None
        if last is not None and _continues(last[-1], port):
            last.append(port)
        else:
            groups.append([port])
    return ", ".join(map(_group_text, groups))


def _port_order(port: Any) -> tuple[object, ...]:
    return (
        not port.get("PublicPort"),
        port.get("IP", ""),
        port["Type"],
        port["PrivatePort"],
        port.get("PublicPort", 0),
    )


def _continues(last: Any, port: Any) -> bool:
    if (last.get("IP"), last["Type"]) != (port.get("IP"), port["Type"]):
        return False
    public, next_public = last.get("PublicPort", 0), port.get("PublicPort", 0)
    steps = next_public == public + 1 if public else not next_public
    if public and next_public - port["PrivatePort"] != public - last["PrivatePort"]:
        return False
    return bool(steps and port["PrivatePort"] == last["PrivatePort"] + 1)


def _group_text(group: list[Any]) -> str:
    first, last = group[0], group[-1]
    inside = _span(first["PrivatePort"], last["PrivatePort"])
    kind = first["Type"]
    if not first.get("PublicPort"):
        return f"{inside}/{kind}"
    address = first.get("IP", "")
    address = f"[{address}]" if ":" in address else address
    return f"{address}:{_span(first['PublicPort'], last['PublicPort'])}->{inside}/{kind}"


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
