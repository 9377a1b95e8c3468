"""Starts a container's init process from a plan.

    parent (the shim)                            child (the init, one clone3)
      clone3 with the new namespaces ──────────▶   steps: cgroups, mounts, root, …
      parent steps: id maps, "G" ─────────────▶   (only with a user namespace)
      pty master ◀──────────────────────── "C"    (only with a terminal)
      warnings ◀────────────────────────── "R"    everything but seccomp and ids is done
      StepFailed ◀──────────────────────── "E"    or
      end of file ◀───────────────────────────    execve closed the socket: the program runs

The caller is single-threaded. Standard library only; the plan is made by `runtime.plan`.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # typeshed has no stub
import _socket
import marshal
import os

from budu.linux import namespaces, process
from budu.linux.fds import recv_fds, socketpair_seqpacket
from budu.runtime import steps
from budu.runtime.context import Context
from budu.runtime.failure import EXIT_FAILED, StepFailed, errno_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Plan = dict[str, Any]

__all__ = ["Launched", "StepFailed", "launch", "start"]

_MESSAGE_SIZE = 65536
# Python ignores the first two; a daemon that starts us may ignore the others.
_RESET_SIGNALS = (
    _signal.SIGPIPE,
    _signal.SIGXFSZ,
    _signal.SIGHUP,
    _signal.SIGINT,
    _signal.SIGQUIT,
    _signal.SIGTERM,
    _signal.SIGCHLD,
    _signal.SIGUSR1,
    _signal.SIGUSR2,
    _signal.SIGTSTP,
    _signal.SIGTTIN,
    _signal.SIGTTOU,
)
# The C library's own; `make` and others that use posix_spawn leave them ignored.
_LIBRARY_SIGNALS = (32, 33)


class Launched:
    """A started process. The owner closes the descriptors.

    `pid` is as the caller sees it; `console` the pty master or None; `mount_namespace` keeps the
    container's mounts while it is open (close it once the exit is reported: the unmounting is slow)
    or None; `warnings` what the kernel refused and the start did without.
    """

    __slots__ = ("console", "mount_namespace", "pid", "pidfd", "warnings")

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.console: int | None = None
        self.mount_namespace: int | None = None
        self.warnings: list[str] = []

    def close(self) -> None:
        """Close all descriptors."""
        for fd in (self.pidfd, self.console, self.mount_namespace):
            if fd is not None:
                os.close(fd)


def launch(
    plan: Plan, stdio: tuple[int, int, int], fds: dict[str, int], *, hold_mounts: bool = True
) -> Launched:
    """Start the plan's program; return once it executes.

    `stdio` becomes 0, 1 and 2 of the program, unless the plan has a terminal. `fds` are the
    descriptors that the plan names ("rootfs", "netns", …) and "cgroup" (a v2 directory to be born
    in). The caller keeps all of them.

    Raises: StepFailed when a step failed; the process is reaped then.
    """
    joined = plan["join_pid"]
    if not joined:
        return start(plan, stdio, fds, hold_mounts=hold_mounts)
    target = fds[joined[3:]] if joined.startswith("fd:") else os.open(joined, os.O_RDONLY)
    try:
        return start_in_pid_namespace(plan, stdio, fds, target, hold_mounts=hold_mounts)
    finally:
        if not joined.startswith("fd:"):
            os.close(target)


def start_in_pid_namespace(
    plan: Plan,
    stdio: tuple[int, int, int],
    fds: dict[str, int],
    target: int,
    *,
    hold_mounts: bool = True,
) -> Launched:
    """Start the plan's program in the pid namespace of `target` (a pidfd or namespace)."""
    # The child is visible in there before it executes: nobody may read or trace it.
    process.set_dumpable(0)
    own = namespaces.open_namespace("self", namespaces.CLONE_NEWPID)
    try:
        # Joining a pid namespace concerns future children only, so the parent has to do it.
        namespaces.setns(target, namespaces.CLONE_NEWPID)
        try:
            return start(plan, stdio, fds, hold_mounts=hold_mounts)
        finally:
            namespaces.setns(own, namespaces.CLONE_NEWPID)
    except OSError as error:
        raise StepFailed("join pid namespace", error.errno or 0, str(error)) from None
    finally:
        os.close(own)


def start(
    plan: Plan, stdio: tuple[int, int, int], fds: dict[str, int], *, hold_mounts: bool
) -> Launched:
    """Clone the child and follow it up to its execve."""
    ours, theirs = socketpair_seqpacket()
    flags = plan["clone_flags"]
    try:
        pid, pidfd = process.clone3(flags, cgroup=fds.get("cgroup", -1))
    except OSError as error:
        raise StepFailed(f"clone3 {flags:#x}", error.errno or 0, f"clone: {error}") from None
    if pid == 0:
        _reset_signals()
        steps.run_and_exit(Context(theirs, stdio, fds), plan["child"])
    theirs.close()
    launched = Launched(pid, pidfd)
    try:
        if hold_mounts and flags & namespaces.CLONE_NEWNS:
            launched.mount_namespace = _open_mounts(pid)
        if plan["parent"]:
            _run_parent_steps(pid, plan["parent"])
            ours.send(b"G")
        _follow(ours, launched)
    except (OSError, StepFailed) as error:
        raise _abandon(launched, error) from None
    finally:
        ours.close()
    return launched


def _open_mounts(pid: int) -> int | None:
    """Hold the child's mount namespace; None when a short program has already ended."""
    try:
        return namespaces.open_namespace(pid, namespaces.CLONE_NEWNS)
    except (FileNotFoundError, ProcessLookupError):
        return None


def _reset_signals() -> None:
    for number in _RESET_SIGNALS:
        _signal.signal(number, _signal.SIG_DFL)
    for number in _LIBRARY_SIGNALS:
        process.restore_default_action(number)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())


def _run_parent_steps(pid: int, parent_steps: tuple[tuple[str, str], ...]) -> None:
    """Write the files below /proc/PID that only the parent may: uid_map, gid_map, setgroups."""
    for name, text in parent_steps:
        path = f"/proc/{pid}/{name}"
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, text.encode())
        except OSError as error:
            number = error.errno or 0
            raise StepFailed(f"write {path}", number, f"{path}: {errno_text(number)}") from None
        finally:
            os.close(fd)


def _follow(sync: _socket.socket, launched: Launched) -> None:
    """Read the child's messages until execve closes its end."""
    ready = False
    while True:
        try:
            data, fds = recv_fds(sync, _MESSAGE_SIZE, 1)
        except ConnectionResetError:  # the child died with something unread
            break
        if not data:
            break
        kind, body = data[:1], data[1:]
        if kind == b"C":
            launched.console = fds[0]
        elif kind == b"R":
            launched.warnings, ready = marshal.loads(body), True
        else:
            raise StepFailed.from_tuple(marshal.loads(body))
    if not ready:
        raise StepFailed("init", 0, "the container's init process died while it was set up")


def _abandon(launched: Launched, error: OSError | StepFailed) -> StepFailed:
    """Kill and reap the child, close everything; return what to raise."""
    try:
        process.pidfd_send_signal(launched.pidfd, _signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        process.wait_pidfd(launched.pidfd)
    except ChildProcessError:  # a sibling (CLONE_PARENT): its parent reaps it
        pass
    launched.close()
    if isinstance(error, StepFailed):
        return error
    return StepFailed("follow the init process", error.errno or 0, str(error), EXIT_FAILED)
