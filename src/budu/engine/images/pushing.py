"""Pushing: which blobs and documents a name stands for, and handing them to `distribution.push`.

A name that stands for an index is pushed as the index when everything in it is here. When only one
image of it is, that image's manifest is pushed under the name, and the client is told.
Source: Engine API 1.51 ImagePush; moby 28.3, daemon/containerd/image_push.go (what is chosen),
daemon/internal/distribution/push_v2.go (the sentences).
"""

from __future__ import annotations

from budu.base.errors import Hint, InvalidArgument, NotFound
from budu.base.suggest import near_words
from budu.distribution.auth import decode_registry_auth
from budu.distribution.progress import ProgressSink, PullEvent, PushedManifest
from budu.distribution.push import PushDocument, Pusher, PushPlan
from budu.distribution.upload import PushBlob
from budu.engine.events import EventLog
from budu.engine.images.platforms import of_platform
from budu.engine.images.repository import ImageRepository
from budu.engine.images.storage import ImageStorage
from budu.engine.images.tree import ImageTree, ManifestNode, image_tree, is_foreign
from budu.image.model import ImageRecord
from budu.spec.digest import Digest
from budu.spec.image import Descriptor
from budu.spec.platform import Platform
from budu.spec.reference import Reference, parse_reference


class PushService:
    """See `engine.contract.pushes.Pushes`."""

    def __init__(
        self, repository: ImageRepository, storage: ImageStorage, pusher: Pusher, events: EventLog
    ) -> None:
        self._repository = repository
        self._storage = storage
        self._blobs = storage.blobs
        self._pusher = pusher
        self._events = events

    async def push(
        self,
        name: str,
        *,
        tag: str,
        platform: Platform | None,
        registry_auth: str,
        progress: ProgressSink,
    ) -> None:
        """See `Pushes.push`."""
        reference = parse_reference(f"{name}:{tag}" if tag else name)
        credentials = decode_registry_auth(registry_auth)
        progress(PullEvent(status=f"The push refers to repository [{reference.name}]"))
        for each in self._wanted(reference):
            plan = self._plan(each, platform, progress)
            with self._storage.holding(blob.digest for blob in plan.blobs):
                digest = await self._pusher.push(plan, credentials=credentials, progress=progress)
            self._remember(each, digest)
            self._events.emit("image", "push", each.familiar, name=each.familiar_name)

    def _wanted(self, reference: Reference) -> list[Reference]:
        """The tags to push. Raises: NotFound, InvalidArgument in Docker's words."""
        known = self._repository.of_repository(reference.name)
        if not known:
            message = "An image does not exist locally with the tag: " + reference.familiar_name
            raise NotFound(message, hint=self._near(reference), reference=reference.familiar)
        if reference.digest:
            raise InvalidArgument("cannot push a digest reference")
        tags = [each for each in known if each.tag]
        if not reference.tag:
            if not tags:
                raise NotFound(f"no tags to push for {reference.familiar_name}")
            return tags
        if reference not in tags:
            near = near_words(reference.tag, [each.tag or "" for each in tags])
            present = ", ".join(near or [each.tag or "" for each in tags][:5])
            hint = Hint("engine.tag-near", name=reference.familiar_name, present=present)
            raise NotFound(f"tag does not exist: {reference.familiar}", hint=hint)
        return [reference]

    def _near(self, reference: Reference) -> Hint | None:
        """Images that may have been meant: they only lack the name to push under."""
        last = reference.path.rpartition("/")[2]
        names = [name for image in self._repository.all() for name in image.repo_tags]
        same = [name for name in names if name.rpartition(":")[0].rpartition("/")[2] == last]
        if same:
            return Hint("engine.push-tag-first", source=same[0], target=reference.familiar)
        near = near_words(reference.familiar, names)
        return Hint("engine.image-near", near=", ".join(near)) if near else None

    def _plan(
        self, reference: Reference, platform: Platform | None, progress: ProgressSink
    ) -> PushPlan:
        named = self._repository.get(str(reference))
        every = self._repository.all()
        image = of_platform(named, every, platform, name=reference.familiar)
        tree = image_tree(image, self._blobs)
        if tree.is_index and platform is None and tree.is_whole:
            return self._whole(reference, tree)
        node = _node_of(tree, image)
        if tree.is_index and platform is None:
            progress(PushedManifest(original_index=tree.root, selected_manifest=node.descriptor))
        return PushPlan(
            reference=reference,
            blobs=self._blobs_of(reference, [node]),
            documents=(self._document(node.descriptor),),
        )

    def _whole(self, reference: Reference, tree: ImageTree) -> PushPlan:
        children = (each.descriptor for each in tree.nodes)
        return PushPlan(
            reference=reference,
            blobs=self._blobs_of(reference, tree.nodes),
            documents=tuple(map(self._document, (*children, tree.root))),
        )

    def _document(self, descriptor: Descriptor) -> PushDocument:
        body = self._blobs.content.read_blob(Digest(descriptor.digest))
        return PushDocument(body=body, media_type=descriptor.media_type)

    def _blobs_of(
        self, reference: Reference, nodes: tuple[ManifestNode, ...] | list[ManifestNode]
    ) -> tuple[PushBlob, ...]:
        """Every blob once, layers from the top, as Docker lists them."""
        found: dict[str, PushBlob] = {}
        for node in nodes:
            if node.manifest is None:
                continue
            diff_ids = node.config.rootfs.diff_ids if node.config is not None else ()
            layers = node.manifest.layers
            shown = diff_ids if len(diff_ids) == len(layers) else [each.digest for each in layers]
            for layer, diff_id in reversed(list(zip(layers, shown, strict=True))):
                if not is_foreign(layer):
                    blob = self._blob(reference, layer, id_=Digest(diff_id).short)
                    found.setdefault(layer.digest, blob)
            config = node.manifest.config
            found.setdefault(config.digest, self._blob(reference, config, id_=""))
        return tuple(found.values())

    def _blob(self, reference: Reference, part: Descriptor, *, id_: str) -> PushBlob:
        return PushBlob(
            digest=Digest(part.digest),
            size=part.size,
            id=id_,
            sources=self._sources(reference, part.digest) if id_ else (),
        )

    def _sources(self, reference: Reference, digest: str) -> tuple[str, ...]:
        """Repositories of the same registry that are known to have the layer, at most three."""
        holders = (
            image
            for image in self._repository.all()
            if any(layer.digest == digest for form in image.forms for layer in form.layers)
        )
        names = (name for image in holders for name in self._repository.names(image.id))
        paths = {
            name.path
            for name in names
            if name.digest and name.domain == reference.domain and name.path != reference.path
        }
        return tuple(sorted(paths))[:3]

    def _remember(self, reference: Reference, digest: Digest) -> None:
        """The registry has the image by this digest now, which names it here as well."""
        named = self._repository.by_name(str(reference))
        if named is not None:  # else it was removed meanwhile
            self._repository.put(named, [reference.with_digest(digest)])


def _node_of(tree: ImageTree, image: ImageRecord) -> ManifestNode:
    return next(each for each in tree.nodes if each.descriptor.digest == image.manifest_digest)
