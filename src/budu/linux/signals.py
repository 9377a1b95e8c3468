"""What a process does with a signal, asked without sending one."""

from __future__ import annotations

import os

SYS_rt_sigtimedwait = {"x86_64": 128, "aarch64": 137}.get(os.uname().machine, -1)  # <asm/unistd.h>


def is_deaf_to(pid: int, signal: int) -> bool:
    """Whether a signal is lost on a process: it is process 1 of its pid namespace and has no
    handler for it, so that the kernel drops it (`SIGNAL_UNKILLABLE`, kernel/signal.c).

    A blocked signal is kept for `sigwait` and `signalfd`. While it sits in `sigwait` the kernel
    shows the awaited signals as unblocked, so that such a process counts as hearing. False also
    when the process is gone.
    Source: man 5 proc_pid_status, proc_pid_syscall; man 7 pid_namespaces.
    """
    status = _read(f"/proc/{pid}/status")
    if not status:
        return False
    lines = (line.partition(b":") for line in status.split(b"\n"))
    fields = {name: value.split() for name, _, value in lines}
    if fields[b"NSpid"][-1] != b"1":
        return False
    heard = int(fields[b"SigCgt"][0], 16) | int(fields[b"SigBlk"][0], 16)
    return not heard & 1 << (signal - 1) and not _awaits_signals(pid)


def _awaits_signals(pid: int) -> bool:
    """Whether the main thread sits in sigwait; true as well when the kernel does not tell."""
    words = _read(f"/proc/{pid}/syscall").split()
    return not words or words[0] == str(SYS_rt_sigtimedwait).encode()


def _read(path: str) -> bytes:
    """A small file of /proc; empty when the process is gone or the file may not be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return b""
    try:
        return os.read(fd, 8192)
    except (ProcessLookupError, PermissionError):
        return b""
    finally:
        os.close(fd)
