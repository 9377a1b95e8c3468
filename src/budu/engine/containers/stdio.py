"""Joining clients to a container's streams.

Output never passes between shim and engine: the shim writes the log, the engine reads it for every
client at that client's pace. Input goes from the engine straight into the pipe or terminal whose
end the shim handed over. A client may attach before the container starts; it then waits for it.
Source: Engine API 1.51 ContainerAttach, ContainerLogs.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable

from budu.engine.containers.detach import DetachKeys, parse_detach_keys
from budu.engine.containers.model import Container, Status
from budu.engine.contract import AttachOptions, LogOptions
from budu.engine.logs.source import log_settings, log_source
from budu.engine.paths import EnginePaths
from budu.logs.files import Position
from budu.logs.frames import STDERR, STDOUT, Frame
from budu.logs.reader import LogQuery, LogReader
from budu.logs.render import Renderer, choose_renderer
from budu.logs.watch import Watch
from budu.shim.client import ShimHandle


class _Run:
    """One life of a container, from before its start to its end."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[ShimHandle] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.stdin_lock = asyncio.Lock()

    def end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        if not self.opened.done():
            self.opened.cancel()


class Stdio:
    """The streams of all containers of one engine."""

    def __init__(self, paths: EnginePaths, watch: Watch) -> None:
        self._paths = paths
        self._watch = watch
        self._runs: dict[str, _Run] = {}

    def _run(self, id_: str) -> _Run:
        run = self._runs.get(id_)
        if run is None:
            run = self._runs[id_] = _Run()
        return run

    def opened(self, id_: str, shim: ShimHandle) -> None:
        """The container runs now; clients that came early go on."""
        self._run(id_).opened.set_result(shim)

    def ended(self, id_: str) -> None:
        """The container has ended and its log is complete."""
        run = self._runs.pop(id_, None)
        if run is not None:
            run.end()

    removed = ended

    def _reader(self, container: Container) -> LogReader:
        return LogReader(str(self._paths.container(container.id).log_dir), self._watch)

    def logs(self, container: Container, options: LogOptions) -> AsyncIterator[bytes]:
        """The log's bytes for the wire. Raises: NotImplementedHere for a driver without reading."""
        log_settings(container).check_readable()
        lives = container.is_running or container.status is Status.RESTARTING
        query = LogQuery(
            stdout=options.stdout,
            stderr=options.stderr,
            since_ns=options.since_ns,
            until_ns=options.until_ns or None,
            tail=options.tail,
            follow=options.follow and lives,
        )
        renderer = choose_renderer(
            tty=container.tty,
            timestamps=options.timestamps,
            attributes=log_attributes(container) if options.details else None,
        )
        ended = self._run(container.id).ended if query.follow else None
        return _render(self._reader(container).read(query, ended=ended), renderer)

    def attach(
        self, container: Container, options: AttachOptions, *, on_detach: Callable[[], None]
    ) -> StdioAttachment:
        """One client's connection; the position in the log is taken now.

        `on_detach` is called when the client typed its detach keys.
        Raises: InvalidArgument for malformed detach keys.
        """
        keys = parse_detach_keys(options.detach_keys)
        reader = self._reader(container)
        run = self._run(container.id) if options.stream else None
        position = reader.position()
        return StdioAttachment(container, options, keys, reader, position, run, on_detach)


class StdioAttachment:
    """See `engine.contract.Attachment`."""

    def __init__(
        self,
        container: Container,
        options: AttachOptions,
        keys: DetachKeys,
        reader: LogReader,
        position: Position,
        run: _Run | None,
        on_detach: Callable[[], None],
    ) -> None:
        self.tty = container.tty
        self._stdin_once = container.config.stdin_once
        self._opens_stdin = container.config.open_stdin and options.stdin
        self._options = options
        self._keys = keys
        self._reader = reader
        self._position = position
        self._run = run
        self._on_detach = on_detach
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def output(self) -> AsyncIterator[bytes]:
        """History first when asked for, then what is written from the attach on.

        Both are one reading: what is written between them is in neither twice.
        """
        options = self._options
        renderer = choose_renderer(tty=self.tty or not options.framed)
        wants_output = options.stdout or options.stderr
        if options.logs and (self._run is None or wants_output):
            follow = self._run is not None
            query = LogQuery(stdout=options.stdout, stderr=options.stderr, follow=follow)
            ended = self._run.ended if self._run is not None else None
            async for chunk in _render(self._reader.read(query, ended=ended), renderer):
                yield chunk
            return
        if self._run is None:
            return
        if not wants_output:
            await asyncio.wait([self._run.ended, self._closed], return_when=asyncio.FIRST_COMPLETED)
            return
        streams = {STDOUT: options.stdout, STDERR: options.stderr}
        frames = self._reader.attach(self._position, ended=self._run.ended)
        async for chunk in _render(frames, renderer, streams):
            yield chunk

    async def write(self, data: bytes) -> bool:
        """Pass bytes on to the container; False once the detach keys were seen."""
        if self.tty:
            data, detached = self._keys.feed(data)
        else:
            detached = False
        if data and self._opens_stdin and self._run is not None:
            await self._write_all(self._run, data)
        if detached:
            self._on_detach()
        return not detached

    async def _write_all(self, run: _Run, data: bytes) -> None:
        shim = await _opened(run)
        if shim is None or shim.stdin_fd is None:
            return
        async with run.stdin_lock:
            view = memoryview(data)
            while view and not run.ended.done() and shim.stdin_fd is not None:
                try:
                    view = view[os.write(shim.stdin_fd, view) :]
                except BlockingIOError:
                    await _writable(shim.stdin_fd, run.ended)
                except OSError:
                    return

    async def close_stdin(self) -> None:
        """The client half-closed; a container whose stdin is opened once sees the end."""
        if not (self._stdin_once and self._opens_stdin) or self.tty or self._run is None:
            return
        shim = await _opened(self._run)
        if shim is not None:
            async with self._run.stdin_lock:
                await shim.close_stdin()

    async def aclose(self) -> None:
        """Let go; idempotent."""
        if not self._closed.done():
            self._closed.set_result(None)


async def _opened(run: _Run) -> ShimHandle | None:
    """The shim once the container runs; None when it never does."""
    try:
        return await asyncio.shield(run.opened)
    except asyncio.CancelledError:
        if run.opened.cancelled():
            return None
        raise


async def _writable(fd: int, ended: asyncio.Future[None]) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(fd, lambda: None if ready.done() else ready.set_result(None))
    try:
        await asyncio.wait([ready, ended], return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_writer(fd)


async def _render(
    batches: AsyncIterator[list[Frame]],
    renderer: Renderer,
    streams: dict[int, bool] | None = None,
) -> AsyncIterator[bytes]:
    async for frames in batches:
        wanted = frames if streams is None else [each for each in frames if streams[each[0]]]
        data = renderer.render(wanted)
        if data:
            yield data
    rest = renderer.finish()
    if rest:
        yield rest


def log_attributes(container: Container) -> str:
    """What `logs --details` puts before each line: what the log options choose, and the tag."""
    details = log_source(container).details()
    return ",".join(f"{key}={value}" for key, value in details.items())
