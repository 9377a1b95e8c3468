"""What a process does with a signal, asked without sending one."""

from __future__ import annotations

import os


def is_deaf_to(pid: int, signal: int) -> bool:
    """Whether a signal is lost on a process: it is process 1 of its pid namespace and has no
    handler for it, so that the kernel drops it (`SIGNAL_UNKILLABLE`, kernel/signal.c).

    A blocked signal is kept for `sigwait` and `signalfd`. False when the process is gone.
    Source: man 5 proc_pid_status; man 7 pid_namespaces.
    """
    try:
        fd = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        lines = os.read(fd, 8192).split(b"\n")
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)
    fields = {name: value.split() for name, _, value in (line.partition(b":") for line in lines)}
    if fields[b"NSpid"][-1] != b"1":
        return False
    bit = 1 << (signal - 1)
    heard = int(fields[b"SigCgt"][0], 16) | int(fields[b"SigBlk"][0], 16)
    return not heard & bit
