"""What `RUN --mount=…` asks for. Pure.

Source: Dockerfile reference, "RUN --mount"; buildkit 0.23
frontend/dockerfile/instructions/commands_runmount.go (fields and sentences).
"""

from __future__ import annotations

import posixpath
from enum import StrEnum

import msgspec

from budu.base.errors import InvalidArgument
from budu.base.units import parse_bytes
from budu.build.dockerfile.mount_values import mount_fields

_FLAGS = {"readonly": True, "ro": True, "readwrite": False, "rw": False}
_SHARINGS = ("shared", "private", "locked")


class RunMountKind(StrEnum):
    """What stands behind a mount."""

    BIND = "bind"
    CACHE = "cache"
    TMPFS = "tmpfs"
    SECRET = "secret"
    SSH = "ssh"


class RunMount(msgspec.Struct, frozen=True, kw_only=True):
    """One mount of a command. Defaults are those of its kind."""

    kind: RunMountKind = RunMountKind.BIND
    target: str = ""
    source: str = ""
    origin: str = ""
    """`from`: a stage or an image; empty for the context (bind) or nothing (cache)."""
    is_read_only: bool = False
    id: str = ""
    sharing: str = "shared"
    mode: int | None = None
    uid: int = 0
    gid: int = 0
    size: int = 0
    """Of a tmpfs, in bytes; 0 without a limit."""
    is_required: bool = False
    env: str = ""
    """The variable that a secret shall be in."""


def parse_mount(text: str) -> RunMount:
    """The value of one `--mount`. Raises: InvalidArgument with BuildKit's sentence."""
    fields: dict[str, object] = {}
    read_only: bool | None = None
    for field in mount_fields(text):
        name, equals, value = field.partition("=")
        name = name.lower()
        if name in _FLAGS:
            read_only = _FLAGS[name] == (_boolean(name, value) if equals else True)
        elif name == "required":
            fields["is_required"] = _boolean(name, value) if equals else True
        elif not equals:
            raise InvalidArgument(f"invalid field '{field}' must be a key=value pair")
        else:
            fields |= _field(name, value)
    mount = msgspec.convert(fields, RunMount)
    return _checked(mount, read_only=read_only)


def mount_origin(text: str) -> str:
    """What a `--mount` takes files from, told before its variables can be replaced."""
    pairs = (field.partition("=") for field in mount_fields(text))
    return next((value for name, _, value in pairs if name.lower() == "from"), "")


def _field(name: str, value: str) -> dict[str, object]:
    match name:
        case "type":
            if value not in {kind.value for kind in RunMountKind}:
                raise InvalidArgument(f'unsupported mount type "{value}"')
            return {"kind": value}
        case "target" | "dst" | "destination":
            return {"target": value}
        case "source" | "src":
            return {"source": value}
        case "from":
            return {"origin": value}
        case "id" | "env":
            return {name: value}
        case "sharing":
            if value not in _SHARINGS:
                raise InvalidArgument(f'unsupported sharing value "{value}"')
            return {"sharing": value}
        case "mode":
            return {"mode": _number(name, value, base=8)}
        case "uid" | "gid":
            return {name: _number(name, value, base=10)}
        case "size":
            return {"size": parse_bytes(value)}
        case _:
            raise InvalidArgument(f"unexpected key '{name}' in '{name}={value}'")


def _boolean(name: str, text: str) -> bool:
    match text.lower():
        case "1" | "t" | "true":
            return True
        case "0" | "f" | "false":
            return False
        case _:
            raise InvalidArgument(f"invalid value for {name}: {text}")


def _number(name: str, text: str, *, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise InvalidArgument(f"invalid value {text} for {name}") from None


def _checked(mount: RunMount, *, read_only: bool | None) -> RunMount:
    kind = mount.kind
    if kind in (RunMountKind.BIND, RunMountKind.CACHE, RunMountKind.TMPFS) and not mount.target:
        raise InvalidArgument("invalid mount: target is required")
    if kind is RunMountKind.SECRET and not (mount.id or mount.source or mount.target):
        raise InvalidArgument("invalid secret mount: one of source, target required")
    if mount.env and kind is not RunMountKind.SECRET:
        raise InvalidArgument(f"'env' field can't be used with mount type '{kind}'")
    if mount.sharing != "shared" and kind is not RunMountKind.CACHE:
        raise InvalidArgument(f"invalid cache sharing set for {kind} mount")
    default = kind is RunMountKind.BIND
    return msgspec.structs.replace(
        mount,
        is_read_only=default if read_only is None else read_only,
        id=mount.id or _default_id(mount),
    )


def _default_id(mount: RunMount) -> str:
    if mount.kind is RunMountKind.CACHE:
        return posixpath.normpath(mount.target)
    return posixpath.basename(mount.source or mount.target)
