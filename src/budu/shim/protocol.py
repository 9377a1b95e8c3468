"""Messages between engine, zygote and shims: marshalled dicts with file descriptors.

One message is one packet of a SOCK_SEQPACKET socket; one larger than 64 KiB travels in a memfd.
Every message has `op`:

    engine → zygote   spawn                        fork one more idle shim
    zygote → engine   shim     pid                 + its control socket
    engine → shim     start    the order           + the descriptors that its `fds` names
    shim → engine     started  facts, warnings     + pidfd, stdin or console when there is one, kept
                      failed   failure             the container did not start; the shim ends
                      hello    facts               + as `started`; first message of a reconnection
                      exit     code, signal, finished_ns, oom, dropped
    engine → shim     close_stdin                  nobody will write any more
                      window   limit               pause the container's output after so many bytes

`facts` are `version`, `id`, `pid`, `shim_pid`, `start_ticks`, `tty`, `stdin`, `exit` (path) and
`kept`: names of descriptors that the order's `keep` told to keep open for later engines.
A newer engine talks to shims that an older one started: fields are only ever added, and marshal
stays at the version below. Light: standard library only.
"""

from __future__ import annotations

import _socket
import marshal
import os

from budu.linux.fds import memfd_create, recv_fds, send_fds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Message = dict[str, Any]

VERSION = 1
"""Version of these messages, sent in `facts`."""
MAX_INLINE = 65536
"""Bytes of a message that travel in the packet itself."""
MAX_FDS = 64
"""Descriptors that one message may carry."""
_MARSHAL_VERSION = 2


class ProtocolError(Exception):
    """The other side sent something that is no message."""


def pack_plan(plan: Message) -> bytes:
    """A plan inside an order: packed, because the shim only passes it on to its starter. Thousands
    of small objects less in a process that stays."""
    return marshal.dumps(plan, _MARSHAL_VERSION)


def unpack_plan(data: bytes) -> Message:
    """The plan that `pack_plan` packed."""
    plan: Message = marshal.loads(data)
    return plan


def send(sock: _socket.socket, message: Message, fds: Sequence[int] = ()) -> None:
    """Send one message; the descriptors stay the caller's.

    Raises: OSError when the other side is gone, or does not read and the socket is non-blocking.
    """
    data = marshal.dumps(message, _MARSHAL_VERSION)
    if len(data) <= MAX_INLINE:
        send_fds(sock, data, fds)
        return
    memfd = memfd_create("message")
    try:
        _write_all(memfd, data)
        send_fds(sock, marshal.dumps({"memfd": len(data)}, _MARSHAL_VERSION), [memfd, *fds])
    finally:
        os.close(memfd)


def receive(sock: _socket.socket) -> tuple[Message, list[int]] | None:
    """The next message with its descriptors, which the caller closes; None when the other is gone.

    Raises: ProtocolError for what is no message; BlockingIOError on a non-blocking socket.
    """
    try:
        data, fds = recv_fds(sock, MAX_INLINE, MAX_FDS)
    except ConnectionResetError:
        return None
    if not data:
        return None
    try:
        message = marshal.loads(data)
        if "memfd" in message:
            memfd = fds.pop(0)
            try:
                message = marshal.loads(os.pread(memfd, message["memfd"], 0))
            finally:
                os.close(memfd)
        message["op"]
    except (ValueError, TypeError, EOFError, KeyError, IndexError) as error:
        for fd in fds:
            os.close(fd)
        raise ProtocolError(str(error)) from None
    return message, fds


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
