"""A WebSocket on a connection that left HTTP: the server's side of RFC 6455.

The rules of frames are the `websockets` library's, without its input and output. Loaded with the
first such request: it takes 2 MB and 17 ms. Messages are looked at as pieces of a stream of bytes,
text or binary alike; what is sent is binary.
Source: RFC 6455; moby, daemon/server/router/container, `wsContainersAttach`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State

from budu.api.http.hijack import HijackedStream
from budu.api.http.request import Request
from budu.base.errors import InvalidArgument

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_DATA = frozenset((Opcode.TEXT, Opcode.BINARY, Opcode.CONT))
_KEY_BYTES = 16
_VERSION = "13"


async def accept_websocket(request: Request) -> WebSocketStream:
    """Answers the opening handshake and takes the connection over.

    Raises: InvalidArgument when the request is no handshake of version 13.
    """
    key = check_handshake(request)
    headers = {"Sec-WebSocket-Accept": accept_of(key)}
    offered = request.header("sec-websocket-protocol").split(",")[0].strip()
    if offered:
        headers["Sec-WebSocket-Protocol"] = offered
    raw = await request.hijack("", headers=headers)
    return WebSocketStream(raw, message_bytes=request.limits.message_bytes)


def check_handshake(request: Request) -> str:
    """The client's key.

    Raises: InvalidArgument when the request is no handshake of version 13.
    Source: RFC 6455, section 4.2.1.
    """
    if not request.head.is_upgrade or request.header("upgrade").lower() != "websocket":
        raise InvalidArgument("not websocket protocol")
    if request.header("sec-websocket-version") != _VERSION:
        raise InvalidArgument(f"missing or bad WebSocket Version, {_VERSION} is wanted")
    key = request.header("sec-websocket-key")
    try:
        is_key = len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        is_key = False
    if not is_key:
        raise InvalidArgument("mismatch challenge/response: Sec-WebSocket-Key is no 16 bytes")
    return key


def accept_of(key: str) -> str:
    """What proves that the key was read. Source: RFC 6455, section 4.2.2."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


class WebSocketStream:
    """Both directions of a WebSocket, with the methods of a `HijackedStream`.

    A WebSocket has no half-close: a client whose input ends has left. Pings are answered while
    `read` is awaited.
    """

    ends_with_input = True
    """There is no half-close."""

    def __init__(self, raw: HijackedStream, *, message_bytes: int) -> None:
        self.raw = raw
        """The connection below."""
        # Not the library's own logger: at level debug that writes down what people type.
        quiet = logging.Logger("websocket", logging.WARNING)
        self._protocol = Protocol(Side.SERVER, max_size=message_bytes, logger=quiet)

    @property
    def is_open(self) -> bool:
        """Whether neither side said goodbye."""
        return self._protocol.state is State.OPEN

    @property
    def input_ended(self) -> bool:
        """Whether nothing more comes from the connection below."""
        return self.raw.input_ended

    async def read(self) -> bytes:
        """Bytes of the client's next frames; `b""` once it has left. One reader only."""
        while self.is_open:
            if data := await self._receive():
                return data
        return b""

    def write(self, data: bytes) -> None:
        """Sends bytes as one binary message; nothing happens when the client is gone."""
        if self.is_open:
            self._protocol.send_binary(data)
            self._flush()

    async def drain(self) -> None:
        """Waits until the client has taken enough to send more. Raises: ClientGone."""
        await self.raw.drain()

    async def finish(self, *, grace_s: float) -> None:
        """Says goodbye and waits so long for the client's own. Idempotent.

        Raises: ClientGone.
        """
        if self.is_open:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()
        try:
            async with asyncio.timeout(grace_s):
                while self._protocol.close_rcvd is None and not self.raw.at_eof:
                    await self._receive()
        except TimeoutError:
            pass  # it hears the rest from the closed socket

    async def _receive(self) -> bytes:
        """Takes what came next, answers what wants an answer; the bytes of the data frames."""
        if data := await self.raw.read():
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        events = self._protocol.events_received()
        self._flush()
        await self.raw.drain()  # pings without end must not pile their answers up
        frames = (event for event in events if isinstance(event, Frame))
        return b"".join(bytes(frame.data) for frame in frames if frame.opcode in _DATA)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.raw.write(data)
            else:
                self.raw.write_eof()
