"""What containers changed: the table, an archive of everything, and images made of it.

A commit writes the container's changes as one more layer on those it stands on:

    freeze ─▶ upper directory ─▶ layer store ─▶ thaw ─▶ blob, config, manifest, record

Only the first copy happens while the container stands still.
Source: Engine API 1.51 ContainerChanges, ContainerExport, ImageCommit; moby 28.3 daemon/commit.go,
daemon/export.go.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from budu.archive.write import PackOptions, write_tree
from budu.base.clock import format_time, now_ns
from budu.base.errors import Conflict, NotFound
from budu.build.dockerfile.changes import apply_changes
from budu.engine.containers.health_config import check_health
from budu.engine.containers.model import Container, Status
from budu.engine.containers.service import ContainerService
from budu.engine.containers.signals import parse_signal
from budu.engine.containers.upper import Uppers
from budu.engine.contract.snapshots import Changes, CommitOptions
from budu.engine.events import EventLog
from budu.engine.images.making import ImageMaker, new_name
from budu.engine.images.service import ImageService
from budu.engine.locks import Locks
from budu.engine.streams import MadeInThread, ThreadResult, Write
from budu.image.config import merge_defaults
from budu.image.documents import child_config
from budu.snapshot.differences import ContainerDifferences, keeps_xattr
from budu.snapshot.layers import Layer
from budu.spec.api.container import ContainerConfig
from budu.spec.digest import Digest
from budu.spec.image import ExecConfig, History, ImageConfig, RootFS
from budu.spec.platform import host_platform


class SnapshotService:
    """Reads what containers wrote. See `engine.contract.snapshots.Snapshots`."""

    def __init__(
        self,
        containers: ContainerService,
        images: ImageService,
        differences: ContainerDifferences,
        uppers: Uppers,
        maker: ImageMaker,
        events: EventLog,
    ) -> None:
        self._containers = containers
        self._images = images
        self._differences = differences
        self._uppers = uppers
        self._maker = maker
        self._events = events
        self._locks = Locks()

    async def changes(self, ref: str) -> Changes:
        """See `Snapshots.changes`."""
        container = self._containers.get(ref)
        diff_ids = _diff_ids(container)
        look = ThreadResult("changes", lambda: self._differences.survey(container.id, diff_ids))
        return (await look.wait()).changes

    # Export

    async def export(self, ref: str) -> AsyncIterator[bytes]:
        """See `Snapshots.export`."""
        container = self._containers.get(ref)
        _refuse_gone(container, "export")
        made = MadeInThread("export", lambda write: self._write_all(container, write))
        try:
            await made.ready()
        except BaseException:
            await made.aclose()
            raise
        self._containers.emit(container, "export")
        return made

    def _write_all(self, container: Container, write: Write) -> None:
        root = self._differences.view(container.id, _diff_ids(container))
        try:
            write_tree(root, write, options=PackOptions(keeps_xattr=keeps_xattr))
        finally:
            os.close(root)

    # Commit

    async def commit(self, ref: str, options: CommitOptions) -> str:
        """See `Snapshots.commit`."""
        container = self._containers.get(ref)
        _refuse_gone(container, "commit")
        name = new_name(options.repository, options.tag)
        config = _run_config(container, options)
        with self._maker.claiming(_diff_ids(container)):
            async with self._standing_still(container.id, pause=options.pause):
                layer = await ThreadResult(
                    "commit", lambda: self._uppers.make_layer(container)
                ).wait()
            document = _document(self._parent(container), container, options, config, layer)
            image = await self._maker.make(document, [name] if name else [])
        labels = document.labels or {}
        self._events.emit("image", "create", image.id, **{**labels, "name": image.id})
        if name is not None:
            self._events.emit("image", "tag", image.id, **{**labels, "name": name.familiar})
        self._containers.emit(
            container,
            "commit",
            comment=options.comment,
            imageID=image.id,
            imageRef=name.familiar if name else "",
        )
        return image.id

    @asynccontextmanager
    async def _standing_still(self, id_: str, *, pause: bool) -> AsyncIterator[None]:
        """Pauses a running container inside the block; one commit at a time, so that none unpauses
        what another still reads."""
        async with self._locks.holding(id_):
            if not pause or self._containers.get(id_).status is not Status.RUNNING:
                yield
                return
            await self._containers.pause(id_)
            try:
                yield
            finally:
                with suppress(NotFound, Conflict):  # it ended, or somebody unpaused it meanwhile
                    await asyncio.shield(self._containers.unpause(id_))

    def _parent(self, container: Container) -> ImageConfig:
        """The document of the container's image; of an image deleted by force, what is known."""
        try:
            return self._images.config(self._images.get(container.image_id))
        except NotFound:
            platform = host_platform()
            return ImageConfig(
                architecture=platform.architecture,
                variant=platform.variant,
                os=platform.os,
                rootfs=RootFS(diff_ids=container.diff_ids),
                history=tuple(History() for _ in container.diff_ids),
            )


def _document(
    parent: ImageConfig,
    container: Container,
    options: CommitOptions,
    config: ExecConfig,
    layer: Layer | None,
) -> ImageConfig:
    created = format_time(now_ns())
    step = History(
        created=created,
        created_by=" ".join(container.config.cmd or ()),
        author=options.author,
        comment=options.comment,
    )
    new = ImageConfig(created=created, author=options.author, config=config)
    return child_config(parent, new, step=step, diff_id=layer.diff_id if layer else None)


def _run_config(container: Container, options: CommitOptions) -> ExecConfig:
    """How the image's program is run.

    Raises: InvalidArgument for instructions, with Docker's sentences.
    """
    own = _exec_config(container.config)
    asked = _exec_config(options.config) if options.config is not None else own
    changed = apply_changes(asked, options.changes)
    if changed.stop_signal:
        parse_signal(changed.stop_signal)
    return merge_defaults(changed, own)


def _exec_config(config: ContainerConfig) -> ExecConfig:
    """The part of a container's config that an image has, too. Raises: InvalidArgument."""
    check_health(config.healthcheck)
    fields = msgspec.to_builtins(config)
    return msgspec.convert(
        {key: value for key, value in fields.items() if value is not None}, ExecConfig
    )


def _refuse_gone(container: Container, verb: str) -> None:
    """Raises: Conflict with Docker's sentence."""
    if container.status is Status.DEAD:
        raise Conflict(f"You cannot {verb} container {container.id} which is Dead")
    if container.status is Status.REMOVING:
        raise Conflict(f"You cannot {verb} container {container.id} which is being removed")


def _diff_ids(container: Container) -> tuple[Digest, ...]:
    return tuple(map(Digest, container.diff_ids))
