"""A connection that left HTTP: raw bytes both ways, each direction closed on its own."""

from __future__ import annotations

from budu.api.http.inbox import Inbox
from budu.api.http.wire import Wire

RAW_STREAM = "application/vnd.docker.raw-stream"
MULTIPLEXED_STREAM = "application/vnd.docker.multiplexed-stream"


class HijackedStream:
    """Both directions of a taken-over connection.

    Bytes that came together with the request are read first. The handler that asked for it uses
    it; when the handler returns, or the client leaves altogether, the connection closes it.
    """

    __slots__ = ("_inbox", "_wire", "ends_with_input")

    def __init__(self, wire: Wire, inbox: Inbox) -> None:
        self._wire = wire
        self._inbox = inbox
        self.ends_with_input = False
        """A client may half-close and read on."""

    @property
    def at_eof(self) -> bool:
        """Whether the client closed its direction and every byte was read."""
        return self._inbox.drained

    @property
    def input_ended(self) -> bool:
        """Whether the client closed its direction; bytes may still wait to be read."""
        return self._inbox.ended

    async def read(self) -> bytes:
        """Bytes from the client; `b""` once it closed its direction. One reader only."""
        return await self._inbox.read()

    def write(self, data: bytes) -> None:
        """Sends bytes; follow with `drain` so that a slow client slows the source down."""
        self._wire.send(data)

    async def drain(self) -> None:
        """Waits until the client has taken enough to send more.

        Raises: ClientGone.
        """
        await self._wire.drain()

    def write_eof(self) -> None:
        """Closes our direction; the client may still send."""
        self._wire.send_eof()

    def close(self) -> None:
        """Closes both directions once everything written has left. Idempotent."""
        self._wire.hang_up()
