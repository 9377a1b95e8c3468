"""Attaches a compiled seccomp filter to this process.

Source: man 2 seccomp. The filter is made in `runtime.seccomp_profile`.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import c_uint, c_void_p

from budu.linux.libc import bind_syscall

SYS_seccomp = {"x86_64": 317, "aarch64": 277}.get(os.uname().machine, -1)  # <asm/unistd.h>
SECCOMP_SET_MODE_FILTER = 1  # <linux/seccomp.h>
SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4

INSTRUCTION_SIZE = 8  # struct sock_filter

_seccomp = bind_syscall(SYS_seccomp, c_uint, c_uint, c_void_p, label="seccomp")


class _Program(ctypes.Structure):
    """struct sock_fprog of <linux/filter.h>."""

    _fields_ = (("len", ctypes.c_ushort), ("filter", c_void_p))


def set_filter(program: bytes, flags: int = 0) -> None:
    """Attach `program` (struct sock_filter, packed); it stays over execve.

    Raises: PermissionError without CAP_SYS_ADMIN and without no_new_privs.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    filters = _Program(len(program) // INSTRUCTION_SIZE, ctypes.addressof(buffer))
    _seccomp(SECCOMP_SET_MODE_FILTER, flags, ctypes.byref(filters))
