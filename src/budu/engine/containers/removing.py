"""Takes containers away: one, those that `--rm` asked for, or all that are stopped."""

from __future__ import annotations

import shutil
from contextlib import suppress

from budu.base import faults
from budu.base.clock import now_ns, parse_time_argument
from budu.base.errors import BuduError, NotFound
from budu.base.filters import Filters
from budu.engine.containers.lifecycle import Event, can
from budu.engine.containers.links import forget_linked
from budu.engine.containers.lives import Lives
from budu.engine.containers.model import Container, MountKind
from budu.engine.containers.stdio import Stdio
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import ImageStorage
from budu.engine.paths import ContainerPaths, EnginePaths
from budu.engine.volumes import VolumeService
from budu.snapshot.container import ContainerSnapshots

_PRUNE_KEYS = frozenset(["label", "label!", "until"])


class Remover:
    """Removes records and everything that belongs to them."""

    def __init__(
        self,
        lives: Lives,
        snapshots: ContainerSnapshots,
        images: ImageRepository,
        image_storage: ImageStorage,
        volumes: VolumeService,
        stdio: Stdio,
        paths: EnginePaths,
    ) -> None:
        self._lives = lives
        self._snapshots = snapshots
        self._images = images
        self._image_storage = image_storage
        self._volumes = volumes
        self._stdio = stdio
        self._paths = paths

    async def remove_ended(self, container: Container) -> None:
        """Take away what `--rm` was for; the caller holds the lock."""
        await self.remove(container, volumes=True)

    async def remove(self, container: Container, *, volumes: bool) -> None:
        """Take everything of a stopped container away; the caller holds the lock.

        The record goes last, so that an engine that is killed before leaves it to the next one.
        Raises: Conflict when its status forbids it; BuduError or OSError, and then it is
        dead.
        """
        removing = self._lives.advance(container, Event.REMOVE, removes_volumes=volumes)
        faults.at("remove.begun")
        try:
            self._delete_files(container.id, self._paths.container(container.id))
            if volumes:
                await self._discard_volumes(container)
            self._release_layers(container)
        except (BuduError, OSError) as error:
            self._lives.advance(removing, Event.REMOVE_FAILED, error=str(error))
            raise
        faults.at("remove.layers-released")
        with self._lives.database.transaction():
            forget_linked(container, self._lives.repository)
            self._lives.repository.remove(container)
            self._lives.emit(container, "destroy")
        faults.at("remove.record-removed")
        self._stdio.removed(container.id)
        for observer in self._lives.observers:
            observer.removed(container)
        self._lives.waits.removed(container)

    def _delete_files(self, id_: str, paths: ContainerPaths) -> None:
        with suppress(NotFound):
            self._snapshots.remove(id_)
        faults.at("remove.snapshot-removed")
        shutil.rmtree(paths.exec_root, ignore_errors=True)
        with suppress(FileNotFoundError):
            shutil.rmtree(paths.root)
        faults.at("remove.files-removed")

    def _release_layers(self, container: Container) -> None:
        self._image_storage.free(container.all_layers, besides=container.id)

    def _others(self, container: Container) -> list[Container]:
        return [each for each in self._lives.repository.all() if each.id != container.id]

    async def _discard_volumes(self, container: Container) -> None:
        used = {mount.name for each in self._others(container) for mount in each.mounts}
        for mount in container.mounts:
            if mount.kind is MountKind.VOLUME and mount.anonymous and mount.name not in used:
                await self._volumes.discard(mount.name)
                faults.at("remove.volume-discarded")

    async def prune(self, filters: Filters) -> tuple[list[str], int]:
        """Remove stopped containers; their ids and the bytes that became free."""
        filters.check_keys(_PRUNE_KEYS)
        limits = [parse_time_argument(each, now_ns=now_ns()) for each in filters.get("until")]
        removed, freed = [], 0
        for container in self._lives.repository.all():
            if not _is_pruned(container, filters, limits):
                continue
            async with self._lives.holding(container.id):
                if container.id not in self._lives.repository:
                    continue
                container = self._lives.repository.get(container.id)
                if not can(container, Event.REMOVE):
                    continue
                size = self._snapshots.usage(container.id)
                await self.remove(container, volumes=False)
            removed.append(container.id)
            freed += size
        self._lives.tell("container", "prune", reclaimed=str(freed))
        return removed, freed


def _is_pruned(container: Container, filters: Filters, limits: list[int]) -> bool:
    """Whether a container may go and passes the filters; `limits` are times in ns."""
    return (
        can(container, Event.REMOVE)
        and all(container.created_ns < limit for limit in limits)
        and filters.matches_prune_labels(container.config.labels)
    )
