"""Project quotas: a limit on the bytes of a directory tree.

A directory has a project id that new files in it inherit; the file system counts and limits what
carries the id. The XFS commands work on ext4 too.
Source: man 2 quotactl, man 2 ioctl_fs (FS_IOC_FSSETXATTR); <linux/dqblk_xfs.h>, <linux/fs.h>.
"""

from __future__ import annotations

import fcntl
import struct
from ctypes import c_char_p, c_int, c_uint, create_string_buffer

from budu.linux.libc import bind_syscall

SYS_quotactl_fd = 443
PRJQUOTA = 2  # <linux/quota.h>
Q_XGETQUOTA = 0x5803  # <linux/dqblk_xfs.h>
Q_XSETQLIM = 0x5804
Q_XGETQSTAT = 0x5805
FS_QUOTA_PDQ_ENFD = 1 << 5
FS_PROJ_QUOTA = 2
FS_DQ_BSOFT = 1 << 2
FS_DQ_BHARD = 1 << 3
FS_IOC_FSGETXATTR = 0x801C581F  # <linux/fs.h>
FS_IOC_FSSETXATTR = 0x401C5820
FS_XFLAG_PROJINHERIT = 0x200

_BLOCK = 512
_QUOTA = struct.Struct("=bbHI 6Q 80s")  # struct fs_disk_quota up to d_icount, padded
_STATUS_SIZE = 80  # struct fs_quota_stat
_XATTR = struct.Struct("=5I8s")  # struct fsxattr

_quotactl_fd = bind_syscall(SYS_quotactl_fd, c_uint, c_int, c_int, c_char_p, label="quotactl_fd")


def has_project_quota(directory: int) -> bool:
    """Tell whether the file system of an open directory enforces project quotas."""
    status = create_string_buffer(_STATUS_SIZE)
    try:
        _quotactl_fd(directory, _command(Q_XGETQSTAT), 0, status)
    except OSError:
        return False
    (flags,) = struct.unpack_from("=H", status.raw, 2)
    return bool(flags & FS_QUOTA_PDQ_ENFD)


def set_project(directory: int, project: int) -> None:
    """Give an open directory a project id that everything made in it inherits."""
    packed = fcntl.ioctl(directory, FS_IOC_FSGETXATTR, bytes(_XATTR.size))
    flags, extent, extents, _old, copy_extent, rest = _XATTR.unpack(packed)
    flags |= FS_XFLAG_PROJINHERIT
    wanted = _XATTR.pack(flags, extent, extents, project, copy_extent, rest)
    fcntl.ioctl(directory, FS_IOC_FSSETXATTR, wanted)


def set_limit(directory: int, project: int, size: int) -> None:
    """Limit a project to `size` bytes, 0 for no limit."""
    blocks = -(-size // _BLOCK)
    limit = _QUOTA.pack(
        1, FS_PROJ_QUOTA, FS_DQ_BSOFT | FS_DQ_BHARD, project, blocks, blocks, 0, 0, 0, 0, b""
    )
    _quotactl_fd(directory, _command(Q_XSETQLIM), project, create_string_buffer(limit))


def get_usage(directory: int, project: int) -> tuple[int, int]:
    """Return the bytes that a project takes, and its limit (0 for none)."""
    buffer = create_string_buffer(_QUOTA.size)
    _quotactl_fd(directory, _command(Q_XGETQUOTA), project, buffer)
    numbers = _QUOTA.unpack(buffer.raw[: _QUOTA.size])
    return numbers[8] * _BLOCK, numbers[4] * _BLOCK


def _command(number: int) -> int:
    return number << 8 | PRJQUOTA


def is_project_free(directory: int, project: int) -> bool:
    """Tell whether nobody has used a project id or limited it."""
    try:
        return get_usage(directory, project) == (0, 0)
    except FileNotFoundError:  # XFS has no record of it
        return True
