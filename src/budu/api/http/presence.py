"""Whether a client is still there, as far as the kernel tells."""

from __future__ import annotations

import asyncio
import select
import socket


def has_left(transport: asyncio.Transport, *, end_of_input_counts: bool) -> bool:
    """Whether the client closed both directions.

    A unix socket tells leaving (HUP) from half-closing. TCP does not: there an end of input counts
    as leaving when the caller says so.
    """
    sock = transport.get_extra_info("socket")
    if sock is None:
        return True
    if sock.family != socket.AF_UNIX and end_of_input_counts:
        return True
    poll = select.poll()
    poll.register(sock.fileno(), 0)
    return any(mask & (select.POLLHUP | select.POLLERR) for _, mask in poll.poll(0))
