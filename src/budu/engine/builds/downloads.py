"""Files that a build fetches: contexts from URLs and repositories, sources of ADD.

What comes is stored in a folder of the build's own, and is then a tree like any other; it goes when
the build ends. Source: moby 28.3 builder/remotecontext/detect.go, builder/dockerfile/copy.go.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import msgspec

from budu.archive.wildcards import escaped
from budu.base.errors import InvalidArgument
from budu.build.context import Context
from budu.build.copying import CopyPart, CopyPlan
from budu.build.dockerfile.model import Add, Copy
from budu.build.git import GitFetch
from budu.build.git_address import GitSource, parse_git
from budu.build.remotes import (
    UNNAMED,
    file_name,
    is_url,
    modified_ns,
    receive_remote,
    store_file,
)
from budu.distribution.download import Download, Downloads
from budu.distribution.progress import PullEvent
from budu.engine.builds.build import Build
from budu.engine.contract.builds import BuildOptions, BuildSink
from budu.engine.streams import ThreadResult, used_in_thread


class BuildDownloads:
    """Fetches for builds."""

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads

    async def context(self, options: BuildOptions, folder: Path, tell: BuildSink) -> Context:
        """The context that `options.remote` names, in `folder`; the caller closes it.

        Raises: InvalidArgument for what is no address; what a download or a fetch raises.
        """
        source = options.remote
        repository = parse_git(source, is_context=True)
        if repository is not None:
            return await _fetch(repository, folder)
        if not is_url(source):
            raise InvalidArgument(f"remoteURL ({source}) could not be recognized as URL")
        async with await self._downloads.open(source) as download:
            receive = partial(
                receive_remote,
                folder=folder,
                url=source,
                content_type=download.header("Content-Type"),
            )
            body = _told(download, tell, "Downloading context", id_=source)
            return await used_in_thread("build-context", body, receive)

    async def part(self, build: Build, source: str, instruction: Copy, plan: CopyPlan) -> CopyPart:
        """A source of ADD that `is_remote`, as a tree to copy from; it stays until the build ends.

        Raises: DataLoss when it is not what the checksum says; as `context`.
        """
        assert isinstance(instruction, Add)
        folder = build.folder / f"add{len(os.listdir(build.folder))}"
        plan = msgspec.structs.replace(
            plan, files=(), parents=False, unpacks=bool(instruction.unpacks)
        )
        repository = parse_git(source)
        if repository is not None:
            return await _repository_part(build.held, folder, repository, instruction, plan)
        name = file_name(source)
        if name == UNNAMED and plan.target.endswith("/"):
            raise InvalidArgument(f"cannot determine filename for source {source}")
        async with await self._downloads.open(source) as download:
            store = partial(
                store_file,
                folder=folder,
                name=name,
                mtime_ns=modified_ns(download.header("Last-Modified")),
                checksum=instruction.checksum,
            )
            body = _told(download, build.tell, "Downloading")
            stored = await used_in_thread("build-download", body, store)
        _close_later(build.held, stored)
        plan = msgspec.structs.replace(plan, sources=(f"/{escaped(name)}",))
        return CopyPart(source_root=stored.root, plan=plan)


def is_remote(instruction: Copy, source: str) -> bool:
    """Whether a source of ADD is fetched. Raises: InvalidArgument, see `parse_git`."""
    is_add = isinstance(instruction, Add)
    return is_add and (is_url(source) or parse_git(source) is not None)


async def _repository_part(
    held: AsyncExitStack, folder: Path, repository: GitSource, instruction: Add, plan: CopyPlan
) -> CopyPart:
    if instruction.checksum:
        repository = msgspec.structs.replace(repository, checksum=instruction.checksum)
    fetched = await _fetch(repository, folder, keeps_git=instruction.keeps_git)
    _close_later(held, fetched)
    plan = msgspec.structs.replace(plan, sources=("/",), unpacks=False)
    return CopyPart(source_root=fetched.root, plan=plan)


async def _fetch(repository: GitSource, folder: Path, *, keeps_git: bool = False) -> Context:
    """The files of a repository. Cancelled, it ends git."""
    fetch = GitFetch(repository, folder, keeps_git=keeps_git)
    thread = ThreadResult("build-git", fetch.run)
    try:
        return await thread.wait()
    except BaseException:
        fetch.stop()
        thread.abandon(Context.close)
        await asyncio.shield(asyncio.ensure_future(thread.settle()))
        raise


def _close_later(held: AsyncExitStack, context: Context) -> None:
    held.push_async_callback(asyncio.to_thread, context.close)


async def _told(
    download: Download, tell: BuildSink, status: str, *, id_: str = ""
) -> AsyncIterator[bytes]:
    """The body, with lines of progress between its chunks."""
    counts: list[int] = []
    async for chunk in download.chunks(counts.append):
        for current in counts:
            total = max(download.size, current)
            await tell(PullEvent(id=id_, status=status, current=current, total=total))
        counts.clear()
        yield chunk
