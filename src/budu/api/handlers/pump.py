"""Passing bytes between a connection that left HTTP and something attached."""

from __future__ import annotations

import asyncio
from typing import Protocol

from budu.api.handlers.closing import closing
from budu.api.http.limits import ClientGone
from budu.engine.contract import Attachment


class Duplex(Protocol):
    """Both directions of a connection: a `HijackedStream` or a `WebSocketStream`."""

    ends_with_input: bool
    """Whether a client whose input ended has left; otherwise it only half-closed."""

    @property
    def input_ended(self) -> bool:
        """Whether the client closed its direction; bytes may still wait to be read."""

    async def read(self) -> bytes:
        """Bytes from the client; `b""` at their end."""

    def write(self, data: bytes) -> None:
        """Sends bytes."""

    async def drain(self) -> None:
        """Waits while the client is slow. Raises: ClientGone."""


async def pump(stream: Duplex, attachment: Attachment, *, takes_input: bool) -> None:
    """Passes bytes both ways until the output ends, or the client detaches or leaves.

    What a client sent before it left is still passed on, and the end of it.
    """
    outwards = asyncio.create_task(_pass_output(stream, attachment), name="attach output")
    inwards = asyncio.create_task(_read(stream, attachment, takes_input), name="attach input")
    try:
        done, _ = await asyncio.wait((inwards, outwards), return_when=asyncio.FIRST_COMPLETED)
        if inwards in done and not inwards.result():
            await outwards
        if outwards in done:
            outwards.result()
    except (asyncio.CancelledError, ClientGone):
        if stream.input_ended:
            await inwards
        raise
    finally:
        inwards.cancel()
        outwards.cancel()
        await asyncio.gather(inwards, outwards, return_exceptions=True)


async def _read(stream: Duplex, attachment: Attachment, takes_input: bool) -> bool:
    """Passes input on; whether the client has left or detached, and not only half-closed.

    What is not wanted is read and thrown away where a goodbye comes on the same way.
    """
    if not (takes_input or stream.ends_with_input):
        return False
    while data := await stream.read():
        if takes_input and not await attachment.write(data):
            return True
    if takes_input:
        await attachment.close_stdin()
    return stream.ends_with_input


async def _pass_output(stream: Duplex, attachment: Attachment) -> None:
    async with closing(attachment.output()) as output:
        async for data in output:
            stream.write(data)
            await stream.drain()
