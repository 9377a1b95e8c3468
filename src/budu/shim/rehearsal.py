"""A shim's whole life, played once in the zygote before it forks real ones.

What Python does for the first time it writes to memory for: caches, specialised bytecode, free
lists. Done before the fork, those pages stay shared by all shims; it saves each of them a few
hundred kilobytes and the first start some page faults. Light: standard library only.
"""

from __future__ import annotations

import _socket
import os
import sys

from budu.linux.mount import new_mount
from budu.linux.process import close_range
from budu.shim import protocol
from budu.shim.main import serve_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.shim.protocol import Message


def rehearse(last_fd: int) -> bool:
    """Play it on a file system that nobody sees; closes all descriptors above `last_fd`.

    Returns whether it came to its end. Without the privilege to mount, nothing happens.
    """
    try:
        stage = new_mount("tmpfs", ())
    except OSError:
        return False
    engine, control = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    try:
        protocol.send(engine, _order(f"/proc/self/fd/{stage}"), [stage])
        serve_order(control)
        return _was_played(engine)
    finally:
        engine.close()
        control.close()
        close_range(last_fd + 1)


def _order(directory: str) -> Message:
    """An order for a program that is there for certain and ends at once."""
    program = (sys.executable, "-V")
    return {
        "op": "start",
        "id": "rehearsal",
        "socket": f"{directory}/socket",
        "exit": f"{directory}/exit",
        "log": {"path": f"{directory}/log", "max_size": 1 << 20, "max_files": 2},
        "stdin": True,
        "stdin_once": False,
        "tty": False,
        "window": None,
        "fds": ("stage",),
        "plan": {
            "version": 1,
            "clone_flags": 0,
            "join_pid": None,
            "parent": (),
            "child": (("connect-stdio", False), ("report",), ("execute", program, ())),
            "terminal": False,
            "argv": program,
            "env": (),
        },
    }


def _was_played(engine: _socket.socket) -> bool:
    """Whether the shim told of the start and of the end."""
    told = []
    for _ in range(2):
        received = protocol.receive(engine)
        if received is None:
            break
        told.append(received[0]["op"])
        for fd in received[1]:
            os.close(fd)
    return told == ["started", "exit"]
