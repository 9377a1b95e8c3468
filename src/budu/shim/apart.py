"""Starts the container's process from a process of its own, which ends when the program runs.

    shim ──fork──▶ starter ──clone3(CLONE_PARENT)──▶ the container's init, a child of the shim
                      └── descriptors, warnings ──▶ shim

Starting touches a third of a megabyte of memory that is shared with the zygote until then. The
starter takes those copies with it, so a shim that keeps a container stays small. Light: standard
library only.
Source: man 2 clone, CLONE_PARENT; runc starts its init the same way.
"""

from __future__ import annotations

import marshal
import os

from budu.linux.fds import recv_fds, send_fds, socketpair_seqpacket
from budu.runtime.launch import Launched, StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

_MESSAGE_SIZE = 65536
_MOST_FDS = 3


def launch_apart(start: Callable[[], Launched]) -> Launched:
    """Run `start` (a launch with CLONE_PARENT) in a fork, and return what it started.

    Raises: StepFailed as `start` does, and when the starter dies.
    """
    ours, theirs = socketpair_seqpacket()
    pid = os.fork()
    if pid == 0:
        _run(start, theirs)
    theirs.close()
    try:
        data, fds = recv_fds(ours, _MESSAGE_SIZE, _MOST_FDS)
    finally:
        ours.close()
        os.waitpid(pid, 0)
    if not data:
        raise StepFailed("start", 0, "the process that starts the container died")
    answer = marshal.loads(data)
    if "failure" in answer:
        _reap_failed()
        raise StepFailed.from_tuple(answer["failure"])
    launched = Launched(answer["pid"], fds[0])
    launched.warnings = answer["warnings"]
    rest = iter(fds[1:])
    launched.console = next(rest) if answer["console"] else None
    launched.mount_namespace = next(rest) if answer["mounts"] else None
    return launched


def _run(start: Callable[[], Launched], sock: _socket.socket) -> None:
    """The starter's life: start, tell, end."""
    try:
        try:
            launched = start()
        except StepFailed as failure:
            sock.send(marshal.dumps({"failure": failure.as_tuple()}))
            os._exit(0)
        held = [launched.pidfd, launched.console, launched.mount_namespace]
        answer = {
            "pid": launched.pid,
            "warnings": launched.warnings,
            "console": launched.console is not None,
            "mounts": launched.mount_namespace is not None,
        }
        send_fds(sock, marshal.dumps(answer), [fd for fd in held if fd is not None])
    finally:
        os._exit(0)


def _reap_failed() -> None:
    """Take the status of a child that the starter has killed."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
