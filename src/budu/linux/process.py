"""Processes: clone3, pidfds, prctl, sessions, host names, close_range.

Source: man 2 clone3, pidfd_open, pidfd_send_signal, waitid, prctl, close_range, keyctl.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import c_char_p, c_int, c_size_t, c_uint, c_ulong, c_void_p

from budu.linux.libc import bind, bind_syscall

SYS_keyctl = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine, -1)  # <asm/unistd.h>
SYS_rt_sigaction = {"x86_64": 13, "aarch64": 134}.get(os.uname().machine, -1)
SYS_pidfd_send_signal = 424
SYS_pidfd_open = 434
SYS_clone3 = 435
SYS_close_range = 436

CLONE_PIDFD = 0x1000  # <linux/sched.h>
CLONE_PARENT = 0x8000
CLONE_INTO_CGROUP = 0x200000000
CLOSE_RANGE_CLOEXEC = 4
SIGCHLD = 17  # <asm/signal.h>

PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47

KEYCTL_JOIN_SESSION_KEYRING = 1  # <linux/keyctl.h>

_clone3 = bind_syscall(SYS_clone3, c_void_p, c_size_t, label="clone3")
_pidfd_open = bind_syscall(SYS_pidfd_open, c_int, c_uint, label="pidfd_open")
_pidfd_send_signal = bind_syscall(
    SYS_pidfd_send_signal, c_int, c_int, c_void_p, c_uint, label="pidfd_send_signal"
)
_close_range = bind_syscall(SYS_close_range, c_uint, c_uint, c_uint, label="close_range")
_rt_sigaction = bind_syscall(
    SYS_rt_sigaction, c_int, c_void_p, c_void_p, c_size_t, label="rt_sigaction"
)
_DEFAULT_ACTION = ctypes.create_string_buffer(32)  # struct sigaction of the kernel, SIG_DFL
_keyctl = bind_syscall(SYS_keyctl, c_int, c_char_p, label="keyctl")
_prctl = bind("prctl", c_int, c_ulong, c_ulong, c_ulong, c_ulong, restype=c_int)
_setdomainname = bind("setdomainname", c_char_p, c_size_t)
_sethostname = bind("sethostname", c_char_p, c_size_t)


def clone3(flags: int, *, cgroup: int = -1, exit_signal: int = SIGCHLD) -> tuple[int, int]:
    """Fork with `flags`; return (pid, pidfd) in the parent and (0, -1) in the child.

    The caller must be single-threaded: none of Python's fork hooks run. `cgroup` is a descriptor of
    a cgroup v2 directory that the child is born in. The parent closes the pidfd. With CLONE_PARENT
    the child is the caller's sibling and takes the caller's exit signal.
    """
    pidfd = c_int(-1)
    # struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls,
    # set_tid, set_tid_size, cgroup
    arguments = (ctypes.c_uint64 * 11)(flags | CLONE_PIDFD, ctypes.addressof(pidfd))
    arguments[4] = 0 if flags & CLONE_PARENT else exit_signal
    if cgroup >= 0:
        arguments[0] |= CLONE_INTO_CGROUP
        arguments[10] = cgroup
    pid = _clone3(arguments, 88)
    return pid, pidfd.value if pid else -1


def restore_default_action(signal: int) -> None:
    """Give a signal its default action, also one that the C library keeps for itself (32, 33)."""
    _rt_sigaction(signal, _DEFAULT_ACTION, None, 8)


def pidfd_open(pid: int, flags: int = 0) -> int:
    """Return a descriptor of process `pid`; it is close-on-exec."""
    return _pidfd_open(pid, flags)


def pidfd_send_signal(pidfd: int, signal: int) -> None:
    """Send `signal` to the process. Raises: ProcessLookupError when it is gone."""
    _pidfd_send_signal(pidfd, signal, None, 0)


def wait_pidfd(pidfd: int, *, block: bool = True) -> tuple[int, int | None] | None:
    """Reap the process; return its (exit code, signal or None), or None when it still runs.

    A process killed by a signal has Docker's exit code 128 + signal.
    """
    status = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | (0 if block else os.WNOHANG))
    if status is None:
        return None
    if status.si_code == os.CLD_EXITED:
        return status.si_status, None
    return 128 + status.si_status, status.si_status


def prctl(option: int, arg2: int = 0, arg3: int = 0, arg4: int = 0, arg5: int = 0) -> int:
    """Operate on the calling thread."""
    return _prctl(option, arg2, arg3, arg4, arg5)


def set_no_new_privs() -> None:
    """Forbid this process and its descendants to gain privileges by execve."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def set_dumpable(value: int) -> None:
    """0 closes /proc/PID/* of this process and of its clones to processes with the same uid."""
    prctl(PR_SET_DUMPABLE, value)


def set_keep_capabilities(value: int) -> None:
    """1 keeps the permitted capabilities when the uids change from 0 to something else."""
    prctl(PR_SET_KEEPCAPS, value)


def sethostname(name: str) -> None:
    """Set the host name of the UTS namespace."""
    raw = name.encode()
    _sethostname(raw, len(raw))


def setdomainname(name: str) -> None:
    """Set the NIS domain name of the UTS namespace."""
    raw = name.encode()
    _setdomainname(raw, len(raw))


def close_range(first: int, last: int = 0xFFFFFFFF, flags: int = 0) -> None:
    """Close the descriptors `first` to `last`, or mark them close-on-exec (CLOSE_RANGE_CLOEXEC)."""
    _close_range(first, last, flags)


def join_session_keyring() -> None:
    """Leave the session keyring of the parent for a new anonymous one."""
    _keyctl(KEYCTL_JOIN_SESSION_KEYRING, None)
