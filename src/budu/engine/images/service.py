"""Images: list, pull, tag, remove, prune.

Neighbours: `repository` keeps records and names, `removal` decides what may go, `distribution`
fetches, `storage` frees blobs and layers that nothing needs any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from budu.base.clock import now_ns, parse_time, parse_time_argument
from budu.base.errors import BuduError, Conflict, DataLoss, InvalidArgument, NotFound
from budu.base.filters import Filters
from budu.content.leases import Lease
from budu.distribution.auth import decode_registry_auth
from budu.distribution.progress import ProgressSink, PullEvent
from budu.distribution.pull import PulledImage, Puller
from budu.engine.containers.model import Container
from budu.engine.contract import ContainerList, Deletions, ImageDeletion, ImageList, Texts
from budu.engine.events import EventLog
from budu.engine.images.making import ImageMaker
from budu.engine.images.platforms import mismatch, of_platform, siblings
from budu.engine.images.removal import plan_removal
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import ImageStorage
from budu.engine.images.tree import ImageTree, image_tree
from budu.image.history import HistoryRow, history_rows
from budu.image.model import ImageRecord
from budu.spec.digest import Digest
from budu.spec.image import ImageConfig
from budu.spec.platform import Platform, platform_rank
from budu.spec.reference import Reference, parse_reference

_FILTER_KEYS = frozenset(["before", "dangling", "label", "reference", "since", "until"])
_PRUNE_KEYS = frozenset(["dangling", "label", "label!", "until"])


class ImageService:
    """Everything that happens to images. See `engine.contract.Images`."""

    def __init__(
        self,
        repository: ImageRepository,
        storage: ImageStorage,
        puller: Puller,
        maker: ImageMaker,
        events: EventLog,
        *,
        containers: Callable[[], Iterable[Container]],
        is_step: Callable[[str], bool],
    ) -> None:
        """`is_step` says whether the image of an id is kept by the build cache."""
        self._is_step = is_step
        self._maker = maker
        self._repository = repository
        self._storage = storage
        self._puller = puller
        self._events = events
        self._containers = containers

    def get(self, ref: str) -> ImageRecord:
        """The image that `ref` means. Raises: NotFound, InvalidArgument."""
        return self._repository.get(ref)

    def of_platform(self, ref: str, platform: Platform | None) -> ImageRecord:
        """See `Images.of_platform`."""
        return of_platform(self.get(ref), self._repository.all(), platform, name=ref)

    def holding(self, layers: Iterable[str]) -> Lease:
        """Keeps layers of images from going while a container is made of them; a context
        manager."""
        return self._storage.leases.hold(map(Digest, layers))

    def split(self, image: ImageRecord) -> ImageList:
        """See `Images.split`."""
        return self._repository.split(image)

    def tree(self, image: ImageRecord) -> ImageTree:
        """See `Images.tree`."""
        return image_tree(image, self._storage.blobs)

    def unpacked_size(self, diff_id: str) -> int:
        """See `Images.unpacked_size`."""
        return self._storage.unpacked_size(diff_id)

    def users_by_id(self, image_id: str) -> Texts:
        """See `Images.users_by_id`."""
        return [each.id for each in self._containers() if _stands_on(each, image_id)]

    def config(self, image: ImageRecord) -> ImageConfig:
        """The image's config document."""
        return self._storage.config(image)

    def labels(self, image: ImageRecord) -> dict[str, str] | None:
        """See `Images.labels`."""
        if image.labels is not msgspec.UNSET:
            return image.labels
        try:
            return self.config(image).labels
        except (NotFound, DataLoss):
            return None

    def history(self, image: ImageRecord) -> tuple[HistoryRow, ...]:
        """The steps of its making, newest first."""
        sizes = list(map(self._storage.unpacked_size, image.diff_ids))
        return history_rows(image, self.config(image), layer_sizes=sizes)

    def users(self, image: ImageRecord) -> ContainerList:
        """The containers made from the image."""
        return [each for each in self._containers() if _stands_on(each, image.id)]

    def user_counts(self) -> Counter[str]:
        """See `Images.user_counts`."""
        return Counter(
            id_
            for each in self._containers()
            for id_ in {each.image_id, *(mount.image_id for mount in each.mounts)} - {""}
        )

    async def pull(
        self,
        reference: str,
        *,
        platform: Platform | None,
        registry_auth: str,
        progress: ProgressSink,
    ) -> None:
        """Fetch an image and give it its names; all tags where neither tag nor digest is given.

        Docker's progress goes to `progress`.
        """
        name = parse_reference(reference)
        credentials = decode_registry_auth(registry_auth)
        wanted = [name]
        if not name.tag and not name.digest:
            wanted = [name.with_tag(tag) for tag in await self._puller.tags(name, credentials)]
        for each in wanted:
            pulled = await self._puller.pull(
                each,
                platform=platform,
                credentials=credentials,
                progress=progress,
                record=self._record,
            )
            offered = pulled.config.platform
            if platform and not pulled.artifact_type and not platform_rank(platform, offered):
                text = mismatch(str(each.with_default_tag()), offered, platform)
                progress(PullEvent(status=f"WARNING: {text}"))  # taken all the same, as by Docker
            attributes = (pulled.config.labels or {}) | {"name": each.familiar_name}
            self._events.emit("image", "pull", each.familiar, **attributes)

    async def _record(self, pulled: PulledImage) -> bool:
        """Store what a pull brought; whether the name is new or means another image now."""
        name, target = pulled.reference, Digest(pulled.descriptor.digest)
        known = self._repository.by_name(str(name))
        names = [name.with_digest(target)]
        if name.tag:
            names.append(name.with_tag(name.tag))
        self._repository.put(
            ImageRecord(
                id=str(pulled.id),
                manifest_digest=str(pulled.manifest_digest),
                index_digest=str(target) if target != pulled.manifest_digest else "",
                size=_size(pulled, self._storage.layer_size),
                artifact_type=pulled.artifact_type,
                created=pulled.config.created,
                labels=pulled.config.labels,
                platform=pulled.config.platform,
                diff_ids=tuple(map(str, pulled.diff_ids)),
                layers=pulled.manifest.layers,
                extras=_extras(pulled),
            ),
            names,
        )
        return known is None or (known.id, known.form.target) != (pulled.id, target)

    def list(self, *, everything: bool, filters: Filters) -> ImageList:
        """Images, newest first. Raises: InvalidArgument for an unknown filter."""
        filters.check_keys(_FILTER_KEYS)
        known = self._repository.everything() if everything else self._repository.all()
        images = sorted(known, key=created_ns, reverse=True)
        if not everything:
            named = _named_indexes(images)
            images = [each for each in images if _stands_alone(each, named)]
        dangling = filters.boolean("dangling", default=True)
        if "dangling" in filters:
            images = [each for each in images if each.is_dangling == dangling]
        for ref in filters.get("before"):
            mark = created_ns(self.get(ref))
            images = [each for each in images if created_ns(each) < mark]
        for ref in filters.get("since"):
            mark = created_ns(self.get(ref))
            images = [each for each in images if created_ns(each) > mark]
        for text in filters.get("until"):
            limit = parse_time_argument(text, now_ns=now_ns())
            images = [each for each in images if created_ns(each) < limit]
        if filters.get("label"):
            images = [
                each for each in images if filters.matches_labels("label", self._labels_of(each))
            ]
        if filters.get("reference"):
            patterns = filters.get("reference")
            images = [each for each in map(lambda i: _only_named(i, patterns), images) if each]
        return images

    def _labels_of(self, image: ImageRecord) -> dict[str, str]:
        return self.labels(image) or {}

    def _tell(self, image: ImageRecord, action: str, name: str) -> None:
        """An event with the image's labels, as Docker's have them."""
        attributes = {**self._labels_of(image), "name": name}
        self._events.emit("image", action, image.id, **attributes)

    async def tag(self, ref: str, *, repository: str, tag: str) -> None:
        """Give an image another name. Raises: NotFound, InvalidArgument."""
        image = self.get(ref)
        name = parse_reference(f"{repository}:{tag}" if tag else repository)
        if name.digest:
            raise InvalidArgument("refusing to create a tag with a digest reference")
        name = name.with_default_tag()
        image = await self._maker.complete(image)
        self._repository.put(image, [name])
        self._tell(image, "tag", name.familiar)

    async def remove(
        self, ref: str, *, force: bool, prune: bool, platforms: Sequence[Platform] = ()
    ) -> Deletions:
        """Take a name away, and the image with its last one; or only some of its platforms.

        Raises: NotFound; Conflict with Docker's sentence while containers need it.
        """
        if platforms:
            return await self._remove_platforms(ref, platforms, force=force)
        image = self.get(ref)
        reference = self._named(ref, image)
        plan = plan_removal(
            image,
            ref,
            by_id=reference is None,
            reference=reference,
            names=self._repository.names(image.id),
            users=self.users(image),
            force=force,
        )
        deletions = self._untag(image, plan.untag)
        if not plan.delete:
            if reference is not None and not reference.digest:
                orphaned = self._repository.orphaned_digests(image, reference.name)
                deletions += self._untag(image, orphaned)
            await self._storage.release_forms(image)
        else:
            others = siblings(image, self._repository.all())[1:]
            deletions += await self._delete(image)
            for each in others:
                deletions += await self._delete_platform(each)
        return deletions

    async def _remove_platforms(
        self, ref: str, platforms: Sequence[Platform], *, force: bool
    ) -> Deletions:
        """Delete some platforms of an image; its names stay with what is left."""
        deletions: Deletions = []
        for platform in platforms:
            image = self.of_platform(ref, platform)
            left = [each for each in siblings(image, self._repository.all()) if each is not image]
            users = self.users(image)
            if users and not force:
                raise Conflict(
                    f"conflict: unable to delete {image.short_id} (must be forced) - image is "
                    f"being used by container {users[0].short_id}"
                )
            names = self._repository.names_of_form(image)
            if left:
                self._repository.put(left[0], names)
            else:
                deletions += self._untag(image, names)
            if self._repository.drop_form(image):  # another index has it, too
                await self._storage.release_forms(image)
            else:
                deletions += await self._delete(image)
        return deletions

    async def _delete_platform(self, image: ImageRecord) -> Deletions:
        """Delete a further platform of an index whose last name went, unless it is more than
        that."""
        is_gone = self._repository.by_id(image.digest) is None
        if is_gone or image.repo_tags or image.repo_digests or self.users(image):
            return []
        if not self._repository.drop_form(image):
            return await self._delete(image)
        await self._storage.release_forms(image)
        return []

    def _named(self, ref: str, image: ImageRecord) -> Reference | None:
        """The name that `ref` is, None when it is an id or the beginning of one."""
        try:
            reference = parse_reference(ref).with_default_tag()
        except InvalidArgument:
            return None
        return reference if reference in self._repository.names(image.id) else None

    def _untag(self, image: ImageRecord, names: Sequence[Reference]) -> Deletions:
        for name in names:
            self._repository.remove_name(name)
            self._tell(image, "untag", name.familiar)
        return [ImageDeletion(untagged=name.familiar) for name in names]

    async def _delete(self, image: ImageRecord) -> Deletions:
        """Forget an image and free what only it needed; nothing when another call was first."""
        if self._repository.by_id(image.digest) is None:
            return []
        self._repository.remove(image.id)
        if self._is_step(image.id) and not image.is_step:  # the build cache still wants it
            self._repository.put(image.as_step(), ())
        self._events.emit("image", "delete", image.id, name=image.id)
        layers = await self._storage.release(image)
        return [ImageDeletion(deleted=image.id)] + [ImageDeletion(deleted=each) for each in layers]

    async def prune(self, filters: Filters) -> tuple[Deletions, int]:
        """Delete images without containers: dangling ones, or all with `dangling=false`.

        Returns what was done and the bytes that became free.
        """
        filters.check_keys(_PRUNE_KEYS)
        only_dangling = filters.boolean("dangling", default=True)
        limits = [parse_time_argument(each, now_ns=now_ns()) for each in filters.get("until")]
        deletions: Deletions = []
        before = self._storage.usage()
        images = tuple(self._repository.all())
        named = _named_indexes(images)
        for each in images:
            image = self._repository.by_id(each.digest)  # as it is by now
            if image is None:
                continue
            young = any(created_ns(image) >= limit for limit in limits)
            is_loose = image.is_dangling and _stands_alone(image, named)
            kept = (only_dangling and not is_loose) or young or self.users(image)
            if not kept and filters.matches_prune_labels(self._labels_of(image)):
                names = self._repository.names(image.id)
                deletions += self._untag(image, names) + await self._delete(image)
        freed = max(before - self._storage.usage(), 0)
        self._events.emit("image", "prune", "", reclaimed=str(freed))
        return deletions, freed


def _extras(pulled: PulledImage) -> tuple[str, ...]:
    """Blobs beside the layers: attestations, and an artifact's config, which is not its id."""
    return (*pulled.extras, *([str(pulled.config_digest)] if pulled.artifact_type else []))


def _size(pulled: PulledImage, layer_size: Callable[[str], int]) -> int:
    """Bytes of the layers, unpacked; of an artifact, as they are."""
    if pulled.artifact_type:
        return sum(layer.size for layer in pulled.manifest.layers)
    return sum(map(layer_size, pulled.diff_ids))


def _stands_alone(image: ImageRecord, named: set[str]) -> bool:
    """Whether an image is more than one more platform of an image that has a name."""
    is_bare = image.is_dangling and not image.repo_digests
    return not (is_bare and any(form.index_digest in named for form in image.forms))


def _named_indexes(images: Iterable[ImageRecord]) -> set[str]:
    """The indexes that tagged images came from."""
    tagged = (each for each in images if not each.is_dangling)
    return {form.index_digest for each in tagged for form in each.forms} - {""}


def created_ns(image: ImageRecord) -> int:
    """When the image was built, in unix nanoseconds; 0 when its config does not say."""
    if not image.created:
        return 0
    try:
        return parse_time(image.created)
    except BuduError:
        return 0


def _only_named(image: ImageRecord, patterns: Sequence[str]) -> ImageRecord | None:
    """The image with the names that fit a `reference` filter, None when none does."""
    tags = tuple(name for name in image.repo_tags if any(_fits(name, each) for each in patterns))
    digests = tuple(
        name for name in image.repo_digests if any(_fits(name, each) for each in patterns)
    )
    if not tags and not digests:
        return None
    return msgspec.structs.replace(image, repo_tags=tags, repo_digests=digests)


def _fits(name: str, pattern: str) -> bool:
    """Go's path.Match on the familiar name, with and without the tag."""
    repository = name.partition("@")[0]
    last = repository.rpartition("/")[2]
    if ":" in last:
        repository = repository.rpartition(":")[0]
    return _match(pattern, name) or _match(pattern, repository)


def _match(pattern: str, name: str) -> bool:
    import fnmatch

    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        fnmatch.fnmatchcase(part, want) for part, want in zip(parts, wanted, strict=True)
    )


def _stands_on(container: Container, image_id: str) -> bool:
    """Whether a container was made from the image, or has it mounted."""
    return container.image_id == image_id or any(
        mount.image_id == image_id for mount in container.mounts
    )
