"""Looking after what is stored: garbage collection by marks and leases, and repair.

Marked is what records name: blobs of images, layers of images and of containers. What is being
brought is protected by leases (pulls, loads, commits) and by its age: a blob is garbage
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
from itertools import product
from pathlib import Path

import msgspec

from budu.archive.compression import decompress
from budu.base.errors import BuduError, Hint, NotFound, ResourceExhausted
from budu.base.tasks import Rounds
from budu.content.disk import DiskContent
from budu.engine.containers.model import Container
from budu.engine.contract.care import StorageReport
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import ImageStorage, blobs_of
from budu.engine.streams import ThreadResult
from budu.image.model import ImageRecord
from budu.snapshot.blobs import read_pieces
from budu.snapshot.packing import Packing, pack_layer
from budu.spec.digest import Digest

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
        storage: ImageStorage,
        content: DiskContent,
        *,
        containers: Callable[[], Iterable[Container]],
        layers_root: Path,
        grace_s: float = GRACE_S,
    ) -> None:
        self._repository = repository
        self._storage = storage
        self._content = content
        self._blobs = storage.blobs
        self._containers = containers
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
        images = tuple(self._repository.everything())
        stood_on = {Digest(each) for one in self._containers() for each in one.all_layers}
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
        claimed = self._storage.leases.protected()
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
        """Free what is nobody's; build again what can be. What was found stays in the report, but
        for the images that lack nothing any more."""
        freed = await ThreadResult("collect", lambda: self._collect(report)).wait()
        work = ThreadResult("rebuild", lambda: self._rebuild(report, images))
        report = msgspec.structs.replace(report, freed_bytes=freed, repaired=await work.wait())
        left = tuple(_name(one) for one in images if report.bad & _parts(one))
        return msgspec.structs.replace(report, images=left)

    def _collect(self, report: StorageReport) -> int:
        """In a thread. Records and leases are asked again: both may have come meanwhile."""
        orphans = [Digest(each) for each in (*report.orphan_blobs, *report.orphan_layers)]
        sizes = {each: self._size(each) + self._layer_size(each) for each in orphans}
        freed = sum(sizes[each] for each in self._storage.free(orphans))
        self._content.discard_partial(older_than_s=PARTIAL_S)
        return freed

    def _rebuild(self, report: StorageReport, images: tuple[ImageRecord, ...]) -> tuple[str, ...]:
        """In a thread: layers from their tars or blobs, blobs from their layers. A broken layer
        stays until the new one is there; what runs on it keeps it."""
        done: list[str] = []
        for text in report.broken_blobs:
            with suppress(NotFound):  # a pull brings it again; a wrong one helps nobody
                self._content.delete(Digest(text))
        for diff_id in map(Digest, (*report.missing_layers, *report.broken_layers)):
            with suppress(BuduError):
                if self._rebuild_layer(diff_id, images):
                    done.append(str(diff_id))
        for digest in map(Digest, (*report.missing_blobs, *report.broken_blobs)):
            with suppress(BuduError):
                if self._pack_again(digest, images):
                    done.append(str(digest))
        return tuple(done)

    def _rebuild_layer(self, diff_id: Digest, images: Iterable[ImageRecord]) -> bool:
        """From the layer's own tar if that is right, else from a blob that holds it.

        Raises: what unpacking raises.
        """
        layers = self._blobs.layers
        with suppress(BuduError):
            writer = layers.begin(diff_id, replaces=True)
            try:
                for piece in read_pieces(layers.open_tar(diff_id)):
                    writer.write(piece)
                writer.commit()
            finally:
                writer.abort()
            return True
        for source in (each for image in images for each in image.packed_layer(diff_id)):
            if not self._content.has(Digest(source.digest)):
                continue
            writer = layers.begin(diff_id, replaces=True)
            try:
                packed = self._blobs.pieces(Digest(source.digest))
                for piece in decompress(packed, media_type=source.media_type):
                    writer.write(piece)
                writer.commit()
            finally:
                writer.abort()
            return True
        return False

    def _pack_again(self, digest: Digest, images: Iterable[ImageRecord]) -> bool:
        """Whether packing the layer gives the very blob: so it is for images that were made here.

        Raises: what packing raises.
        """
        diff_ids = {
            diff_id
            for image in images
            for diff_id in image.diff_ids
            if any(each.digest == digest for each in image.packed_layer(diff_id))
        }
        layers = self._blobs.layers
        for diff_id, packing in product(map(Digest, diff_ids), Packing):
            if not layers.has(diff_id):
                continue
            with self._storage.leases.hold() as lease:
                packed = pack_layer(
                    diff_id,
                    layers,
                    self._content,
                    folder=self._layers_root,
                    lease=lease,
                    packing=packing,
                )
                if packed.digest == digest:
                    return True
                self._storage.free([packed.digest], lease=lease)
        return False

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
        try:
            return not self._blobs.layers.check(diff_id)
        except NotFound:
            return False
        except ResourceExhausted as error:
            error.hint = Hint("engine.check-room")
            raise


def _hash(fd: int) -> str:
    hashed = hashlib.sha256()
    for piece in read_pieces(fd):
        hashed.update(piece)
    return f"sha256:{hashed.hexdigest()}"


def _parts(image: ImageRecord) -> set[Digest]:
    return {Digest(each) for each in (*blobs_of(image), *image.diff_ids)}


def _name(image: ImageRecord) -> str:
    return (image.repo_tags or image.repo_digests or (image.id,))[0]
