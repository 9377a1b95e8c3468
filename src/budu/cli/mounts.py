"""`--mount`, `--volume` and `--tmpfs`: from text to Mounts, Binds, Volumes and Tmpfs. Light.

Source: docker/cli 28.2 `opts/mount.go`, `cli/compose/loader/volume.go`,
`cli/command/container/opts.go`.
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument
from budu.base.units import parse_bytes
from budu.cli.csv import read_fields
from budu.cli.values import read_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_WITHOUT_VALUE = frozenset(
    ("readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src", "bind-mine")
)
_RECURSION = {
    "enabled": "",
    "disabled": "NonRecursive",
    "writable": "ReadOnlyNonRecursive",
    "readonly": "ReadOnlyForceRecursive",
}
_OPTIONS = (
    ("VolumeOptions", "volume"),
    ("BindOptions", "bind"),
    ("TmpfsOptions", "tmpfs"),
    ("ImageOptions", "image"),
)


def read_mount(text: str) -> dict[str, Any]:
    """Read one `--mount`: `type=bind,src=/a,dst=/b,readonly`.

    Raises: InvalidArgument with Docker's sentence.
    """
    mount: dict[str, Any] = {"Type": "volume"}
    for field in read_fields(text):
        name, separator, value = field.partition("=")
        key = name.lower()
        if not separator and key not in _WITHOUT_VALUE:
            raise InvalidArgument(f"invalid field '{field}' must be a key=value pair")
        _apply(mount, key, value if separator else "true", field)
    _check(mount)
    return {name: value for name, value in mount.items() if value not in ("", False)}


def _apply(mount: dict[str, Any], key: str, value: str, field: str) -> None:
    match key:
        case "type":
            mount["Type"] = value.lower()
        case "source" | "src":
            mount["Source"] = absolute(value)
        case "target" | "dst" | "destination":
            mount["Target"] = value
        case "readonly" | "ro":
            mount["ReadOnly"] = _truth(key, value)
        case "consistency":
            mount["Consistency"] = value.lower()
        case _:
            group, _, option = key.partition("-")
            apply = {
                "bind": _apply_bind,
                "volume": _apply_volume,
                "tmpfs": _apply_tmpfs,
                "image": _apply_image,
            }.get(group)
            if apply is None or not option or not apply(mount, key, value):
                raise InvalidArgument(f"unexpected key '{key}' in '{field}'")


def _apply_bind(mount: dict[str, Any], key: str, value: str) -> bool:
    match key:
        case "bind-propagation":
            _options(mount, "BindOptions")["Propagation"] = value.lower()
        case "bind-nonrecursive":
            _options(mount, "BindOptions").update(_flag("NonRecursive", key, value))
        case "bind-create-src":
            _options(mount, "BindOptions").update(_flag("CreateMountpoint", key, value))
        case "bind-mine":
            _options(mount, "BindOptions").update(_flag("Mine", key, value))
        case "bind-recursive":
            if value not in _RECURSION:
                raise InvalidArgument(
                    f'invalid value for {key}: {value} (must be "enabled", "disabled", '
                    '"writable", or "readonly")'
                )
            if _RECURSION[value]:
                _options(mount, "BindOptions")[_RECURSION[value]] = True
        case _:
            return False
    return True


def _apply_volume(mount: dict[str, Any], key: str, value: str) -> bool:
    options = _options(mount, "VolumeOptions")
    driver: dict[str, Any] = options.setdefault("DriverConfig", {})
    match key:
        case "volume-subpath":
            options["Subpath"] = value
        case "volume-nocopy":
            options.update(_flag("NoCopy", key, value))
        case "volume-label":
            name, _, text = value.partition("=")
            options.setdefault("Labels", {})[name] = text
        case "volume-driver":
            driver["Name"] = value
        case "volume-opt":
            name, _, text = value.partition("=")
            driver.setdefault("Options", {})[name] = text
        case _:
            return False
    return True


def _apply_tmpfs(mount: dict[str, Any], key: str, value: str) -> bool:
    options = _options(mount, "TmpfsOptions")
    try:
        match key:
            case "tmpfs-size":
                options["SizeBytes"] = parse_bytes(value)
            case "tmpfs-mode":
                options["Mode"] = _octal(value)
            case _:
                return False
    except (InvalidArgument, ValueError):
        raise InvalidArgument(f"invalid value for {key}: {value}") from None
    return True


def _apply_image(mount: dict[str, Any], key: str, value: str) -> bool:
    if key != "image-subpath":
        return False
    _options(mount, "ImageOptions")["Subpath"] = value
    return True


def _check(mount: dict[str, Any]) -> None:
    kind = mount["Type"]
    if not kind:
        raise InvalidArgument("type is required")
    if not mount.get("Target"):
        raise InvalidArgument("target is required")
    for name, prefix in _OPTIONS:
        if name in mount and kind != prefix:
            raise InvalidArgument(f"cannot mix '{prefix}-*' options with mount type '{kind}'")
    bind = mount.get("BindOptions", {})
    read_only = mount.get("ReadOnly", False)
    if bind.get("ReadOnlyNonRecursive") and not read_only:
        raise InvalidArgument(_needs("bind-recursive=writable", "readonly"))
    if bind.get("ReadOnlyForceRecursive"):
        if not read_only:
            raise InvalidArgument(_needs("bind-recursive=readonly", "readonly"))
        if bind.get("Propagation") != "rprivate":
            raise InvalidArgument(_needs("bind-recursive=readonly", "bind-propagation=rprivate"))


def _needs(option: str, other: str) -> str:
    return f"option '{option}' requires '{other}' to be specified in conjunction"


def _truth(key: str, value: str) -> bool:
    try:
        return read_bool(value)
    except InvalidArgument:
        raise InvalidArgument(f"invalid value for {key}: {value}") from None


def _options(mount: dict[str, Any], name: str) -> dict[str, Any]:
    options: dict[str, Any] = mount.setdefault(name, {})
    return options


def _flag(name: str, key: str, value: str) -> dict[str, bool]:
    return {name: True} if _truth(key, value) else {}


def _octal(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(text)
    return int(text, 8)


def read_volumes(texts: Sequence[str]) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Binds (and named volumes) and anonymous Volumes of `-v`; doubled ones count once.

    Raises: InvalidArgument for an empty part.
    """
    binds: list[str] = []
    anonymous: dict[str, dict[str, str]] = {}
    for text in dict.fromkeys(texts):
        if _volume_source(text):
            head, colon, rest = text.partition(":")
            binds.append(absolute(head) + colon + rest)
        else:
            anonymous[text] = {}
    return binds, anonymous


def _volume_source(text: str) -> str:
    if not text:
        raise InvalidArgument("invalid empty volume spec")
    if len(text) <= 2:
        return ""
    parts = text.split(":")
    if "" in parts:
        raise InvalidArgument(f"invalid spec: {text}: empty section between colons")
    return parts[0] if len(parts) > 1 else ""


def read_tmpfs(texts: Sequence[str]) -> dict[str, str]:
    """Tmpfs: path to options."""
    return {path: options for path, _, options in (text.partition(":") for text in texts)}


def absolute(path: str) -> str:
    """A path that begins with a dot becomes absolute; others stay (they may be volume names)."""
    if not path.startswith("."):
        return path
    from os.path import abspath

    return abspath(path)
