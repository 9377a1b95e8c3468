"""The shape of a JSON document: its keys and types, without its values."""

from __future__ import annotations

from typing import Any

Shape = dict[str, Any] | list[Any] | str
"""A record with the shape of each key; a list of the shapes of its items, each once; `string`,
`number`, `boolean` or `null`. A map of free keys is a record with the one key `*`."""

FREE = frozenset(
    [
        "Aliases",
        "Annotations",
        "Attributes",
        "AuxiliaryAddresses",
        "Config.Labels",
        "Data",
        "Details",
        "DriverOpts",
        "Endpoints",
        "ExposedPorts",
        "IndexConfigs",
        "Labels",
        "LogConfig.Config",
        "NetworkInspect.Containers",
        "[].Containers",
        "Networks",
        "Options",
        "PortBindings",
        "Ports",
        "Runtimes",
        "Status",
        "StorageOpt",
        "Sysctls",
        "Tmpfs",
        "Volumes",
        "networks",
        "stats",
    ]
)
"""Keys, or the last two of a path, whose value is a map of free keys when it is an object."""


def shape_of(value: Any, path: tuple[str, ...] = ()) -> Shape:
    """The shape of a decoded document."""
    if isinstance(value, dict):
        if is_free(path):
            inner = [shape_of(item, (*path, "*")) for item in value.values()]
            return {"*": merged(inner)} if inner else {}
        return {key: shape_of(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        shapes = [shape_of(item, (*path, "[]")) for item in value]
        return [merged(shapes)] if shapes else []
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else "string"


def is_free(path: tuple[str, ...]) -> bool:
    """Whether an object at `path` has free keys."""
    return bool(path) and (path[-1] in FREE or ".".join(path[-2:]) in FREE)


def merged(shapes: list[Shape]) -> Shape:
    """One shape of several: records key by key, with `?` behind keys that some lack; several kinds
    as a record of them below `|`."""
    kinds: dict[str, list[Any]] = {}
    for each in shapes:
        parts = each["|"].values() if isinstance(each, dict) and "|" in each else (each,)
        for part in parts:
            kinds.setdefault(part if isinstance(part, str) else type(part).__name__, []).append(
                part
            )
    found = {kind: _merged_kind(parts) for kind, parts in sorted(kinds.items())}
    return {"|": found} if len(found) > 1 else next(iter(found.values()))


def _merged_kind(shapes: list[Any]) -> Shape:
    first = shapes[0]
    if isinstance(first, str):
        return first
    if isinstance(first, list):
        items = [item for each in shapes for item in each]
        return [merged(items)] if items else []
    keys = dict.fromkeys(key.removesuffix("?") for each in shapes for key in each)
    return {key if _have_all(shapes, key) else f"{key}?": _column(shapes, key) for key in keys}


def _have_all(records: list[dict[str, Any]], key: str) -> bool:
    return all(key in each for each in records)


def _column(records: list[dict[str, Any]], key: str) -> Shape:
    return merged([each[name] for each in records for name in (key, f"{key}?") if name in each])
