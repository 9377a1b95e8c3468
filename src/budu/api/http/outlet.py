"""The sending half of one connection: writes, waits for a slow client, closes."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import termios

from budu.api.http.limits import ClientGone

_LOOK_AGAIN_S = 0.001


class Outlet:
    """What leaves through one transport. Knows no HTTP."""

    __slots__ = ("_drainers", "_transport", "is_closing", "is_lost", "is_slow")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._drainers: list[asyncio.Future[None]] = []
        self.is_slow = False
        """Whether the client takes less than is written."""
        self.is_closing = False
        """Whether we hung up."""
        self.is_lost = False
        """Whether the socket is closed."""

    def send(self, data: bytes) -> None:
        """Hands bytes to the socket; nothing happens when the client is gone."""
        if not (self.is_lost or self.is_closing):
            self._transport.write(data)

    def send_eof(self) -> None:
        """Half-closes: no more bytes will be sent."""
        if not (self.is_lost or self.is_closing) and self._transport.can_write_eof():
            self._transport.write_eof()

    async def drain(self) -> None:
        """Waits until the client has taken enough to send more. Raises: ClientGone."""
        if self._transport.is_closing():
            await asyncio.sleep(0)  # a failed write tells connection_lost only in the next turn
        if self.is_slow and not self.is_lost:
            drainer = asyncio.get_running_loop().create_future()
            self._drainers.append(drainer)
            await drainer
        if self.is_lost:
            raise ClientGone("the client left")

    async def taken(self, *, within_s: float) -> None:
        """Waits until the client has read everything sent, or the time is up.

        The kernel tells that of unix sockets only; others are not waited for.
        """
        sock = self._transport.get_extra_info("socket")
        if sock is None or sock.family != socket.AF_UNIX:
            return
        deadline = asyncio.get_running_loop().time() + within_s
        await asyncio.sleep(0)  # the loop writes what was sent in this turn
        while not (self.is_lost or self.is_closing) and self._holds(sock.fileno()):
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(_LOOK_AGAIN_S)

    def _holds(self, fd: int) -> bool:
        if self._transport.get_write_buffer_size():
            return True
        return any(fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)))

    def pause(self) -> None:
        """The client is slow: writers wait in `drain`."""
        self.is_slow = True

    def resume(self) -> None:
        """The client caught up."""
        self.is_slow = False
        self._wake()

    def lose(self) -> None:
        """The socket is closed: whoever waits is told."""
        self.is_lost = True
        self._wake()

    def close(self) -> None:
        """Closes the socket once everything sent has left."""
        self.is_closing = True
        self._transport.close()

    def abort(self) -> None:
        """Closes the socket at once."""
        self.is_closing = True
        self._transport.abort()

    def _wake(self) -> None:
        drainers, self._drainers = self._drainers, []
        for drainer in drainers:
            if not drainer.done():
                drainer.set_result(None)
