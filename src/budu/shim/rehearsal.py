"""A shim's whole life, played in the zygote before it forks real ones.

What Python does for the first time it writes to memory for: caches, specialised bytecode, free
lists. Done before the fork, those pages stay shared by all shims; it saves each of them a few
hundred kilobytes and the first start some page faults. Light: standard library only.
"""

from __future__ import annotations

import _socket
import os

from budu.linux.mount import new_mount
from budu.linux.process import close_range
from budu.shim import protocol
from budu.shim.main import serve_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.shim.protocol import Message


ROUNDS = 8
"""How often it is played: CPython 3.11 specialises bytecode that has run eight times."""


def rehearse(last_fd: int) -> bool:
    """Play it on a file system that nobody sees; closes all descriptors above `last_fd`.

    Returns whether it came to its end. Without the privilege to mount, nothing happens.
    """
    try:
        stage = new_mount("tmpfs", ())
    except OSError:
        return False
    try:
        return all([_play(stage) for _ in range(ROUNDS)])
    finally:
        close_range(last_fd + 1)


def _play(stage: int) -> bool:
    """Order a container, keep it until its end, and read what the engine would be told."""
    engine, control = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    protocol.send(engine, _order(f"/proc/self/fd/{stage}"), [stage])
    serve_order(control)
    try:
        return _read_reply(engine) == "started" and _read_reply(engine) == "exit"
    finally:
        engine.close()


def _order(directory: str) -> Message:
    """An order whose process executes nothing: it reports that it is ready, and ends."""
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
        "plan": protocol.pack_plan(
            {
                "version": 1,
                "clone_flags": 0,
                "join_pid": None,
                "parent": (),
                "child": (("connect-stdio", False), ("report",)),
                "terminal": False,
                "argv": (),
                "env": (),
            }
        ),
    }


def _read_reply(engine: _socket.socket) -> str:
    """The `op` of the next message; empty when there is none."""
    received = protocol.receive(engine)
    if received is None:
        return ""
    message, fds = received
    for fd in fds:
        os.close(fd)
    return str(message["op"])
