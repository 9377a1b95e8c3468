"""Capabilities: names and numbers, the sets of this process.

Sets are masks: bit N stands for capability number N.
Source: man 7 capabilities, man 2 capget; <linux/capability.h>.
"""

from __future__ import annotations

import ctypes
from ctypes import c_void_p

from budu.linux.libc import bind
from budu.linux.process import PR_CAP_AMBIENT, PR_CAPBSET_DROP, prctl

_LINUX_CAPABILITY_VERSION_3 = 0x20080522
PR_CAP_AMBIENT_RAISE = 2  # <linux/prctl.h>

NAMES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)
"""Capability names; the position is the kernel's number."""

NUMBERS = {name: number for number, name in enumerate(NAMES)}

ALL = (1 << len(NAMES)) - 1

_capset = bind("capset", c_void_p, c_void_p)
_capget = bind("capget", c_void_p, c_void_p)


def mask(names: tuple[str, ...] | list[str]) -> int:
    """Return the mask of named capabilities; names that this table does not know are ignored."""
    result = 0
    for name in names:
        number = NUMBERS.get(name)
        if number is not None:
            result |= 1 << number
    return result


def names(mask: int) -> list[str]:
    """Return the names in a mask, by number."""
    return [name for number, name in enumerate(NAMES) if mask >> number & 1]


def capset(*, effective: int, permitted: int, inheritable: int) -> None:
    """Set this process's capabilities."""
    low = 0xFFFFFFFF
    data = (ctypes.c_uint32 * 6)(
        effective & low,
        permitted & low,
        inheritable & low,
        effective >> 32,
        permitted >> 32,
        inheritable >> 32,
    )
    _capset((ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0), data)


def capget(pid: int = 0) -> tuple[int, int, int]:
    """Return the (effective, permitted, inheritable) masks of a process; 0 is this one."""
    data = (ctypes.c_uint32 * 6)()
    _capget((ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, pid), data)
    return data[0] | data[3] << 32, data[1] | data[4] << 32, data[2] | data[5] << 32


def drop_bounding(number: int) -> None:
    """Remove one capability from the bounding set, for good."""
    prctl(PR_CAPBSET_DROP, number)


def raise_ambient(number: int) -> None:
    """Add one permitted and inheritable capability to the ambient set."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number)


def parse_status(text: str) -> dict[str, int]:
    """Return the masks in /proc/PID/status by the kernel's names: CapInh, CapPrm, CapEff, …"""
    result = {}
    for line in text.splitlines():
        if line.startswith("Cap"):
            name, _colon, value = line.partition(":")
            result[name] = int(value, 16)
    return result
