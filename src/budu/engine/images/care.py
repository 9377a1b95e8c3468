"""Looking after what is stored: garbage collection by marks and leases, and repair.

Marked is what records name: blobs of images, layers of images and of containers. What is being
brought is protected by leases and claims (pulls, loads, commits) and by its age: a blob is garbage
only after an hour in which nobody named it. A layer that lacks or is broken is built again from its
blob, a damaged blob is thrown away and packed again where the bytes come out the same; the rest is
a matter of pulling again, which the report tells.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from budu.base.errors import BuduError, NotFound
from budu.base.tasks import Rounds
from budu.content.disk import DiskContent
from budu.content.leases import Leases
from budu.engine.containers.model import Container
from budu.engine.contract.care import StorageReport
from budu.engine.images.receiving import Received
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import blobs_of
from budu.engine.streams import ThreadResult
from budu.image.model import ImageRecord
from budu.snapshot.blobs import Blobs, read_pieces
from budu.spec.digest import Digest
from budu.spec.image import Descriptor

GRACE_S = 3600.0
"""How long a blob or layer may be in nobody's use before it is garbage."""
PARTIAL_S = 7 * 86400.0
"""How long what an interrupted pull left is kept for the next one."""
ROUND_S = 3600.0

log = logging.getLogger(__name__)


class StorageCareService:
    """See `engine.contract.care.StorageCare`. `start` collects garbage every hour."""

    def __init__(
        self,
        repository: ImageRepository,
        content: DiskContent,
        blobs: Blobs,
        leases: Leases,
        *,
        containers: Callable[[], Iterable[Container]],
        claimed: Callable[[], Iterable[Digest]],
        layers_root: Path,
        grace_s: float = GRACE_S,
    ) -> None:
        self._repository = repository
        self._content = content
        self._blobs = blobs
        self._leases = leases
        self._containers = containers
        self._claimed = claimed
        self._layers_root = layers_root
        self._grace_s = grace_s
        self._rounds = Rounds("garbage collection", self._care, pause_s=ROUND_S, waits_first=True)

    def start(self) -> None:
        """Collect garbage now and then."""
        self._rounds.start()

    async def stop(self) -> None:
        """End after the step under way."""
        await self._rounds.stop()

    async def _care(self) -> None:
        found = await self.examine(deep=False, repair=True)
        if found.freed_bytes:
            log.info("garbage collection freed bytes=%d", found.freed_bytes)

    async def examine(self, *, deep: bool, repair: bool) -> StorageReport:
        """See `StorageCare.examine`."""
        images = tuple(self._repository.all())
        stood_on = {Digest(each) for one in self._containers() for each in one.diff_ids}
        work = ThreadResult("storage", lambda: self._look(images, stood_on, deep=deep))
        report = await work.wait()
        if not repair:
            return report
        return await self._repair(report, images)

    def _look(
        self, images: tuple[ImageRecord, ...], stood_on: set[Digest], *, deep: bool
    ) -> StorageReport:
        """In a thread."""
        named = {Digest(each): one for one in images for each in blobs_of(one)}
        layers = {Digest(each) for one in images for each in one.diff_ids} | stood_on
        here, layers_here = set(self._content.list()), set(self._blobs.layers.list())
        orphans = sorted(each for each in here - named.keys() if self._is_old(each))
        claimed = set(self._claimed())
        loose = sorted(each for each in layers_here - layers - claimed if self._layer_is_old(each))
        missing = sorted(each for each in named.keys() - here if not self._blobs.has(each))
        lacking = sorted(layers - layers_here)
        broken = [each for each in sorted(here & named.keys()) if deep and self._is_broken(each)]
        broken_layers = [
            each for each in sorted(layers_here & layers) if deep and self._layer_is_broken(each)
        ]
        bad = {*missing, *lacking, *broken, *broken_layers}
        return StorageReport(
            blobs=len(here),
            layers=len(layers_here),
            orphan_blobs=tuple(map(str, orphans)),
            orphan_layers=tuple(map(str, loose)),
            orphan_bytes=sum(map(self._size, orphans)) + sum(map(self._layer_size, loose)),
            missing_blobs=tuple(map(str, missing)),
            missing_layers=tuple(map(str, lacking)),
            broken_blobs=tuple(map(str, broken)),
            broken_layers=tuple(map(str, broken_layers)),
            images=tuple(_name(one) for one in images if bad & _parts(one)),
        )

    async def _repair(
        self, report: StorageReport, images: tuple[ImageRecord, ...]
    ) -> StorageReport:
        """Free what is nobody's; build again what can be. What was found stays in the report."""
        freed = await ThreadResult("collect", lambda: self._collect(report)).wait()
        work = ThreadResult("rebuild", lambda: self._rebuild(report, images))
        return msgspec.structs.replace(report, freed_bytes=freed, repaired=await work.wait())

    def _collect(self, report: StorageReport) -> int:
        """In a thread. Asks for marks and leases again: both may have come meanwhile."""
        view = _Chosen(self._content, report.orphan_blobs)
        _, freed = self._leases.collect(view, self._named)
        kept = {each for one in self._repository.all() for each in one.diff_ids}
        kept |= {each for one in self._containers() for each in one.diff_ids}
        kept |= set(map(str, self._claimed()))
        for diff_id in map(Digest, set(report.orphan_layers) - kept):
            with suppress(NotFound):
                size = self._blobs.layers.size(diff_id)
                self._blobs.layers.remove(diff_id)
                freed += size
        self._content.discard_partial(older_than_s=PARTIAL_S)
        return freed

    def _named(self) -> Iterable[Digest]:
        return {Digest(each) for one in self._repository.all() for each in blobs_of(one)}

    def _rebuild(self, report: StorageReport, images: tuple[ImageRecord, ...]) -> tuple[str, ...]:
        """In a thread: layers from their blobs. A broken layer goes first, unless it is in use."""
        done: list[str] = []
        for text in report.broken_blobs:
            with suppress(NotFound):  # a pull brings it again; a wrong one helps nobody
                self._content.delete(Digest(text))
        used = {each for one in self._containers() if one.is_running for each in one.diff_ids}
        wanted = [*report.missing_layers, *(e for e in report.broken_layers if e not in used)]
        for text in wanted:
            source = _source(text, images)
            if source is None or not self._content.has(Digest(source.digest)):
                continue
            with suppress(BuduError):
                if self._blobs.layers.has(Digest(text)):
                    self._blobs.layers.remove(Digest(text))
                received = Received(self._blobs, lambda *_: None)
                received.unpack(Digest(source.digest), Digest(text), media_type=source.media_type)
                done.append(text)
        return tuple(done)

    def _is_old(self, digest: Digest) -> bool:
        with suppress(FileNotFoundError):
            return self._age_s(self._content.path(digest)) >= self._grace_s
        return False

    def _layer_is_old(self, diff_id: Digest) -> bool:
        with suppress(FileNotFoundError):
            return self._age_s(self._layers_root / "sha256" / diff_id.hex) >= self._grace_s
        return False

    def _age_s(self, path: Path) -> float:
        return time.time() - path.stat().st_mtime

    def _size(self, digest: Digest) -> int:
        with suppress(NotFound):
            return self._content.size(digest)
        return 0

    def _layer_size(self, diff_id: Digest) -> int:
        with suppress(NotFound):
            return self._blobs.layers.size(diff_id)
        return 0

    def _is_broken(self, digest: Digest) -> bool:
        with suppress(NotFound):
            return _hash(self._content.open_fd(digest)) != digest
        return False

    def _layer_is_broken(self, diff_id: Digest) -> bool:
        with suppress(NotFound):
            return _hash(self._blobs.layers.open_tar(diff_id)) != diff_id
        return False


class _Chosen:
    """A content store that lists only some of its blobs: those that were found to be garbage."""

    def __init__(self, content: DiskContent, chosen: Iterable[str]) -> None:
        self._content = content
        self._chosen = [Digest(each) for each in chosen]

    def list(self) -> Iterable[Digest]:
        """The chosen ones."""
        return iter(self._chosen)

    def size(self, digest: Digest) -> int:
        """See `ContentStore.size`."""
        return self._content.size(digest)

    def delete(self, digest: Digest) -> None:
        """See `ContentStore.delete`."""
        self._content.delete(digest)


def _hash(fd: int) -> str:
    hashed = hashlib.sha256()
    for piece in read_pieces(fd):
        hashed.update(piece)
    return f"sha256:{hashed.hexdigest()}"


def _parts(image: ImageRecord) -> set[Digest]:
    return {Digest(each) for each in (*blobs_of(image), *image.diff_ids)}


def _name(image: ImageRecord) -> str:
    return (image.repo_tags or image.repo_digests or (image.id,))[0]


def _source(diff_id: str, images: Iterable[ImageRecord]) -> Descriptor | None:
    for image in images:
        if diff_id in image.diff_ids and len(image.layers) == len(image.diff_ids):
            return image.layers[image.diff_ids.index(diff_id)]
    return None
