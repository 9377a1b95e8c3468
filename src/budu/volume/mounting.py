"""Mounts of local volumes on the host: what `type`, `device` and `o` say. Blocking.

Source: moby/sys mount (how `o` becomes flags and data, and the sentence of an error).
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from budu.base.errors import Hint, Internal
from budu.linux.loop import attach_loop, loop_path
from budu.linux.mount import MNT_DETACH, MS_BIND, MS_REC, MS_REMOUNT, mount, umount2
from budu.linux.mountinfo import read_mountinfo
from budu.runtime.mount_options import parse_options
from budu.volume.options import LocalOptions

_UMOUNT_NOFOLLOW = 8  # <sys/mount.h>
_NO_ANSWER = frozenset(
    [errno.ECONNREFUSED, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN]
)
_REMOTE_TYPES = frozenset(["nfs", "nfs4", "cifs", "smb3", "ceph", "9p"])


def mounted_places(root: str) -> set[str]:
    """Every place below `root` on which something is mounted."""
    return {each.target for each in read_mountinfo() if each.target.startswith(root + "/")}


def mount_volume(options: LocalOptions, target: str) -> None:
    """Mount what the options name on `target`. Raises: Internal with Docker's sentence."""
    if not options.device:
        raise Internal("missing device in volume options")
    words = tuple(word for word in options.o.split(",") if word and word != "loop")
    parsed = parse_options(words)
    flags = parsed.flags
    if parsed.bind:
        flags |= MS_BIND | (MS_REC if parsed.bind_recursive else 0)
    device, loop = options.device, -1
    try:
        if not parsed.bind and _is_file(device):
            loop = attach_loop(device)
            device = loop_path(loop)
        mount(device, target, options.type or None, flags, parsed.data or None)
        _finish(target, flags, parsed.propagation | (MS_REC if parsed.propagation_recursive else 0))
    except OSError as error:
        text = _sentence(error, f"{options.device}:{target}", flags, parsed.data)
        raise Internal(
            "failed to mount local volume: " + options.hide_password(text),
            hint=_hint(error, options),
        ) from error
    finally:
        if loop >= 0:
            os.close(loop)


def _hint(error: OSError, options: LocalOptions) -> Hint | None:
    """The cause, where this machine shows it."""
    if error.errno == errno.ENODEV and options.type not in _known_types():
        return Hint("volume.kernel-lacks", type=options.type)
    if error.errno in _NO_ANSWER and options.type in _REMOTE_TYPES:
        return Hint("volume.server-silent", device=options.device, type=options.type)
    return None


def _known_types() -> frozenset[str]:
    """The file systems of this kernel. Source: man 5 proc, /proc/filesystems"""
    lines = Path("/proc/filesystems").read_text().splitlines()
    return frozenset(line.split()[-1] for line in lines if line.split())


def _finish(target: str, flags: int, propagation: int) -> None:
    """What mount(2) ignores the first time; the mount goes again when it fails."""
    try:
        if flags & MS_BIND and flags & ~(MS_BIND | MS_REC):
            mount("none", target, None, flags | MS_REMOUNT)
        if propagation:
            mount("none", target, None, propagation)
    except OSError:
        umount2(target, _UMOUNT_NOFOLLOW)
        raise


def unmount_volume(target: str) -> None:
    """Raises: Internal when the mount is still there.

    A file system of the network goes at once and tidies up behind: its server may be dead.
    """
    try:
        umount2(target, _UMOUNT_NOFOLLOW | (MNT_DETACH if _is_remote(target) else 0))
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return
        raise Internal(f"unmount {target}: {_text(error)}") from error


def _is_remote(target: str) -> bool:
    return any(each.target == target and each.fstype in _REMOTE_TYPES for each in read_mountinfo())


def _is_file(path: str) -> bool:
    try:
        return path.startswith("/") and stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _sentence(error: OSError, places: str, flags: int, data: str) -> str:
    shown = f"mount {places}"
    if flags:
        shown += f", flags: {flags:#x}"
    if data:
        shown += f", data: {data}"
    return f"{shown}: {_text(error)}"


def _text(error: OSError) -> str:
    return os.strerror(error.errno or 0).lower()
