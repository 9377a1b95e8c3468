"""Resource limits of a process. Source: man 2 prlimit; <asm-generic/resource.h>."""

from __future__ import annotations

import ctypes
from ctypes import c_int, c_void_p

from budu.linux.libc import bind

RLIM_INFINITY = 0xFFFFFFFFFFFFFFFF

NUMBERS = {
    "RLIMIT_CPU": 0,
    "RLIMIT_FSIZE": 1,
    "RLIMIT_DATA": 2,
    "RLIMIT_STACK": 3,
    "RLIMIT_CORE": 4,
    "RLIMIT_RSS": 5,
    "RLIMIT_NPROC": 6,
    "RLIMIT_NOFILE": 7,
    "RLIMIT_MEMLOCK": 8,
    "RLIMIT_AS": 9,
    "RLIMIT_LOCKS": 10,
    "RLIMIT_SIGPENDING": 11,
    "RLIMIT_MSGQUEUE": 12,
    "RLIMIT_NICE": 13,
    "RLIMIT_RTPRIO": 14,
    "RLIMIT_RTTIME": 15,
}
"""Limits by name."""

_prlimit = bind("prlimit64", c_int, c_int, c_void_p, c_void_p, label="prlimit")


def getrlimit(resource: int, pid: int = 0) -> tuple[int, int]:
    """Return the (soft, hard) limit of a process; 0 is this one."""
    limits = (ctypes.c_uint64 * 2)()
    _prlimit(pid, resource, None, limits)
    return limits[0], limits[1]


def setrlimit(resource: int, soft: int, hard: int, pid: int = 0) -> None:
    """Set a limit; -1 is no limit.

    Raises: PermissionError when it would rise above the hard limit without CAP_SYS_RESOURCE.
    """
    infinite = RLIM_INFINITY
    _prlimit(pid, resource, (ctypes.c_uint64 * 2)(soft & infinite, hard & infinite), None)
