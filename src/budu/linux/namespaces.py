"""Namespaces: flags, unshare, setns.

Source: man 7 namespaces, man 2 unshare, setns.
"""

from __future__ import annotations

import os
from ctypes import c_int

from budu.linux.libc import bind

CLONE_NEWTIME = 0x00000080  # <linux/sched.h>
CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

PROC_NAMES = {
    CLONE_NEWTIME: "time",
    CLONE_NEWNS: "mnt",
    CLONE_NEWCGROUP: "cgroup",
    CLONE_NEWUTS: "uts",
    CLONE_NEWIPC: "ipc",
    CLONE_NEWUSER: "user",
    CLONE_NEWPID: "pid",
    CLONE_NEWNET: "net",
}
"""The names below /proc/PID/ns."""

_setns = bind("setns", c_int, c_int)
_unshare = bind("unshare", c_int)


def unshare(flags: int) -> None:
    """Move this process into new namespaces (NEWPID: its future children only)."""
    _unshare(flags)


def setns(fd: int, flags: int) -> None:
    """Join the namespace that `fd` refers to, or those of a pidfd's process that `flags` name."""
    _setns(fd, flags)


def open_namespace(pid: int | str, flag: int) -> int:
    """Return a descriptor of a process's namespace; `pid` may be "self"."""
    return os.open(f"/proc/{pid}/ns/{PROC_NAMES[flag]}", os.O_RDONLY | os.O_CLOEXEC)
