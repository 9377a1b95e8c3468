"""This process's name, and what names a process for ever. Light: standard library only."""

from __future__ import annotations

import ctypes
import os


def set_process_name(name: str, title: str = "") -> None:
    """Show `name` in `top` and `title` (or the name) in `ps`."""
    comm = os.open("/proc/self/comm", os.O_WRONLY | os.O_CLOEXEC)
    os.write(comm, name.encode())
    os.close(comm)
    start, end = _argument_area()
    if start:
        ctypes.memset(start, 0, end - start)
        text = (title or name).encode()[: end - start - 1]
        ctypes.memmove(start, text, len(text))


def _argument_area() -> tuple[int, int]:
    """Where this process's arguments lie. Source: man 5 proc_pid_stat, arg_start."""
    fields = _stat_fields("self")
    return int(fields[45]), int(fields[46])


def _stat_fields(pid: int | str) -> list[bytes]:
    """The fields of /proc/PID/stat after the name. `open()` would dirty 300 KB of shared memory."""
    fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 1024).rpartition(b")")[2].split()
    finally:
        os.close(fd)


def start_ticks(pid: int) -> int:
    """The process's start time in clock ticks since boot: with the pid it names it for ever."""
    try:
        return int(_stat_fields(pid)[19])
    except OSError:
        return 0
