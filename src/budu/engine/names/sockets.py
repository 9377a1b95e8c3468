"""The two sockets of a sandbox's resolver, on their way from the engine to the shim and back."""

from __future__ import annotations

import socket

from budu.engine.networks import Sandbox
from budu.network.dns.sockets import open_sockets

KEPT = ("names-udp", "names-tcp")
"""What the shim calls them."""


def open_names(sandbox: Sandbox) -> dict[str, socket.socket]:
    """The sockets of a fresh sandbox, the caller's to close; none where nobody has a name.

    Raises: OSError with the kernel's words.
    """
    if sandbox.netns is None or not (sandbox.endpoints or sandbox.is_connectable):
        return {}
    return dict(zip(KEPT, open_sockets(sandbox.netns), strict=True))


def as_sockets(fds: tuple[int, ...]) -> tuple[socket.socket, socket.socket]:
    """The sockets of descriptors that the shim kept."""
    datagrams, listener = (socket.socket(fileno=fd) for fd in fds)
    return datagrams, listener
