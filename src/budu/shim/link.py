"""One SEQPACKET connection of the engine, read from its event loop.

Works on asyncio's loop and on uvloop. Neighbours: `shim.protocol` (the messages), `shim.client`,
`shim.pool`.
"""

from __future__ import annotations

import _socket
import asyncio
from collections.abc import Callable
from typing import Any

from budu.shim import protocol

OnMessage = Callable[[dict[str, Any], list[int]], None]
"""Called with each message and its descriptors, which it then owns."""


class Link:
    """Calls `on_message` for each message, and `on_end` once when the other side is gone."""

    def __init__(
        self, sock: _socket.socket, *, on_message: OnMessage, on_end: Callable[[], None]
    ) -> None:
        self.on_message = on_message
        """May be exchanged while a message is being handled."""
        self.on_end = on_end
        """May be exchanged likewise."""
        self._sock: _socket.socket | None = sock
        self._loop = asyncio.get_running_loop()
        sock.setblocking(False)
        self._loop.add_reader(sock.fileno(), self._readable)

    def send(self, message: dict[str, Any], fds: list[int] | None = None) -> bool:
        """Send without waiting; false when the other side is gone or does not read."""
        if self._sock is None:
            return False
        try:
            protocol.send(self._sock, message, fds or [])
        except OSError:
            return False
        return True

    def close(self) -> None:
        """End the connection without calling `on_end`. A second call does nothing."""
        if self._sock is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
            self._sock = None

    def _readable(self) -> None:
        if self._sock is None:
            return
        try:
            received = protocol.receive(self._sock)
        except BlockingIOError:
            return
        except (protocol.ProtocolError, OSError):
            received = None
        if received is None:
            self.close()
            self.on_end()
        else:
            self.on_message(*received)
