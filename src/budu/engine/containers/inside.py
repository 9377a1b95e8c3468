"""Sockets made inside a container's network namespace, by a thread that goes there.

A socket belongs for ever to the namespace in which it was made, so a short-lived thread joins the
container's namespace by its pidfd and makes the socket there. The thread ends instead of going
back, so that none can stay in a foreign namespace by mistake.
Source: man 2 setns (pidfd); man 7 network_namespaces.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading

from budu.base.errors import Unavailable
from budu.linux.namespaces import CLONE_NEWNET, setns


async def socket_inside(pidfd: int, family: int, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A non-blocking socket in the network namespace of a process.

    Raises: Unavailable when the process is gone.
    """
    loop = asyncio.get_running_loop()
    made: asyncio.Future[socket.socket] = loop.create_future()
    own = os.dup(pidfd)  # the container may end, and its handle be closed, meanwhile

    def make() -> None:
        try:
            setns(own, CLONE_NEWNET)
            flags = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
            result: socket.socket | OSError = socket.socket(family, kind | flags)
        except OSError as error:
            result = error
        finally:
            os.close(own)
        try:
            loop.call_soon_threadsafe(_hand_over, made, result)
        except RuntimeError:  # the loop is closed: the engine has ended
            if isinstance(result, socket.socket):
                result.close()

    threading.Thread(target=make, name="inside-netns", daemon=True).start()
    return await made


def _hand_over(made: asyncio.Future[socket.socket], result: socket.socket | OSError) -> None:
    if isinstance(result, OSError):
        if not made.done():
            made.set_exception(Unavailable(f"cannot enter the container's network: {result}"))
    elif made.done():
        result.close()
    else:
        made.set_result(result)
