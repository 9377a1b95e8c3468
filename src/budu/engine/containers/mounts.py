"""Which mounts a container gets, from `-v`, `--mount`, `--tmpfs` and the image's VOLUME lines.

Pure: volumes are named but not made, bind sources are not looked at. `create` does both.
Precedence by destination: `--mount`, then `-v`, then `--tmpfs`, then the image's volumes.
Source: Engine API 1.51 HostConfig (Binds, Mounts, Tmpfs); Docker docs, "Volumes", "Bind mounts".
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from budu.base.errors import InvalidArgument, NotImplementedHere
from budu.engine.containers.model import Mount, MountKind
from budu.spec.api.host_config import HostConfig
from budu.spec.api.host_config import Mount as ApiMount

_PROPAGATIONS = frozenset(["shared", "slave", "private", "rshared", "rslave", "rprivate"])
_ACCESS = frozenset({"ro", "rw"})
_LABELS = frozenset({"z", "Z"})
_IGNORED = frozenset({"cached", "delegated", "consistent"})
_VOLUME_ONLY = frozenset({"nocopy", "copy"})
DEFAULT_BIND_PROPAGATION = "rprivate"


def plan_mounts(host_config: HostConfig, image_volumes: Iterable[str]) -> tuple[Mount, ...]:
    """All mounts of a container, parents before children.

    Raises: InvalidArgument with Docker's sentence for a malformed or doubled mount.
    """
    chosen: dict[str, Mount] = {}
    for mount in _explicit(host_config):
        if mount.destination in chosen:
            raise InvalidArgument(f"Duplicate mount point: {mount.destination}")
        chosen[mount.destination] = mount
    for destination, options in (host_config.tmpfs or {}).items():
        mount = _tmpfs(_absolute(destination, destination), options)
        if mount.destination in chosen:
            raise InvalidArgument(f"Duplicate mount point: {mount.destination}")
        chosen[mount.destination] = mount
    for destination in image_volumes:
        path = _absolute(destination, destination)
        chosen.setdefault(path, _anonymous(path))
    return tuple(sorted(chosen.values(), key=lambda mount: mount.destination.split("/")))


def _explicit(host_config: HostConfig) -> Iterator[Mount]:
    for bind in host_config.binds or ():
        yield parse_bind(bind)
    for mount in host_config.mounts or ():
        yield _from_api(mount)


def parse_bind(text: str) -> Mount:
    """One `-v` value: `source:destination[:mode]`, or a destination alone.

    Raises: InvalidArgument with Docker's sentence.
    """
    parts = text.split(":")
    if not text or len(parts) > 3 or any(not part for part in parts):
        raise InvalidArgument(f"invalid volume specification: '{text}'")
    if len(parts) == 1:
        return _anonymous(_absolute(parts[0], text))
    if len(parts) == 2 and _looks_like_mode(parts[1]):
        return _anonymous(_absolute(parts[0], text))
    source, destination = parts[0], _absolute(parts[1], text)
    words = parts[2].split(",") if len(parts) == 3 else []
    is_bind = source.startswith("/")
    _check_mode(words, text, is_bind=is_bind)
    return Mount(
        kind=MountKind.BIND if is_bind else MountKind.VOLUME,
        destination=destination,
        source=posixpath.normpath(source) if is_bind else "",
        name="" if is_bind else source,
        driver="" if is_bind else "local",
        read_only="ro" in words,
        propagation=_propagation(words) if is_bind else "",
        mode=",".join(words) if words else ("" if is_bind else "z"),
        options=("create-source",) if is_bind else (),
        no_copy="nocopy" in words,
    )


def _looks_like_mode(text: str) -> bool:
    return not text.startswith("/") and all(
        word in _ACCESS | _LABELS | _VOLUME_ONLY for word in text.split(",")
    )


def _check_mode(words: list[str], text: str, *, is_bind: bool) -> None:
    allowed = _ACCESS | _LABELS | _IGNORED | (_PROPAGATIONS if is_bind else _VOLUME_ONLY)
    groups = (_ACCESS, _LABELS, _PROPAGATIONS)
    doubled = any(sum(word in group for word in words) > 1 for group in groups)
    if doubled or any(word not in allowed for word in words):
        raise InvalidArgument(f"invalid mode: {','.join(words)}")


def _propagation(words: list[str]) -> str:
    return next((word for word in words if word in _PROPAGATIONS), DEFAULT_BIND_PROPAGATION)


def _absolute(path: str, text: str) -> str:
    if not path.startswith("/"):
        raise InvalidArgument(
            f"invalid volume specification: '{text}': invalid mount config for type \"bind\": "
            f"invalid mount path: '{path}' mount path must be absolute"
        )
    normal = posixpath.normpath(path)
    normal = "/" + normal.lstrip("/")
    if normal == "/":
        raise InvalidArgument(
            f"invalid volume specification: '{text}': invalid specification: "
            "destination can't be '/'"
        )
    return normal


def _anonymous(destination: str) -> Mount:
    return Mount(kind=MountKind.VOLUME, destination=destination, driver="local", anonymous=True)


def _tmpfs(destination: str, options: str) -> Mount:
    words = tuple(word for word in options.split(",") if word)
    return Mount(
        kind=MountKind.TMPFS, destination=destination, options=words, read_only="ro" in words
    )


def _from_api(mount: ApiMount) -> Mount:
    if not mount.target:
        raise InvalidArgument(
            f'invalid mount config for type "{mount.type}": field Target must not be empty'
        )
    if not mount.target.startswith("/"):
        raise InvalidArgument(
            f'invalid mount config for type "{mount.type}": invalid mount path: '
            f"'{mount.target}' mount path must be absolute"
        )
    match mount.type:
        case "bind":
            return _api_bind(mount)
        case "volume":
            return _api_volume(mount)
        case "tmpfs":
            return _api_tmpfs(mount)
        case "image" | "cluster" | "npipe":
            raise NotImplementedHere(f'mount type "{mount.type}" is not supported by this engine')
        case _:
            raise InvalidArgument(f'mount type unknown: "{mount.type}"')


def _api_bind(mount: ApiMount) -> Mount:
    if not mount.source:
        raise InvalidArgument(
            'invalid mount config for type "bind": field Source must not be empty'
        )
    if not mount.source.startswith("/"):
        raise InvalidArgument(
            'invalid mount config for type "bind": invalid mount path: '
            f"'{mount.source}' mount path must be absolute"
        )
    bind = mount.bind_options
    propagation = (bind.propagation if bind else "") or DEFAULT_BIND_PROPAGATION
    if propagation not in _PROPAGATIONS:
        raise InvalidArgument(
            f'invalid mount config for type "bind": invalid propagation mode: {propagation}'
        )
    return Mount(
        kind=MountKind.BIND,
        destination=_absolute(mount.target, mount.target),
        source=posixpath.normpath(mount.source),
        read_only=mount.read_only,
        propagation=propagation,
        options=("create-source",) if bind and bind.create_mountpoint else (),
        recursive=not (bind and bind.non_recursive),
        force_recursive_read_only=bool(bind and bind.read_only_force_recursive),
    )


def _api_volume(mount: ApiMount) -> Mount:
    options = mount.volume_options
    driver = options.driver_config.name if options and options.driver_config else ""
    return Mount(
        kind=MountKind.VOLUME,
        destination=_absolute(mount.target, mount.target),
        name=mount.source,
        driver=driver or "local",
        read_only=mount.read_only,
        mode="z",
        anonymous=not mount.source,
        no_copy=bool(options and options.no_copy),
        subpath=options.subpath if options else "",
    )


def _api_tmpfs(mount: ApiMount) -> Mount:
    if mount.source:
        raise InvalidArgument(
            'invalid mount config for type "tmpfs": field Source must not be specified'
        )
    tmpfs = mount.tmpfs_options
    words: list[str] = []
    if mount.read_only:
        words.append("ro")
    if tmpfs and tmpfs.size_bytes:
        words.append(f"size={tmpfs.size_bytes}")
    if tmpfs and tmpfs.mode:
        words.append(f"mode={tmpfs.mode:o}")
    return Mount(
        kind=MountKind.TMPFS,
        destination=_absolute(mount.target, mount.target),
        options=tuple(words),
        read_only=mount.read_only,
    )
