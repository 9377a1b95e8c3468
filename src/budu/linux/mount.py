"""Mounting: the classic calls and the file-descriptor based ones.

Source: man 2 mount, umount2, pivot_root, mount_setattr; fsopen(2), fsconfig(2), fsmount(2),
move_mount(2), open_tree(2) in the kernel's Documentation/filesystems/mount_api.rst.
Paths may be str or bytes.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import c_char_p, c_int, c_size_t, c_uint, c_ulong, c_void_p

from budu.linux.libc import AT_EMPTY_PATH, AT_FDCWD, AT_RECURSIVE, bind, bind_syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SYS_open_tree = 428
SYS_move_mount = 429
SYS_fsopen = 430
SYS_fsconfig = 431
SYS_fsmount = 432
SYS_mount_setattr = 442

MS_RDONLY = 1  # <linux/mount.h>
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_SYNCHRONOUS = 16
MS_REMOUNT = 32
MS_MANDLOCK = 64
MS_DIRSYNC = 128
MS_NOSYMFOLLOW = 256
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_REC = 16384
MS_SILENT = 32768
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_RELATIME = 1 << 21
MS_I_VERSION = 1 << 23
MS_STRICTATIME = 1 << 24
MS_LAZYTIME = 1 << 25

MNT_DETACH = 2

MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
MOUNT_ATTR__ATIME = 0x70
MOUNT_ATTR_RELATIME = 0x0
MOUNT_ATTR_NOATIME = 0x10
MOUNT_ATTR_STRICTATIME = 0x20
MOUNT_ATTR_NODIRATIME = 0x80
MOUNT_ATTR_IDMAP = 0x100000
MOUNT_ATTR_NOSYMFOLLOW = 0x200000

FSOPEN_CLOEXEC = 1
FSMOUNT_CLOEXEC = 1
FSCONFIG_SET_FLAG = 0
FSCONFIG_SET_STRING = 1
FSCONFIG_SET_FD = 5
FSCONFIG_CMD_CREATE = 6
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 0x4
MOVE_MOUNT_T_EMPTY_PATH = 0x40

_mount = bind("mount", c_char_p, c_char_p, c_char_p, c_ulong, c_char_p)
_umount2 = bind("umount2", c_char_p, c_int)
_pivot_root = bind("pivot_root", c_char_p, c_char_p)
_fsopen = bind_syscall(SYS_fsopen, c_char_p, c_uint, label="fsopen")
_fsconfig = bind_syscall(SYS_fsconfig, c_int, c_uint, c_char_p, c_char_p, c_int, label="fsconfig")
_fsmount = bind_syscall(SYS_fsmount, c_int, c_uint, c_uint, label="fsmount")
_move_mount = bind_syscall(
    SYS_move_mount, c_int, c_char_p, c_int, c_char_p, c_uint, label="move_mount"
)
_open_tree = bind_syscall(SYS_open_tree, c_int, c_char_p, c_uint, label="open_tree")
_mount_setattr = bind_syscall(
    SYS_mount_setattr, c_int, c_char_p, c_uint, c_void_p, c_size_t, label="mount_setattr"
)


def mount(
    source: str, target: str, fstype: str | None = None, flags: int = 0, data: str | None = None
) -> None:
    """Mount `source` on `target`, or change the mount there (MS_REMOUNT, MS_PRIVATE, …)."""
    _mount(
        os.fsencode(source),
        os.fsencode(target),
        None if fstype is None else fstype.encode(),
        flags,
        None if data is None else os.fsencode(data),
    )


def umount2(target: str, flags: int = 0) -> None:
    """Unmount what is mounted on `target`."""
    _umount2(os.fsencode(target), flags)


def pivot_root(new_root: str, put_old: str) -> None:
    """Make `new_root` the root of the mount namespace and move the old one to `put_old`."""
    _pivot_root(os.fsencode(new_root), os.fsencode(put_old))


def fsopen(fstype: str, flags: int = FSOPEN_CLOEXEC) -> int:
    """Return a context in which a file system of type `fstype` is configured."""
    return _fsopen(fstype.encode(), flags)


def fsconfig_flag(context: int, key: str) -> None:
    """Set a parameter that has no value."""
    _fsconfig(context, FSCONFIG_SET_FLAG, key.encode(), None, 0)


def fsconfig_string(context: int, key: str, value: str) -> None:
    """Set a parameter to a string of at most 255 bytes."""
    _fsconfig(context, FSCONFIG_SET_STRING, key.encode(), os.fsencode(value), 0)


def fsconfig_fd(context: int, key: str, fd: int) -> None:
    """Set a parameter to an open file."""
    _fsconfig(context, FSCONFIG_SET_FD, key.encode(), None, fd)


def fsconfig_create(context: int) -> None:
    """Create the file system from the parameters set so far."""
    _fsconfig(context, FSCONFIG_CMD_CREATE, None, None, 0)


def fsmount(context: int, attributes: int = 0, flags: int = FSMOUNT_CLOEXEC) -> int:
    """Return a detached mount (MOUNT_ATTR_*) of the created file system."""
    return _fsmount(context, flags, attributes)


def move_mount(tree: int, target_fd: int, target: str = "") -> None:
    """Attach the detached mount `tree` at `target` below `target_fd`, or on `target_fd` itself."""
    flags = MOVE_MOUNT_F_EMPTY_PATH | (0 if target else MOVE_MOUNT_T_EMPTY_PATH)
    _move_mount(tree, b"", target_fd, os.fsencode(target), flags)


def open_tree(fd: int, path: str = "", *, clone: bool = True, recursive: bool = False) -> int:
    """Return a detached copy of the mount at `path` below `fd` (a bind mount without a place)."""
    flags = OPEN_TREE_CLOEXEC | (0 if path else AT_EMPTY_PATH)
    if clone:
        flags |= OPEN_TREE_CLONE | (AT_RECURSIVE if recursive else 0)
    return _open_tree(fd, os.fsencode(path), flags)


def mount_setattr(
    fd: int,
    path: str = "",
    *,
    set: int = 0,  # the kernel's word: attr_set
    clear: int = 0,
    propagation: int = 0,
    userns: int = 0,
    recursive: bool = False,
) -> None:
    """Change attributes (MOUNT_ATTR_*) and propagation (MS_PRIVATE, …) of a mount or a tree."""
    flags = (0 if path else AT_EMPTY_PATH) | (AT_RECURSIVE if recursive else 0)
    attributes = (ctypes.c_uint64 * 4)(set, clear, propagation, userns)
    _mount_setattr(fd, os.fsencode(path), flags, attributes, 32)


def new_mount(
    fstype: str, options: Iterable[tuple[str, str | int | None]], *, attributes: int = 0
) -> int:
    """Create a file system and return a detached mount of it.

    An option's value is None for a flag, a string, or a descriptor as int.
    Raises: OSError whose `filename` holds the kernel's own explanation where it gave one.
    """
    context = fsopen(fstype)
    try:
        for key, value in options:
            _configure(context, key, value)
        fsconfig_create(context)
        return fsmount(context, attributes)
    except OSError as error:
        raise OSError(error.errno, error.strerror, _explain(context, error)) from None
    finally:
        os.close(context)


def read_log(context: int) -> list[str]:
    """Return the messages that the kernel left in a file system context, oldest first."""
    lines = []
    while True:
        try:
            lines.append(os.read(context, 4096).decode(errors="replace").rstrip("\n"))
        except OSError:  # ENODATA: no more messages
            return lines


def attach(tree: int, target: str) -> None:
    """Attach a detached mount at a path of this mount namespace."""
    move_mount(tree, AT_FDCWD, target)


def _configure(context: int, key: str, value: str | int | None) -> None:
    if value is None:
        fsconfig_flag(context, key)
    elif isinstance(value, int):
        fsconfig_fd(context, key, value)
    else:
        fsconfig_string(context, key, value)


def _explain(context: int, error: OSError) -> str:
    # Each message begins with its severity: "e ", "w " or "i ".
    messages = [line[2:] for line in read_log(context) if line.startswith("e ")]
    return "; ".join(messages) or str(error.filename)
