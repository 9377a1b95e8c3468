"""The process that starts the container for the shim, and ends when the program runs.

    shim ──fork──▶ starter, waits                     (while both are idle)
      └── plan, descriptors ──▶ starter ──clone3(CLONE_PARENT)──▶ init, a child of the shim
      ◀── pid, descriptors, warnings ──┘ ends

Starting touches a third of a megabyte of memory that is shared with the zygote until then. The
starter takes those copies with it, so a shim that keeps a container stays small; and because it is
forked ahead, no start waits for it. Light: standard library only.
Source: man 2 clone, CLONE_PARENT; runc starts its init the same way.
"""

from __future__ import annotations

import marshal
import os

from budu.linux.fds import recv_fds, send_fds, socketpair_seqpacket
from budu.linux.process import CLONE_PARENT
from budu.runtime.exec import launch_exec
from budu.runtime.launch import Launched, StepFailed, launch
from budu.shim import protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import NoReturn

    from budu.runtime.launch import Plan

_MESSAGE_SIZE = 65536
_MOST_FDS = 3


class Starter:
    """A forked starter. It starts one process; `discard` ends it unused."""

    def __init__(self, foreign: _socket.socket | None = None) -> None:
        """Fork it. `foreign` is a socket of this process that the fork must not keep open."""
        self._sock, theirs = socketpair_seqpacket()
        self._pid = os.fork()
        if self._pid == 0:
            if foreign is not None:
                foreign.close()
            self._sock.close()
            _serve(theirs)
        theirs.close()

    def start(self, plan: bytes, stdio: tuple[int, int, int], fds: dict[str, int]) -> Launched:
        """Start the packed plan's program as a child of this process.

        With a descriptor "target", the pidfd of a container's init, the process runs beside it.
        The starter ends by itself; `discard` takes its status.
        Raises: StepFailed as `runtime.launch.launch` does, and when the starter dies.
        """
        order = {"op": "start", "plan": plan, "fds": tuple(fds)}
        try:
            protocol.send(self._sock, order, [*stdio, *fds.values()])
            data, received = recv_fds(self._sock, _MESSAGE_SIZE, _MOST_FDS)
        except OSError:
            data, received = b"", []
        if not data:
            raise StepFailed("start", 0, "the process that starts the container died")
        answer = marshal.loads(data)
        if "failure" in answer:
            self.discard()
            _reap()
            raise StepFailed.from_tuple(answer["failure"])
        return _launched(answer, received)

    def discard(self) -> None:
        """Let the starter end, and take its status; idempotent."""
        if self._pid:
            self._sock.close()
            os.waitpid(self._pid, 0)
            self._pid = 0


def _launched(answer: dict[str, object], fds: list[int]) -> Launched:
    launched = Launched(int(str(answer["pid"])), fds[0])
    launched.warnings = list(answer["warnings"])  # type: ignore[call-overload]  # our own list
    rest = iter(fds[1:])
    launched.console = next(rest) if answer["console"] else None
    launched.mount_namespace = next(rest) if answer["mounts"] else None
    return launched


def _serve(sock: _socket.socket) -> NoReturn:
    """The starter's life: wait, start, tell, end."""
    try:
        received = protocol.receive(sock)
        if received is not None:
            order, fds = received
            named = dict(zip(order["fds"], fds[3:], strict=True))
            plan = protocol.unpack_plan(order["plan"])
            _start(sock, plan, (fds[0], fds[1], fds[2]), named)
    finally:
        os._exit(0)


def _start(
    sock: _socket.socket, plan: Plan, stdio: tuple[int, int, int], fds: dict[str, int]
) -> None:
    plan["clone_flags"] |= CLONE_PARENT
    target = fds.pop("target", None)
    try:
        if target is None:
            launched = launch(plan, stdio, fds)
        else:
            launched = launch_exec(plan, target, stdio, fds)
    except StepFailed as failure:
        sock.send(marshal.dumps({"failure": failure.as_tuple()}))
        return
    held = (launched.pidfd, launched.console, launched.mount_namespace)
    answer = {
        "pid": launched.pid,
        "warnings": launched.warnings,
        "console": launched.console is not None,
        "mounts": launched.mount_namespace is not None,
    }
    send_fds(sock, marshal.dumps(answer), [fd for fd in held if fd is not None])


def _reap() -> None:
    """Take the status of the process that the starter has killed."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
