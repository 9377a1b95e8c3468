"""The streams of one exec: read when the client takes more, thrown away when there is none.

Nothing is logged, so the pipes themselves are the buffer: a slow client slows this process down and
nobody else. When the client leaves, the rest is read and forgotten, and the process goes on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable

from budu.engine.containers.detach import DetachKeys
from budu.logs.frames import STDERR, STDOUT
from budu.shim.client import ShimHandle
from budu.spec.stream import encode_frame

_READ_SIZE = 65536
_DRAIN_S = 0.3
"""How long output is awaited after the end when another process keeps the pipes open."""


class ExecStreams:
    """One exec's side of `engine.contract.Attachment`, for one client."""

    def __init__(
        self,
        handle: ShimHandle,
        *,
        keys: DetachKeys,
        wanted: frozenset[int],
        takes_input: bool,
        framed: bool,
        discard: Callable[[ExecStreams], None],
        on_detach: Callable[[], None],
    ) -> None:
        """`wanted` are the output streams to pass on; `framed` whether each piece tells its stream,
        which is the client's word at the start, terminal or not; `discard` is called when the
        client leaves before the process, `on_detach` when it typed the detach keys."""
        self.tty = handle.tty
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._handle = handle
        self._keys = keys
        self._wanted = wanted
        self._takes_input = takes_input
        self._framed = framed
        self._discard = discard
        self._on_detach = on_detach
        self._detached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._outputs = _outputs(handle)
        for fd in self._outputs:
            os.set_blocking(fd, False)

    async def output(self) -> AsyncIterator[bytes]:
        """Bytes ready for the wire until the process has ended or the client detached."""
        async for stream, data in self._read():
            if stream in self._wanted:
                yield encode_frame(stream, data) if self._framed else data
        if not self._detached.done():
            await self._any(self.ended, self._detached)

    async def write(self, data: bytes) -> bool:
        """Pass bytes to the process; False once the detach keys were seen."""
        detached = False
        if self.tty:
            data, detached = self._keys.feed(data)
        if self._takes_input:
            await self._write_all(data)
        if detached and not self._detached.done():
            self._detached.set_result(None)
            self._on_detach()
        return not detached

    async def close_stdin(self) -> None:
        """The client half-closed: the process reads end of file."""
        if self._takes_input:
            await self._handle.close_stdin()

    async def aclose(self) -> None:
        """Let go; idempotent. What the process still writes is thrown away."""
        if self._outputs and not self.ended.done():
            await self.close_stdin()
            self._discard(self)
        else:
            self._close()

    async def drain(self) -> None:
        """Read and forget until the process has ended."""
        self._detached = asyncio.get_running_loop().create_future()
        async for _ in self._read():
            pass
        self._close()

    def _close(self) -> None:
        while self._outputs:
            os.close(self._outputs.popitem()[0])

    async def _read(self) -> AsyncIterator[tuple[int, bytes]]:
        while self._outputs and not self._detached.done():
            idle = True
            for fd, stream in tuple(self._outputs.items()):
                try:
                    data = os.read(fd, _READ_SIZE)
                except BlockingIOError:
                    continue
                except OSError:  # EIO: nobody has the terminal open any more
                    data = b""
                idle = False
                if data:
                    yield stream, data
                else:
                    os.close(fd)
                    del self._outputs[fd]
            if idle and not await self._readable():
                return

    async def _readable(self) -> bool:
        """Wait for output; False when none comes any more."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def set_ready() -> None:
            if not ready.done():
                ready.set_result(None)

        watched = tuple(self._outputs)
        for fd in watched:
            loop.add_reader(fd, set_ready)
        try:
            await self._any(ready, self._detached, self.ended)
            if not ready.done() and self.ended.done():
                await asyncio.wait([ready], timeout=_DRAIN_S)
        finally:
            for fd in watched:
                loop.remove_reader(fd)
        return ready.done()

    async def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self.ended.done():
            fd = self._handle.stdin_fd
            if fd is None:
                return
            try:
                view = view[os.write(fd, view) :]
            except BlockingIOError:
                await self._writable(fd)
            except OSError:
                return

    async def _writable(self, fd: int) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_writer(fd, lambda: None if ready.done() else ready.set_result(None))
        try:
            await self._any(ready, self.ended)
        finally:
            loop.remove_writer(fd)

    async def _any(self, *futures: asyncio.Future[None]) -> None:
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


def _outputs(handle: ShimHandle) -> dict[int, int]:
    """The descriptors to read, with their stream; a terminal's is the master, once more."""
    if handle.tty:
        return {os.dup(handle.stdin_fd): STDOUT} if handle.stdin_fd is not None else {}
    return dict(zip(handle.take_kept("stdout", "stderr"), (STDOUT, STDERR), strict=False))
