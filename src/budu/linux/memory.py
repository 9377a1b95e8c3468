"""Memory of this process: the C library's heaps, and how much of it all is resident.

Source: man 3 mallopt; man 3 malloc_trim; man 5 proc_pid_statm.
"""

from __future__ import annotations

import ctypes
import os

from budu.linux.libc import bind

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


M_ARENA_MAX = -8  # <malloc.h>


def use_one_heap() -> None:
    """Let all threads share one heap: several pay only where allocations run in parallel, which
    the interpreter's lock prevents, and `trim` cannot empty them. Call it before there are
    threads. Without effect where the C library knows no such thing."""
    try:
        mallopt = bind("mallopt", ctypes.c_int, ctypes.c_int)
    except AttributeError:  # musl has none
        return
    mallopt(M_ARENA_MAX, 1)


def trim() -> None:
    """Give freed memory of the heap back to the kernel, where the C library can."""
    try:
        malloc_trim = bind("malloc_trim", ctypes.c_size_t)
    except AttributeError:  # musl has none
        return
    malloc_trim(0)


def resident_bytes() -> int:
    """Bytes of this process that are in memory, files it maps included."""
    file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int(os.read(file, 256).split()[1]) * _PAGE_BYTES
    finally:
        os.close(file)
