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
    "Reach": "REACH",
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
_MOUNT_WIDTH = 15


def print_containers(
    containers: Sequence[Any], options: Mapping[str, Any], out: TextIO, *, lang: str = "en"
) -> None:
    """Print the rows of `GET /containers/json`. Options: format, quiet, no-trunc, size.

    The default table's STATUS also says what ended a container; templates get Docker's words.
    Raises: Exit for a malformed template.
    """
    full = bool(options.get("no-trunc"))
    form = options.get("format") or ""
    if options.get("quiet") and form in ("", "table"):
        out.write("".join(f"{_id(each, full)}\n" for each in containers))
        return
    columns: tuple[str, ...] = _COLUMNS
    if any(port.get("Reach") for each in containers for port in each.get("Ports") or ()):
        columns = (*_COLUMNS[:-1], "Reach", _COLUMNS[-1])
    fields = (*columns, "Size") if options.get("size") else columns
    rows = (row(each, full=full) for each in containers)
    if form in ("", "table"):
        rows = (
            {**row(each, full=full), "Status": _status_in_words(each, lang)} for each in containers
        )
    print_rows(
        rows,
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
        "Names": ",".join(_names(container, full)),
        "Image": _image(container, full),
        "Command": _command(container["Command"], full),
        "CreatedAt": local_time(container["Created"]),
        "RunningFor": ago(container["Created"]),
        "Ports": ports_text(container.get("Ports") or []),
        "Reach": _reach(container.get("Ports") or []),
        "State": container["State"],
        "Status": container["Status"],
        "Size": _size(container),
        "Labels": ",".join(f"{key}={labels[key]}" for key in sorted(labels)),
        "Mounts": ",".join(_mount_name(each, full) for each in mounts),
        "LocalVolumes": str(sum(each.get("Driver") == "local" for each in mounts)),
        "Networks": ",".join(
            sorted((container.get("NetworkSettings") or {}).get("Networks") or {})
        ),
        "Platform": None,
        "Label": lambda key: labels.get(key, ""),
    }


def _reach(ports: Sequence[Any]) -> str:
    """Who reaches the container's ports: the widest of theirs, `me`, `lan` or `world`."""
    from budu.cli.tables.ports import widest

    return widest([port.get("Reach", "") for port in ports])


def _status_in_words(container: Any, lang: str) -> str:
    """Docker's status, and what ended the container."""
    ending = container.get("Ending")
    if not ending:
        return str(container["Status"])
    from budu.base.endings import short_text

    return f"{container['Status']}, {short_text(ending, lang)}"


def _names(container: Any, full: bool) -> list[str]:
    """The names; links from other containers (`/other/alias`) only when nothing is cut."""
    return [name[1:] for name in container["Names"] if full or name.count("/") == 1] or [""]


def _image(container: Any, full: bool) -> str:
    image = str(container["Image"])
    if full or not image.startswith("sha256:"):
        return image or "<no image>"
    return image[7:19]


def _command(command: str, full: bool) -> str:
    if not full:
        command = _shortened(command, _COMMAND_WIDTH)
    if command.isprintable() and '"' not in command and "\\" not in command:
        return f'"{command}"'
    from budu.base.quoting import quote

    return quote(command)


def _size(container: Any) -> str:
    written = human_size(container.get("SizeRw") or 0, precision=3)
    total = container.get("SizeRootFs") or 0
    return f"{written} (virtual {human_size(total, precision=3)})" if total else written


def _mount_name(mount: Any, full: bool) -> str:
    name = str(mount.get("Name") or mount.get("Source") or "")
    return name if full else _shortened(name, _MOUNT_WIDTH)


def _shortened(text: str, width: int) -> str:
    """At most `width` columns of a terminal, the last of them an ellipsis when text is missing."""
    from budu.cli.terminal import display_width

    if display_width(text) <= width:
        return text
    while display_width(text) >= width:
        text = text[:-1]
    return text + "…"


def ports_text(ports: Sequence[Any]) -> str:
    """`443/tcp, 0.0.0.0:8080->80/tcp`: neighbours as ranges where both sides have one number."""
    groups: dict[tuple[str, str], list[int]] = {}
    parts: list[str] = []
    mappings: list[str] = []
    for port in sorted(ports, key=_port_order):
        address, kind, inside = port.get("IP", ""), port["Type"], port["PrivatePort"]
        public = port.get("PublicPort", 0)
        if address and public != inside:
            mappings.append(f"{_host(address)}:{public}->{inside}/{kind}")
            continue
        group = groups.setdefault((address, kind), [inside, inside])
        if inside > group[1] + 1:
            parts.append(_group_text(address, kind, *group))
            group[0] = inside
        group[1] = inside
    parts += [_group_text(*key, *group) for key, group in groups.items()]
    return ", ".join(parts + mappings)


def _port_order(port: Any) -> tuple[object, ...]:
    return (port["PrivatePort"], port.get("IP", ""), port.get("PublicPort", 0), port["Type"])


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _group_text(address: str, kind: str, first: int, last: int) -> str:
    numbers = str(first) if first == last else f"{first}-{last}"
    return f"{_host(address)}:{numbers}->{numbers}/{kind}" if address else f"{numbers}/{kind}"
