"""Path lookups that may wait on a slow file system, with the interpreter's lock released.

A container's tree may hold a network or FUSE file system whose server never answers. The bindings
of `libc` keep the interpreter's lock, which would stop the whole engine then; these are for threads
of its own. Source: man 2 openat2, fstatfs.
"""

from __future__ import annotations

import ctypes
import errno
import os

from budu.linux.paths import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, SYS_openat2

_LIBRARY = ctypes.CDLL(None, use_errno=True)
_RACES_MAX = 100
_STATFS_BYTES = 256

VIRTUAL = frozenset(
    (
        0x9FA0,  # PROC_SUPER_MAGIC, <linux/magic.h>
        0x62656572,  # SYSFS_MAGIC
        0x0027E0EB,  # CGROUP_SUPER_MAGIC
        0x63677270,  # CGROUP2_SUPER_MAGIC
        0x1CD1,  # DEVPTS_SUPER_MAGIC
        0x19800202,  # MQUEUE_MAGIC
        0x64626720,  # DEBUGFS_MAGIC
        0x74726163,  # TRACEFS_MAGIC
        0x73636673,  # SECURITYFS_MAGIC
        0xCAFE4A11,  # BPF_FS_MAGIC
        0x62656570,  # CONFIGFS_MAGIC
        0x6165676C,  # PSTOREFS_MAGIC
        0xDE5E81E4,  # EFIVARFS_MAGIC
        0x65735543,  # FUSE_CTL_SUPER_MAGIC
        0x42494E4D,  # BINFMTFS_MAGIC
        0xF97CFF8C,  # SELINUX_MAGIC
        0x6E736673,  # NSFS_MAGIC
    )
)
"""File systems that are windows into the kernel: their files are no data, and reading some waits
for ever."""


def open_below(root: int, path: str, flags: int) -> int:
    """Open `path` as a process whose root is `root` would; magic links are refused.

    Somebody who renames directories all the time makes the kernel give up ".." (EAGAIN): it is
    asked again some times. Raises: OSError whose `filename` is the path.
    """
    # struct open_how: flags, mode, resolve
    resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
    how = (ctypes.c_uint64 * 3)(flags | os.O_CLOEXEC, 0, resolve)
    name = ctypes.c_char_p(os.fsencode(path))
    for _ in range(_RACES_MAX):
        fd = int(_LIBRARY.syscall(SYS_openat2, root, name, how, ctypes.c_size_t(24)))
        if fd >= 0:
            return fd
        number = ctypes.get_errno()
        if number not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(number, os.strerror(number), path)


def filesystem_type(fd: int) -> int:
    """The magic number of the file system behind a descriptor, also one that is `O_PATH`."""
    # struct statfs begins with f_type, a long.
    status = ctypes.create_string_buffer(_STATFS_BYTES)
    if _LIBRARY.fstatfs(fd, status) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "fstatfs")
    return int.from_bytes(status.raw[:8], "little") & 0xFFFFFFFF


def is_virtual(fd: int) -> bool:
    """Whether a descriptor leads into the kernel and not to data."""
    return filesystem_type(fd) in VIRTUAL
