"""`system df`: a row per kind of object, or a table per kind.

Source: docker system df reference; docker/cli 28.5 `cli/command/formatter/disk_usage.go` for the
sums and the layout.
"""

from __future__ import annotations

from budu.base.clock import parse_time
from budu.base.units import SECOND_NS, human_size
from budu.cli.format import print_rows
from budu.cli.tables.containers import row as container_fields
from budu.cli.tables.images import row as image_fields
from budu.cli.tables.times import ago, go_time
from budu.cli.tables.volumes import volume_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO

    Usage = Mapping[str, Any]

_ACTIVE = frozenset(("running", "paused", "restarting"))
_KINDS = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}
_RAW = (
    "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\nsize: {{.Size}}\n"
    "reclaimable: {{.Reclaimable}}\n"
)
_IMAGES = {
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "Size": "SIZE",
    "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
    "Containers": "CONTAINERS",
}
_CONTAINERS = {
    "ID": "CONTAINER ID",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "LocalVolumes": "LOCAL VOLUMES",
    "Size": "SIZE",
    "RunningFor": "CREATED",
    "Status": "STATUS",
    "Names": "NAMES",
}
_VOLUMES = {"Name": "VOLUME NAME", "Links": "LINKS", "Size": "SIZE"}
_BUILD_CACHE = {
    "ID": "CACHE ID",
    "CacheType": "CACHE TYPE",
    "Size": "SIZE",
    "CreatedSince": "CREATED",
    "LastUsedSince": "LAST USED",
    "UsageCount": "USAGE",
    "Shared": "SHARED",
}


def print_kinds(usage: Usage, form: str, out: TextIO) -> None:
    """A row per kind. Raises: Exit for a malformed template."""
    rows = [_images(usage), _containers(usage), _volumes(usage), _build_cache(usage)]
    print_rows(
        rows,
        out,
        columns=list(_KINDS.items()),
        headers=_KINDS,
        form=_RAW if form == "raw" else form,
    )


def print_objects(usage: Usage, form: str, out: TextIO) -> None:
    """A table per kind, or a template over all objects. Raises: Exit for a malformed template."""
    is_table = form in ("", "table")
    objects = {
        "Images": _image_rows(usage, full=not is_table),
        "Containers": _container_rows(usage, full=not is_table),
        "Volumes": [_volume_row(each) for each in _items(usage, "Volumes")],
        "BuildCache": _cache_rows(usage, full=not is_table),
    }
    if not is_table:
        _print_formatted(objects, form, out)
        return
    freed = human_size(_cache_size(usage))
    parts = (
        ("Images space usage:", "Images", _IMAGES),
        ("\nContainers space usage:", "Containers", _CONTAINERS),
        ("\nLocal Volumes space usage:", "Volumes", _VOLUMES),
        (f"\nBuild cache usage: {freed}", "BuildCache", _BUILD_CACHE),
    )
    for title, kind, headers in parts:
        out.write(f"{title}\n\n")
        print_rows(objects[kind], out, columns=list(headers.items()), headers=headers)


def _print_formatted(objects: Mapping[str, Any], form: str, out: TextIO) -> None:
    if form == "json":
        from budu.client.json import dumps

        plain = {kind: [_plain(row) for row in rows] for kind, rows in objects.items()}
        out.write(dumps(plain).decode() + "\n")
        return
    from budu.cli.format import template_printer

    out.write(template_printer(form)(objects) + "\n")


def _plain(row: Mapping[str, object]) -> dict[str, object]:
    return {name: row[name] for name in sorted(row) if not callable(row[name])}


def _items(usage: Usage, kind: str) -> Sequence[Any]:
    return usage.get(kind) or []


# A row per kind


def _kind(
    title: str, *, count: int, active: int, size: int, reclaimable: int, percent: bool = True
) -> dict[str, object]:
    share = f" ({_quotient(reclaimable * 100, size)}%)" if percent and size > 0 else ""
    return {
        "Type": title,
        "TotalCount": str(count),
        "Active": str(active),
        "Size": human_size(size),
        "Reclaimable": human_size(reclaimable) + share,
    }


def _quotient(above: int, below: int) -> int:
    """Go's division: towards zero."""
    return above // below if above >= 0 else -(-above // below)


def _images(usage: Usage) -> dict[str, object]:
    """What is used by containers is what their images have for themselves alone."""
    images, total = _items(usage, "Images"), usage.get("LayersSize", 0)
    known = [each for each in images if -1 not in (each["Size"], each["SharedSize"])]
    used = sum(each["Size"] - each["SharedSize"] for each in known if each["Containers"])
    active = sum(each["Containers"] > 0 for each in images)
    return _kind("Images", count=len(images), active=active, size=total, reclaimable=total - used)


def _containers(usage: Usage) -> dict[str, object]:
    containers = _items(usage, "Containers")
    sizes = [(each.get("SizeRw", 0), each["State"] in _ACTIVE) for each in containers]
    return _kind(
        "Containers",
        count=len(containers),
        active=sum(is_active for _, is_active in sizes),
        size=sum(size for size, _ in sizes),
        reclaimable=sum(size for size, is_active in sizes if not is_active),
    )


def _volumes(usage: Usage) -> dict[str, object]:
    volumes = [each["UsageData"] for each in _items(usage, "Volumes")]
    known = [each for each in volumes if each["Size"] != -1]
    return _kind(
        "Local Volumes",
        count=len(volumes),
        active=sum(each["RefCount"] > 0 for each in volumes),
        size=sum(each["Size"] for each in known),
        reclaimable=sum(each["Size"] for each in known if not each["RefCount"]),
    )


def _build_cache(usage: Usage) -> dict[str, object]:
    entries, size = _items(usage, "BuildCache"), _cache_size(usage)
    in_use = sum(each["Size"] for each in entries if each["InUse"] and not each["Shared"])
    return _kind(
        "Build Cache",
        count=len(entries),
        active=sum(bool(each["InUse"]) for each in entries),
        size=size,
        reclaimable=size - in_use,
        percent=False,
    )


def _cache_size(usage: Usage) -> int:
    return sum(each["Size"] for each in _items(usage, "BuildCache") if not each["Shared"])


# A row per object


def _image_rows(usage: Usage, *, full: bool) -> list[dict[str, object]]:
    return [_image_row(each, full=full) for each in _items(usage, "Images")]


def _image_row(image: Any, *, full: bool) -> dict[str, object]:
    """Of several names only the first is shown."""
    tags = [name for name in image.get("RepoTags") or [] if name != "<none>:<none>"]
    repository, _, tag = tags[0].rpartition(":") if tags else ("<none>", "", "<none>")
    return image_fields(image, (repository, tag, ""), full=full)


def _container_rows(usage: Usage, *, full: bool) -> list[dict[str, object]]:
    """The size is that of the writable layer alone."""
    rows = ({**each, "SizeRootFs": 0} for each in _items(usage, "Containers"))
    return [container_fields(each, full=full) for each in rows]


def _volume_row(volume: Any) -> dict[str, object]:
    usage = volume.get("UsageData")
    return {
        **volume_fields(volume),
        "Links": str(usage["RefCount"]) if usage else "N/A",
        "Size": human_size(usage["Size"]) if usage else "N/A",
        "Group": "N/A",
        "Availability": "N/A",
        "Status": "N/A",
    }


def _cache_rows(usage: Usage, *, full: bool) -> list[dict[str, object]]:
    """What was used last stands last; `*` is for what a build uses now."""
    entries = sorted(
        _items(usage, "BuildCache"),
        key=lambda each: (_unix_ns(each["LastUsedAt"]), _unix_ns(each["CreatedAt"])),
    )
    return [_cache_row(each, full=full) for each in entries]


def _cache_row(entry: Any, *, full: bool) -> dict[str, object]:
    identity = entry["ID"] if full else entry["ID"].removeprefix("sha256:")[:12]
    created, used = entry["CreatedAt"], entry["LastUsedAt"]
    return {
        "ID": f"{identity}*" if entry["InUse"] else identity,
        "Parent": "",
        "CacheType": entry["Type"],
        "Description": entry.get("Description", ""),
        "Size": human_size(entry["Size"], precision=3),
        "CreatedAt": go_time(created),
        "CreatedSince": ago(_unix_ns(created) // SECOND_NS),
        "LastUsedAt": go_time(used) if used else "",
        "LastUsedSince": ago(_unix_ns(used) // SECOND_NS) if used else "",
        "UsageCount": str(entry["UsageCount"]),
        "InUse": str(bool(entry["InUse"])).lower(),
        "Shared": str(bool(entry["Shared"])).lower(),
    }


def _unix_ns(text: str | None) -> int:
    return parse_time(text) if text else 0
