"""The build cache: what it takes, and what goes from it.

Source: Engine API 1.51 BuildPrune, BuildCache; buildkit 0.23 cache/manager.go (filters).
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from budu.archive.usage import tree_size
from budu.base.clock import format_time, now_ns, parse_time_argument
from budu.base.filters import Filters
from budu.engine.builds.cache import StepCache
from budu.engine.builds.records import StepRecord, StepRecords
from budu.engine.builds.run_mounts import RunMounts
from budu.engine.containers.model import Container
from budu.engine.contract.builds import CachePruneOptions, PrunedCache
from budu.engine.events import EventLog
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import ImageStorage
from budu.image.model import ImageRecord
from budu.spec.api.build import BuildCache
from budu.spec.digest import Digest

_FOLDER, _STEP = "exec.cachemount", "regular"
_FILTERS = frozenset(
    (
        *("description", "id", "inuse", "label", "label!", "parent", "parents"),
        *("private", "shared", "type", "until", "unused-for"),
    )
)


class CachePruner:
    """Looks at records and takes them away."""

    def __init__(
        self,
        records: StepRecords,
        cache: StepCache,
        mounts: RunMounts,
        images: ImageRepository,
        storage: ImageStorage,
        events: EventLog,
        *,
        containers: Callable[[], Iterable[Container]],
        data_root: Path,
        budget: int,
    ) -> None:
        """`budget`: bytes that the cache may take, 0 for no limit."""
        self._records = records
        self._cache = cache
        self._mounts = mounts
        self._images = images
        self._storage = storage
        self._events = events
        self._containers = containers
        self._data_root = data_root
        self._budget = budget

    # Looking

    def rows(self) -> tuple[BuildCache, ...]:
        """Every record, most recently used first. Walks the folders of cache mounts."""
        kept = self._needed_layers()
        users = {each.image_id for each in self._containers()}
        rows = [self._row(each, kept, users) for each in self._records.all()]
        return tuple(sorted(rows, key=lambda row: row.last_used_at or "", reverse=True))

    def _needed_layers(self) -> set[str]:
        """Layers that stay without the cache: of images, and of containers."""
        kept = {diff_id for image in self._images.all() for diff_id in image.diff_ids}
        for container in self._containers():
            kept.update(container.all_layers)
        return kept

    def _row(self, record: StepRecord, kept: set[str], users: set[str]) -> BuildCache:
        own = record.layers
        size = self._folder_size(record) if record.is_folder else sum(
            map(self._storage.unpacked_size, own)
        )  # fmt: skip
        image = self._image(record)
        is_shared = not record.is_folder and (
            bool(set(own) & kept) or (image is not None and not image.is_step)
        )
        return BuildCache(
            id=record.key[:25],
            parents=[record.parent[:25]] if record.parent else None,
            type=_FOLDER if record.is_folder else _STEP,
            description=record.description,
            in_use=self._is_used(record, users),
            shared=is_shared,
            size=size,
            created_at=format_time(record.created_ns),
            last_used_at=format_time(record.last_used_ns) if record.last_used_ns else None,
            usage_count=record.usage_count,
        )

    def _is_used(self, record: StepRecord, users: set[str]) -> bool:
        if record.is_folder:
            return self._mounts.is_busy(record.key)
        return self._cache.is_used(record.key) or record.image_id in users

    def _image(self, record: StepRecord) -> ImageRecord | None:
        return self._images.by_id(Digest(record.image_id)) if record.image_id else None

    def _folder_size(self, record: StepRecord) -> int:
        place = self._mounts.place(record.key)
        return tree_size(place) if place.exists() else 0

    # Taking away

    async def prune(self, options: CachePruneOptions) -> PrunedCache:
        """See `Builds.prune`."""
        options.filters.check_keys(_FILTERS)
        everyone = await asyncio.to_thread(self.rows)
        used = sum(each.size for each in everyone if not each.shared)
        rows = [each for each in everyone if not each.in_use and _matches(each, options.filters)]
        if not options.everything:
            rows = [each for each in rows if not each.shared]
        gone = self._chosen(rows, options, used)
        pruned = await self._remove(gone)
        self._events.emit("builder", "prune", "", reclaimed=str(pruned.freed))
        return pruned

    def _chosen(
        self, rows: Sequence[BuildCache], options: CachePruneOptions, used: int
    ) -> list[BuildCache]:
        """Least recently used first, until the limits hold."""
        oldest = sorted(rows, key=lambda row: row.last_used_at or "")
        if not (options.reserved_space or options.max_used_space or options.min_free_space):
            return oldest
        stats = os.statvfs(self._data_root)
        free = stats.f_bavail * stats.f_frsize
        chosen = []
        for each in oldest:
            is_below = used <= options.reserved_space
            fits = not options.max_used_space or used <= options.max_used_space
            is_free = not options.min_free_space or free >= options.min_free_space
            has_goal = options.max_used_space or options.min_free_space
            if is_below or (has_goal and fits and is_free):
                break
            chosen.append(each)
            used -= 0 if each.shared else each.size
            free += 0 if each.shared else each.size
        return chosen

    async def _remove(self, rows: Sequence[BuildCache]) -> PrunedCache:
        wanted = {row.id for row in rows}
        records = [each for each in self._records.all() if each.key[:25] in wanted]
        folders = [each for each in records if each.is_folder]
        freed = sum(row.size for row in rows if row.type == _FOLDER)
        before = self._storage.usage()
        self._records.remove(each.key for each in records)
        for each in folders:
            place = self._mounts.place(each.key)
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        await self._drop_images({each.image_id for each in records} - {""})
        freed += max(before - self._storage.usage(), 0)
        return PrunedCache(ids=tuple(sorted(wanted)), freed=freed)

    async def _drop_images(self, ids: set[str]) -> None:
        """Images of steps that no record has any more, unless something stands on them."""
        left = Counter(each.image_id for each in self._records.all())
        users = {each.image_id for each in self._containers()}
        for id_ in ids:
            image = self._images.by_id(Digest(id_))
            if image is None or not image.is_step or left[id_] or id_ in users:
                continue
            self._images.remove(id_)
            await self._storage.release(image)

    async def keep_budget(self) -> None:
        """Let the oldest go when the cache has outgrown its budget."""
        budget = self._budget
        if not budget:
            return
        rows = await asyncio.to_thread(self.rows)
        used = sum(each.size for each in rows if not each.shared)
        if used <= budget:
            return
        options = CachePruneOptions(max_used_space=budget, filters=Filters())
        idle = [each for each in rows if not each.in_use and not each.shared]
        await self._remove(self._chosen(idle, options, used))


def _matches(row: BuildCache, filters: Filters) -> bool:
    """Whether a record is one of those asked for; it has no labels. Raises: InvalidArgument."""
    if not filters.matches_prune_labels(None):
        return False
    for name, value in (
        ("id", row.id),
        ("parent", (row.parents or [""])[0]),
        ("parents", (row.parents or [""])[0]),
        ("type", row.type),
        ("description", row.description),
    ):
        wanted = filters.get(name)
        if wanted and value not in wanted:
            return False
    for name, is_so in (("inuse", row.in_use), ("shared", row.shared), ("private", not row.shared)):
        if name in filters and not is_so:
            return False
    for text in (*filters.get("until"), *filters.get("unused-for")):
        last = row.last_used_at or row.created_at
        if last > format_time(parse_time_argument(text, now_ns=now_ns())):
            return False
    return True
