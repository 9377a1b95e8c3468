"""Clean-up policies: which images may go by themselves. The plan is pure, the service acts.

    unused-for   no container was made of it or started with it for so long
    keep-last    of each repository the newest so many stay, whatever other rules say; the rest goes
    max-size     the longest unused go until all layers together take no more

An image that a container stands on never goes. When an image was last used is kept in the
database; one that was never used counts from when it was first seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from budu.base.clock import now_ns
from budu.base.errors import BuduError, InvalidArgument
from budu.base.tasks import Rounds
from budu.base.units import parse_bytes, parse_duration
from budu.engine.containers.model import Container
from budu.engine.containers.start import Running
from budu.engine.contract import ImageDeletion
from budu.engine.contract.care import CleanupRow
from budu.engine.database import Database
from budu.engine.images.repository import ImageRepository
from budu.engine.images.service import ImageService, created_ns
from budu.image.model import ImageRecord

ROUND_S = 3600.0
KEYS = ("unused-for", "keep-last", "max-size")
_DAY_NS = 86400 * 10**9
_PREFIX = "image-used:"

log = logging.getLogger(__name__)


class CleanupPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What may go; 0 leaves a rule out."""

    unused_ns: int = 0
    keep_last: int = 0
    max_bytes: int = 0

    def __bool__(self) -> bool:
        return bool(self.unused_ns or self.keep_last or self.max_bytes)


class ImageUse(msgspec.Struct, frozen=True, kw_only=True):
    """An image, when it was last used, and whether a container stands on it."""

    image: ImageRecord
    used_ns: int
    is_needed: bool


def read_policy(options: Mapping[str, str]) -> CleanupPolicy:
    """From `{"unused-for": "30d", "keep-last": "3", "max-size": "20g"}`.

    Raises: InvalidArgument.
    """
    unknown = sorted(set(options) - set(KEYS))
    if unknown:
        raise InvalidArgument(
            f"invalid clean-up rule {unknown[0]!r}: must be one of {', '.join(KEYS)}"
        )
    last = options.get("keep-last") or "0"
    if not last.isdigit():
        raise InvalidArgument(f"invalid keep-last: {last!r} is no number")
    return CleanupPolicy(
        unused_ns=_duration(options.get("unused-for") or "0"),
        keep_last=int(last),
        max_bytes=parse_bytes(options.get("max-size") or "0"),
    )


def _duration(text: str) -> int:
    if text.endswith("d") and text[:-1].isdigit():
        return int(text[:-1]) * _DAY_NS
    found = parse_duration(text)
    if found < 0:
        raise InvalidArgument(f"invalid unused-for: {text!r} is negative")
    return found


def plan_cleanup(
    uses: Sequence[ImageUse],
    policy: CleanupPolicy,
    *,
    now: int,
    layer_size: Callable[[str], int],
) -> list[tuple[ImageRecord, str]]:
    """The images that go, and the rule by which. Pure."""
    found: dict[str, tuple[ImageRecord, str]] = {}
    kept = _newest(uses, policy.keep_last)
    free = [each for each in uses if not each.is_needed and each.image.id not in kept]
    if policy.unused_ns:
        for each in free:
            if now - each.used_ns > policy.unused_ns:
                found[each.image.id] = (each.image, "unused-for")
    if policy.keep_last:
        for each in free:
            if each.image.repo_tags:
                found.setdefault(each.image.id, (each.image, "keep-last"))
    if policy.max_bytes:
        left = [each for each in uses if each.image.id not in found]
        candidates = sorted((e for e in free if e in left), key=lambda e: e.used_ns)
        while _size(left, layer_size) > policy.max_bytes and candidates:
            oldest = candidates.pop(0)
            left.remove(oldest)
            found[oldest.image.id] = (oldest.image, "max-size")
    return list(found.values())


def _newest(uses: Sequence[ImageUse], count: int) -> set[str]:
    """Ids of the newest images of each repository."""
    by_repository: dict[str, dict[str, ImageRecord]] = {}
    for each in uses:
        for name in each.image.repo_tags:
            repository = name.rpartition(":")[0]
            by_repository.setdefault(repository, {})[each.image.id] = each.image
    kept: set[str] = set()
    for images in by_repository.values():
        newest = sorted(images.values(), key=created_ns, reverse=True)
        kept |= {image.id for image in newest[:count]}
    return kept


def _size(uses: Iterable[ImageUse], layer_size: Callable[[str], int]) -> int:
    return sum(map(layer_size, {diff for each in uses for diff in each.image.diff_ids}))


class CleanupService:
    """See `engine.contract.care.Cleanup`. A `LifeObserver`: a start is a use."""

    def __init__(
        self,
        images: ImageService,
        repository: ImageRepository,
        database: Database,
        policy: CleanupPolicy,
        *,
        containers: Callable[[], Iterable[Container]],
    ) -> None:
        self._images = images
        self._repository = repository
        self._database = database
        self._policy = policy
        self._containers = containers
        self._rounds = Rounds("image clean-up", self._clean_up, pause_s=ROUND_S, waits_first=True)

    def start(self) -> None:
        """Clean up every hour, when there is a policy."""
        if self._policy:
            self._rounds.start()

    async def stop(self) -> None:
        """End after the step under way."""
        await self._rounds.stop()

    def started(self, container: Container, running: Running) -> None:
        """See `LifeObserver.started`."""
        self._note({container.image_id: now_ns()})

    def ended(self, container: Container) -> None:
        """See `LifeObserver.ended`."""
        self._note({container.image_id: now_ns()})

    def removed(self, container: Container) -> None:
        """See `LifeObserver.removed`."""
        self._note({container.image_id: now_ns()})

    async def clean(self, options: Mapping[str, str], *, preview: bool) -> list[CleanupRow]:
        """See `Cleanup.clean`."""
        policy = read_policy(options) if options else self._policy
        rows = []
        for image, rule in self._plan(policy):
            name = (image.repo_tags or (image.id,))[0]
            row = CleanupRow(id=image.id, name=name, rule=rule, size=image.size)
            if not preview:
                row = msgspec.structs.replace(row, deleted=await self._remove(image))
            rows.append(row)
        return rows

    def _plan(self, policy: CleanupPolicy) -> list[tuple[ImageRecord, str]]:
        images = tuple(self._repository.all())
        used = self._uses()
        self._note({each.id: now_ns() for each in images if each.id not in used})
        self._forget(set(used) - {each.id for each in images})
        needed = {each.image_id for each in self._containers()}
        uses = [
            ImageUse(image=each, used_ns=used.get(each.id, now_ns()), is_needed=each.id in needed)
            for each in images
        ]
        return plan_cleanup(uses, policy, now=now_ns(), layer_size=self._images.unpacked_size)

    async def _remove(self, image: ImageRecord) -> bool:
        """Whether it went; a container may have been made of it meanwhile."""
        try:
            deletions: list[ImageDeletion] = await self._images.remove(
                image.id, force=True, prune=True
            )
        except BuduError as error:
            log.info("image stays id=%s: %s", image.short_id, error)
            return False
        return any(each.deleted for each in deletions)

    def _uses(self) -> dict[str, int]:
        rows = self._database.execute(
            "SELECT key, value FROM settings WHERE key >= ? AND key < ?", (_PREFIX, _PREFIX + "~")
        )
        return {key.removeprefix(_PREFIX): int(value) for key, value in rows}

    def _note(self, moments: Mapping[str, int]) -> None:
        for id_, moment in moments.items():
            self._database.execute(
                "INSERT INTO settings (key, value) VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (_PREFIX + id_, str(moment)),
            )

    def _forget(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self._database.execute("DELETE FROM settings WHERE key = ?", (_PREFIX + id_,))

    async def _clean_up(self) -> None:
        for row in await self.clean({}, preview=False):
            log.info("image went by %s: %s", row.rule, row.name)
