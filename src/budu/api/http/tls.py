"""TLS between a socket and a connection, with directions that close on their own.

asyncio's own TLS closes both directions when the client sends its close_notify; an attach over TLS
needs the other one to stay open, because a client's end of input is not its end of interest.
Source: RFC 8446, section 6.1.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

_READ_BYTES = 64 << 10


class TlsLayer(asyncio.Protocol):
    """The protocol of the socket; `inner` sees plain bytes through a `TlsTransport`.

    `inner` learns of the connection only after the handshake, which must end within
    `handshake_timeout_s`; a client that fails it is cut without a word in HTTP.
    """

    def __init__(
        self, context: ssl.SSLContext, inner: asyncio.Protocol, *, handshake_timeout_s: float
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._inner = inner
        self._handshake_timeout_s = handshake_timeout_s
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self._connected = False
        self._input_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected; the handshake begins."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._handshake_timeout_s, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Encrypted bytes came."""
        self._incoming.write(data)
        try:
            if not self._connected:
                self._shake_hands()
            self._decrypt()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self._flush()  # the alert that tells the client why
            self._transport.close()
        self._flush()

    def eof_received(self) -> bool:
        """The client closed its direction of the socket, with or without a close_notify."""
        return self._connected and self._end_input()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._connected:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client is slow."""
        if self._connected:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The client caught up."""
        if self._connected:
            self._inner.resume_writing()

    def encrypt(self, data: bytes) -> None:
        """Sends plain bytes of the inner connection."""
        self._tls.write(data)
        self._flush()

    def end_output(self) -> None:
        """Sends close_notify; the client may still send."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # the client has not closed its direction: nothing to wait for
        self._flush()

    def _shake_hands(self) -> None:
        self._tls.do_handshake()
        self._connected = True
        if self._timer is not None:
            self._timer.cancel()
        self._inner.connection_made(TlsTransport(self, self._transport))

    def _decrypt(self) -> None:
        while not self._input_ended:
            try:
                data = self._tls.read(_READ_BYTES)
            except ssl.SSLZeroReturnError:
                data = b""
            if data:
                self._inner.data_received(data)
            elif not self._end_input():
                self._transport.close()

    def _end_input(self) -> bool:
        """Tells the inner connection once; True keeps our direction open."""
        if self._input_ended:
            return True
        self._input_ended = True
        return bool(self._inner.eof_received())

    def _flush(self) -> None:
        if self._outgoing.pending and not self._transport.is_closing():
            self._transport.write(self._outgoing.read())


class TlsTransport(asyncio.Transport):
    """The plain side of a `TlsLayer`."""

    def __init__(self, layer: TlsLayer, transport: asyncio.Transport) -> None:
        super().__init__()
        self._layer = layer
        self._transport = transport
        self._eof_written = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Encrypts and sends."""
        self._layer.encrypt(bytes(data))

    def can_write_eof(self) -> bool:
        """True: TLS has half-close."""
        return True

    def write_eof(self) -> None:
        """Half-closes."""
        if not self._eof_written:
            self._eof_written = True
            self._layer.end_output()

    def close(self) -> None:
        """Says goodbye and closes once everything has left."""
        if not self._transport.is_closing():
            self.write_eof()
        self._transport.close()

    def abort(self) -> None:
        """Cuts the connection."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether the socket closes or is closed."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Stops reading the socket."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Reads on."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Facts about the socket."""
        return self._transport.get_extra_info(name, default)
