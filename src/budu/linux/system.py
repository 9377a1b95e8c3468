"""Facts about the machine and about processes, read from uname and /proc.

Source: man 2 uname, man 5 proc_meminfo, proc_sys_kernel, proc_pid_stat.
"""

from __future__ import annotations

import os


def kernel_version() -> tuple[int, int]:
    """Return (major, minor) of the running kernel."""
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(c for c in minor if c.isdigit()))


def read_text(path: str) -> str:
    """Return a small file of /proc or /sys, without the line end."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(fd, 65536):
            parts.append(part)
    finally:
        os.close(fd)
    return b"".join(parts).decode(errors="surrogateescape").rstrip("\n")


def sysctl_path(key: str) -> str:
    """Return the file of a kernel parameter; dots separate, a slash stands for a dot."""
    return "/proc/sys/" + "".join({".": "/", "/": "."}.get(c, c) for c in key)


def memory_total() -> int:
    """Return the machine's memory in bytes."""
    for line in read_text("/proc/meminfo").split("\n"):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_count() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


def online(kind: str) -> str:
    """Return the numbers of the machine's `cpu` or memory `node` as a list: `0-3,6`."""
    try:
        return read_text(f"/sys/devices/system/{kind}/online")
    except FileNotFoundError:  # a kernel without NUMA has one node and no folder of them
        return "0"


def boot_id() -> str:
    """Return an id that changes with every boot."""
    return read_text("/proc/sys/kernel/random/boot_id")


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None when it is gone.

    (boot id, pid, start time) names a process for good, where a pid is used again.
    """
    try:
        stat = read_text(f"/proc/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return parse_start_time(stat)


def parse_start_time(stat: str) -> int:
    """Return field 22 of /proc/PID/stat; the program's name before it may hold anything."""
    return int(stat[stat.rindex(")") + 2 :].split()[19])
