"""Connections to log servers: datagrams and streams, made when they are needed.

A stream says that data is delivered only when the other machine has acknowledged it, so what was
in flight when a server died is sent again. Neighbours: the senders.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import socket
import ssl
import struct
import termios

from budu.base.errors import Internal
from budu.logs.senders.dialling import address_error, path_error

CONNECT_S = 10.0
"""How long a connection may take to come up."""
DELIVER_S = 30.0
"""How long a server may take to acknowledge what it was sent."""
_POLL_S = (0.0005, 0.05)

log = logging.getLogger(__name__)


class Datagrams:
    """Sends to a UDP port, or to one of several unix sockets, the first that is there."""

    def __init__(self, *, host: str = "", port: int = 0, paths: tuple[str, ...] = ()) -> None:
        self._host = host
        self._port = port
        self._paths = paths
        self._socket: socket.socket | None = None

    async def connect(self) -> None:
        """Look whether there is such a place. Raises: Internal, in Docker's words."""
        try:
            await self._connect()
        except OSError as error:
            if not self._paths:
                text = await address_error("udp", self._host, self._port, error)
            else:
                text = path_error("unixgram", self._paths[0], error)
            raise Internal(text) from error

    async def send(self, messages: list[bytes]) -> None:
        """Send each message; one that is too long for the socket is left out. Raises: OSError."""
        sock = self._socket or await self._connect()
        for message in messages:
            try:
                await send_one(sock, message)
            except OSError as error:
                if error.errno != errno.EMSGSIZE:
                    await self.close()
                    raise
                log.warning("log message of %d bytes does not fit a datagram", len(message))

    async def _connect(self) -> socket.socket:
        if self._paths:
            self._socket = connect_unix(self._paths)
            return self._socket
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
        sock.connect(address)
        self._socket = sock
        return sock

    async def close(self) -> None:
        """Close; a later send connects again."""
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()


def connect_unix(paths: tuple[str, ...]) -> socket.socket:
    """A datagram socket to the first path where somebody listens. Raises: OSError."""
    failure = FileNotFoundError(errno.ENOENT, "no such socket", paths[0])
    for path in paths:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            sock.connect(path)
        except OSError as error:
            sock.close()
            failure = error if isinstance(error, FileNotFoundError) else failure
            if not isinstance(error, FileNotFoundError):
                raise
            continue
        return sock
    raise failure


async def send_one(sock: socket.socket, message: bytes) -> None:
    """Send one datagram, waiting while the receiver has no room. Raises: OSError."""
    deadline = asyncio.get_running_loop().time() + DELIVER_S
    while True:
        try:
            sock.send(message)
        except BlockingIOError:
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "the log server takes nothing") from None
            await asyncio.sleep(0.005)
        else:
            return


class Stream:
    """A TCP, TLS or unix connection."""

    def __init__(
        self, *, host: str = "", port: int = 0, path: str = "", tls: ssl.SSLContext | None = None
    ) -> None:
        self._host = host
        self._port = port
        self._path = path
        self._tls = tls
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def connect(self) -> None:
        """Connect now. Raises: Internal, in Docker's words."""
        try:
            await self._connect()
        except OSError as error:
            if self._path:
                text = path_error("unix", self._path, error)
            else:
                text = await address_error("tcp", self._host, self._port, error)
            raise Internal(text) from error

    async def send(self, data: bytes) -> None:
        """Write everything and wait until the other machine has it. Raises: OSError."""
        try:
            async with asyncio.timeout(DELIVER_S):
                _, writer = await self._connect()
                writer.write(data)
                await writer.drain()
                await self._delivered()
        except (OSError, TimeoutError):
            await self.close()
            raise

    async def read(self, size: int) -> bytes:
        """Some bytes of the server's answer. Raises: OSError, also at the end of the stream."""
        reader, _ = await self._connect()
        try:
            async with asyncio.timeout(DELIVER_S):
                data = await reader.read(size)
        except (OSError, TimeoutError):
            await self.close()
            raise
        if not data:
            await self.close()
            raise _closed()
        return data

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._open is not None and not self._open[0].at_eof():
            return self._open
        await self.close()
        async with asyncio.timeout(CONNECT_S):
            if self._path:
                self._open = await asyncio.open_unix_connection(self._path)
            else:
                self._open = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        return self._open

    async def _delivered(self) -> None:
        """Wait until the kernel has nothing left that is not acknowledged. `man 7 tcp`."""
        assert self._open is not None
        reader, writer = self._open
        pause = _POLL_S[0]
        while True:
            if reader.at_eof() or reader.exception() is not None or writer.is_closing():
                raise _closed()
            fd = writer.get_extra_info("socket").fileno()
            if not writer.transport.get_write_buffer_size() and not _unsent(fd):
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, _POLL_S[1])

    async def close(self) -> None:
        """Close; a later send connects again."""
        pair, self._open = self._open, None
        if pair is not None:
            pair[1].close()


def _unsent(fd: int) -> int:
    """Bytes in the send queue: SIOCOUTQ, which is TIOCOUTQ."""
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0" * 4))[0])


def _closed() -> OSError:
    return ConnectionResetError(errno.ECONNRESET, "the log server closed the connection")
