"""Which mounts a container gets, from `-v`, `--mount`, `--tmpfs` and the image's VOLUME lines.

Pure: volumes are named but not made, bind sources are not looked at. `create` does both.
Precedence by destination: `--mount`, `-v`, `--tmpfs`, `--volumes-from`, the image's volumes.
Source: Engine API 1.51 HostConfig (Binds, Mounts, Tmpfs); Docker docs, "Volumes", "Bind mounts".
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator

import msgspec

from budu.base.errors import InvalidArgument, NotFound, NotImplementedHere
from budu.engine.containers.model import Container, Mount, MountKind
from budu.runtime.mount_options import is_option
from budu.spec.api.host_config import HostConfig
from budu.spec.api.host_config import Mount as ApiMount

_PROPAGATIONS = frozenset(["shared", "slave", "private", "rshared", "rslave", "rprivate"])
_ACCESS = frozenset({"ro", "rw"})
_LABELS = frozenset({"z", "Z"})
_IGNORED = frozenset({"cached", "delegated", "consistent"})
_VOLUME_ONLY = frozenset({"nocopy"})
_MINE = frozenset({"mine"})
"""Our own word: the owner on the host is shown as the container's user."""
_GROUPS = (_ACCESS, _LABELS, _PROPAGATIONS, _IGNORED, _VOLUME_ONLY, _MINE)
_TMPFS_WORDS = frozenset(
    {"size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"}
    | {"huge", "noswap", "inode32", "inode64"}
)
"""Options of tmpfs alone: Docker's, and those that later kernels have."""
DEFAULT_BIND_PROPAGATION = "rprivate"


def plan_mounts(
    host_config: HostConfig, image_volumes: Iterable[str], *, inherited: Iterable[Mount] = ()
) -> tuple[Mount, ...]:
    """All mounts of a container, parents before children; `inherited` as of `mounts_from`.

    Raises: InvalidArgument with Docker's sentence for a malformed or doubled mount.
    """
    chosen: dict[str, Mount] = {}
    for mount in _explicit(host_config):
        if mount.destination in chosen:
            raise InvalidArgument(f"Duplicate mount point: {mount.destination}")
        chosen[mount.destination] = mount
    for destination, options in (host_config.tmpfs or {}).items():
        mount = _tmpfs(_checked_target(destination), options)
        if mount.destination in chosen:
            raise InvalidArgument(f"Duplicate mount point: {mount.destination}")
        chosen[mount.destination] = mount
    for mount in inherited:
        chosen.setdefault(mount.destination, mount)
    for destination in image_volumes:
        path = _checked_target(destination)
        chosen.setdefault(path, _driven(_anonymous(path), host_config))
    return tuple(sorted(chosen.values(), key=lambda mount: mount.destination.split("/")))


def mounts_from(refs: Iterable[str], find: Callable[[str], Container]) -> tuple[Mount, ...]:
    """The volumes and binds of other containers, from `NAME[:ro|rw|z|Z]`; later names win.

    Raises: InvalidArgument for a malformed mode and for an unknown container.
    """
    mounts: dict[str, Mount] = {}
    for ref in refs:
        if not ref:
            raise InvalidArgument("volumes-from specification cannot be an empty string")
        name, _, mode = ref.partition(":")
        if mode and mode not in _ACCESS | _LABELS:
            raise InvalidArgument(f"invalid mode: {mode}")
        for mount in _donor(name, find).mounts:
            if mount.kind in (MountKind.BIND, MountKind.VOLUME):
                mounts[mount.destination] = msgspec.structs.replace(
                    mount, read_only=mount.read_only or mode == "ro", mode=mode or mount.mode
                )
    return tuple(mounts.values())


def _donor(name: str, find: Callable[[str], Container]) -> Container:
    """The other container. Without it the request is wrong: a 404 would mean the image to clients,
    which would pull it and try again."""
    try:
        return find(name)
    except NotFound as error:
        raise InvalidArgument(error.message, hint=error.hint, reference=name) from None


def _explicit(host_config: HostConfig) -> Iterator[Mount]:
    for bind in host_config.binds or ():
        yield _driven(parse_bind(bind), host_config)
    for mount in host_config.mounts or ():
        yield _from_api(mount)


def _driven(mount: Mount, host_config: HostConfig) -> Mount:
    """A volume of `-v` or the image, with the driver that `--volume-driver` names."""
    if mount.kind is not MountKind.VOLUME or not host_config.volume_driver:
        return mount
    return msgspec.structs.replace(mount, driver=host_config.volume_driver)


def parse_bind(text: str) -> Mount:
    """One `-v` value: `source:destination[:mode]`, or a destination alone.

    Raises: InvalidArgument with Docker's sentence.
    """
    parts = text.split(":")
    if len(parts) > 3 or not all(parts[:2]) or (len(parts) == 2 and _is_mode(parts[1])):
        raise InvalidArgument(f"invalid volume specification: '{text}'")
    refused = f"invalid volume specification: '{text}': "
    if len(parts) == 1:
        return _anonymous(_target(text, "volume", refused))
    words = parts[2].split(",") if parts[2:] and parts[2] else []
    if words and not _is_mode(parts[2]):
        raise InvalidArgument(f"invalid mode: {parts[2]}")
    source, is_bind = parts[0], parts[0].startswith("/")
    destination = _target(parts[1], "bind" if is_bind else "volume", refused)
    _check_words(words, refused, is_bind=is_bind)
    return Mount(
        kind=MountKind.BIND if is_bind else MountKind.VOLUME,
        destination=destination,
        source=posixpath.normpath(source) if is_bind else "",
        name="" if is_bind else source,
        read_only="ro" in words,
        propagation=_propagation(words) if is_bind else "",
        mode=",".join(words) if words else ("" if is_bind else "z"),
        options=("create-source",) if is_bind else (),
        no_copy="nocopy" in words,
        mine="mine" in words,
    )


def _is_mode(text: str) -> bool:
    """Whether every word is known and no group of words has two."""
    words = text.split(",")
    known = sum(word in group for word in words for group in _GROUPS)
    return known == len(words) and all(
        sum(word in group for word in words) <= 1 for group in _GROUPS
    )


def _check_words(words: list[str], refused: str, *, is_bind: bool) -> None:
    """Refuse words that only the other kind of mount has."""
    if is_bind and any(word in _VOLUME_ONLY for word in words):
        raise _malformed("bind", "field VolumeOptions must not be specified", before=refused)
    if not is_bind and any(word in _PROPAGATIONS | _MINE for word in words):
        raise _malformed("volume", "field BindOptions must not be specified", before=refused)


def _propagation(words: list[str]) -> str:
    return next((word for word in words if word in _PROPAGATIONS), DEFAULT_BIND_PROPAGATION)


def _malformed(kind: str, reason: str, *, before: str = "") -> InvalidArgument:
    return InvalidArgument(f'{before}invalid mount config for type "{kind}": {reason}')


def _target(path: str, kind: str, before: str = "") -> str:
    """The normal form of a destination. Raises: InvalidArgument naming the kind of mount."""
    try:
        return _checked_target(path)
    except InvalidArgument as error:
        raise _malformed(kind, error.message, before=before) from None


def _checked_target(path: str) -> str:
    normal = "/" + posixpath.normpath(path).lstrip("/")
    if normal == "/":
        raise InvalidArgument("invalid specification: destination can't be '/'")
    if not path.startswith("/"):
        raise InvalidArgument(f"invalid mount path: '{path}' mount path must be absolute")
    return normal


def _anonymous(destination: str) -> Mount:
    return Mount(kind=MountKind.VOLUME, destination=destination, anonymous=True)


def _tmpfs(destination: str, options: str) -> Mount:
    words = tuple(word for word in options.split(",") if word)
    for word in words:
        name = word.partition("=")[0]
        if name not in _TMPFS_WORDS and not is_option(name):
            raise InvalidArgument(f'invalid tmpfs option ["{word}"]')
    return Mount(
        kind=MountKind.TMPFS, destination=destination, options=words, read_only="ro" in words
    )


def _from_api(mount: ApiMount) -> Mount:
    for kind, name, options in (
        ("bind", "BindOptions", mount.bind_options),
        ("volume", "VolumeOptions", mount.volume_options),
        ("image", "ImageOptions", mount.image_options),
        ("tmpfs", "TmpfsOptions", mount.tmpfs_options),
    ):
        if options is not None and mount.type != kind:
            raise _malformed(mount.type, f"field {name} must not be specified")
    if not mount.target:
        raise _malformed(mount.type, "field Target must not be empty")
    target = _target(mount.target, mount.type)
    match mount.type:
        case "bind":
            return _api_bind(mount, target)
        case "volume":
            return _api_volume(mount, target)
        case "tmpfs":
            return _api_tmpfs(mount, target)
        case "image":
            return _api_image(mount, target)
        case "cluster" | "npipe":
            raise NotImplementedHere(f'mount type "{mount.type}" is not supported by this engine')
        case _:
            raise _malformed(mount.type, "mount type unknown")


def _api_bind(mount: ApiMount, target: str) -> Mount:
    if not mount.source:
        raise _malformed("bind", "field Source must not be empty")
    bind = mount.bind_options
    _check_read_only(mount)
    propagation = (bind.propagation if bind else "") or DEFAULT_BIND_PROPAGATION
    if propagation not in _PROPAGATIONS:
        raise _malformed("bind", f"invalid propagation mode: {propagation}")
    if not mount.source.startswith("/"):
        raise _malformed(
            "bind", f"invalid mount path: '{mount.source}' mount path must be absolute"
        )
    return Mount(
        kind=MountKind.BIND,
        destination=target,
        source=posixpath.normpath(mount.source),
        read_only=mount.read_only,
        propagation=propagation,
        options=("create-source",) if bind and bind.create_mountpoint else (),
        recursive=not (bind and bind.non_recursive),
        shallow_read_only=bool(bind and bind.read_only_non_recursive),
        mine=bool(bind and bind.mine),
        force_recursive_read_only=bool(bind and bind.read_only_force_recursive),
    )


def _check_read_only(mount: ApiMount) -> None:
    """Raises: InvalidArgument for read-only options that contradict each other."""
    bind = mount.bind_options
    if bind is None:
        return
    conflict = "mount options conflict: "
    if not mount.read_only and bind.read_only_non_recursive:
        raise InvalidArgument(conflict + "!ReadOnly && BindOptions.ReadOnlyNonRecursive")
    if not mount.read_only and bind.read_only_force_recursive:
        raise InvalidArgument(conflict + "!ReadOnly && BindOptions.ReadOnlyForceRecursive")
    if bind.read_only_non_recursive and bind.read_only_force_recursive:
        raise InvalidArgument(
            conflict + "ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive"
        )


def _api_image(mount: ApiMount, target: str) -> Mount:
    subpath = mount.image_options.subpath if mount.image_options else ""
    if not mount.source:
        raise _malformed("image", "field Source must not be empty")
    if subpath and not _is_local(subpath):
        raise _malformed("image", "subpath must be a relative path within the volume")
    return Mount(
        kind=MountKind.IMAGE,
        destination=target,
        name=mount.source,
        read_only=True,
        propagation=DEFAULT_BIND_PROPAGATION,
        subpath=subpath,
    )


def _api_volume(mount: ApiMount, target: str) -> Mount:
    options = mount.volume_options
    subpath = options.subpath if options else ""
    if subpath and not mount.source:
        raise _malformed("volume", "must not set Subpath when using anonymous volumes")
    if subpath and not _is_local(subpath):
        raise _malformed("volume", "subpath must be a relative path within the volume")
    if mount.read_only and not mount.source:
        raise _malformed("volume", "must not set ReadOnly mode when using anonymous volumes")
    config = options.driver_config if options else None
    return Mount(
        kind=MountKind.VOLUME,
        destination=target,
        name=mount.source,
        driver=config.name if config else "",
        driver_options=(config.options if config else None) or {},
        labels=(options.labels if options else None) or {},
        read_only=mount.read_only,
        mode="z",
        anonymous=not mount.source,
        no_copy=bool(options and options.no_copy),
        subpath=subpath,
    )


def _is_local(path: str) -> bool:
    return not path.startswith("/") and posixpath.normpath(path).split("/")[0] != ".."


def _api_tmpfs(mount: ApiMount, target: str) -> Mount:
    if mount.source:
        raise _malformed("tmpfs", "field Source must not be specified")
    tmpfs = mount.tmpfs_options
    words: list[str] = []
    if mount.read_only:
        words.append("ro")
    if tmpfs and tmpfs.size_bytes:
        words.append(f"size={tmpfs.size_bytes}")
    if tmpfs and tmpfs.mode:
        words.append(f"mode={tmpfs.mode:o}")
    for option in (tmpfs.options if tmpfs else None) or ():
        words.append(_tmpfs_option(option))
    return Mount(
        kind=MountKind.TMPFS,
        destination=target,
        options=tuple(words),
        read_only=mount.read_only,
    )


def _tmpfs_option(words: list[str]) -> str:
    if not 1 <= len(words) <= 2:
        raise _malformed("tmpfs", "invalid option array length")
    if words[0] not in ("exec", "noexec"):
        raise _malformed("tmpfs", f"invalid option: {words[0]}")
    return "=".join(words)
