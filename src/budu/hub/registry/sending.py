"""Bodies of answers: files by sendfile, streams in pieces.

sendfile goes past the transport: when its buffer is empty, a duplicate of the socket takes the
bytes straight from the page cache, so a gigabyte costs no memory and no copy in this process. It
works on asyncio's loop and on uvloop, whose own transports have no sendfile. A client that takes
nothing for a minute is cut off. Source: man 2 sendfile.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator

from aiohttp import web

from budu.base.errors import BuduError

log = logging.getLogger(__name__)
_AT_ONCE = 1 << 20
"""Bytes between two looks at the other clients."""
_PIECE_BYTES = 256 << 10
STALLED_AFTER_S = 60.0
"""How long a client may take nothing."""


async def send_pieces(
    request: web.BaseRequest, response: web.StreamResponse, pieces: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Pieces in order. The content length is the caller's to set; HEAD sends none of them."""
    await response.prepare(request)
    if request.method != "HEAD":
        try:
            async for piece in pieces:
                async with asyncio.timeout(STALLED_AFTER_S):
                    await response.write(piece)
        except BuduError as error:  # too late for an answer that says so
            log.warning("a body broke off: %s", error)
            raise ConnectionResetError("the body broke off") from error
    await response.write_eof()
    return response


async def send_file(
    request: web.BaseRequest, response: web.StreamResponse, fd: int, start: int, end: int
) -> web.StreamResponse:
    """A range of an open file, which stays the caller's to close."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client is gone")
    sock = transport.get_extra_info("socket")
    if sock is None or transport.get_extra_info("sslcontext") is not None:
        return await send_pieces(request, response, _read(fd, start, end))
    await response.prepare(request)
    if request.method != "HEAD" and start < end:
        await _emptied(transport)
        duplicate = os.dup(sock.fileno())
        try:
            await _sendfile(duplicate, fd, start, end)
        finally:
            os.close(duplicate)
    await response.write_eof()
    return response


async def _sendfile(out: int, source: int, start: int, end: int) -> None:
    while start < end:
        try:
            sent = os.sendfile(out, source, start, min(_AT_ONCE, end - start))
        except BlockingIOError:
            async with asyncio.timeout(STALLED_AFTER_S):
                await _writable(out)
            continue
        if sent == 0:
            raise ConnectionResetError("the file ended early")
        start += sent
        await asyncio.sleep(0)


async def _writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(fd, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(fd)


async def _emptied(transport: asyncio.Transport) -> None:
    """Wait until what was written before, the headers, is in the socket."""
    async with asyncio.timeout(STALLED_AFTER_S):
        while transport.get_write_buffer_size():
            if transport.is_closing():
                raise ConnectionResetError("the client is gone")
            await asyncio.sleep(0.001)


async def _read(fd: int, start: int, end: int) -> AsyncIterator[bytes]:
    while start < end:
        piece = await asyncio.to_thread(os.pread, fd, min(_PIECE_BYTES, end - start), start)
        if not piece:
            raise ConnectionResetError("the file ended early")
        yield piece
        start += len(piece)
