"""Passing bytes between a connection that left HTTP and something attached."""

from __future__ import annotations

import asyncio

from budu.api.handlers.closing import closing
from budu.api.http.hijack import HijackedStream
from budu.api.http.limits import ClientGone
from budu.engine.contract import Attachment


async def pump(stream: HijackedStream, attachment: Attachment, *, takes_input: bool) -> None:
    """Passes bytes both ways until the output ends: what is attached ended or the client detached.

    The client's half-close ends the input only. What a client sent before it left is still passed
    on, and the end of it.
    """
    inwards = asyncio.create_task(_pass_input(stream, attachment), name="attach input")
    if not takes_input:
        inwards.cancel()
    try:
        async with closing(attachment.output()) as output:
            async for data in output:
                stream.write(data)
                await stream.drain()
    except (asyncio.CancelledError, ClientGone):
        if takes_input and stream.input_ended:
            await inwards
        raise
    finally:
        inwards.cancel()
        await asyncio.gather(inwards, return_exceptions=True)


async def _pass_input(stream: HijackedStream, attachment: Attachment) -> None:
    while data := await stream.read():
        if not await attachment.write(data):
            return
    await attachment.close_stdin()
