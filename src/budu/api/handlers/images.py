"""Images: list, inspect, history, tag, delete. Pulling is in `pull`.

Source: Engine API 1.51, Image.
"""

from __future__ import annotations

from typing import Any

import msgspec

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.platforms import query_platform, query_platforms
from budu.api.routing import Route, route
from budu.api.versions import ApiVersion
from budu.api.views.images import deletion_views, image_inspection, image_row
from budu.api.views.manifests import manifest_views
from budu.base.errors import DataLoss, InvalidArgument, NotFound
from budu.base.filters import Filters
from budu.engine.contract import Images
from budu.engine.contract.usage import Usages
from budu.image.model import ImageRecord
from budu.spec.api.image import ImagePruneResponse, ImageSummary

_SHARED_SINCE = ApiVersion(1, 42)
_MANIFESTS_SINCE = ApiVersion(1, 47)
_TREE_SINCE = ApiVersion(1, 48)


class ImageHandlers:
    """Operations on images that are here."""

    def __init__(self, images: Images, usages: Usages) -> None:
        self._images = images
        self._usages = usages

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/images/{name:.*}"
        return (
            route("GET", "/images/json", self.list, operation="ImageList"),
            route("POST", "/images/prune", self.prune, operation="ImagePrune"),
            route("GET", f"{one}/json", self.inspect, operation="ImageInspect"),
            route("GET", f"{one}/history", self.history, operation="ImageHistory"),
            route("POST", f"{one}/tag", self.tag, operation="ImageTag"),
            route("DELETE", one, self.remove, operation="ImageDelete"),
        )

    async def list(self, request: Request) -> Reply:
        """Images, newest first."""
        chosen = self._images.list(
            everything=request.query.flag("all"),
            filters=Filters.parse(request.query.text("filters")),
        )
        wants_shared = request.query.flag("shared-size") and request.version >= _SHARED_SINCE
        shared = self._usages.shared_sizes() if wants_shared else {}
        manifests = request.query.flag("manifests") and request.version >= _MANIFESTS_SINCE
        counts = self._images.user_counts()
        if manifests:
            chosen = [each for image in chosen for each in self._images.split(image)]
        rows = []
        for image in chosen:
            row = image_row(
                image,
                self._images.labels(image),
                containers=counts.get(image.id, 0),
                shared=shared.get(image.id),
                version=request.version,
            )
            rows.append(_with_tree(row, self._tree(image)) if manifests else row)
        return Response.json(rows)

    def _tree(self, image: ImageRecord) -> dict[str, Any]:
        """The fields that tell of an image's manifests."""
        try:
            tree = self._images.tree(image)
        except (NotFound, DataLoss):  # `doctor storage` tells
            return {}
        manifests = manifest_views(
            tree, unpacked=self._images.unpacked_size, users=self._images.users_by_id
        )
        return {"descriptor": tree.root, "manifests": manifests}

    async def inspect(self, request: Request) -> Reply:
        """Everything about one image."""
        wants_manifests = request.query.flag("manifests") and request.version >= _TREE_SINCE
        platform = query_platform(request.query)
        if wants_manifests and platform is not None:
            raise InvalidArgument(
                "conflicting options: manifests and platform options cannot both be set"
            )
        image = self._images.of_platform(request.params["name"], platform)
        document = image_inspection(image, self._images.config(image), version=request.version)
        if request.version >= _TREE_SINCE:
            tree = self._tree(image)
            if not wants_manifests:
                tree.pop("manifests", None)
            document = msgspec.structs.replace(document, **tree)
        return Response.json(document)

    async def history(self, request: Request) -> Reply:
        """The steps of its making, newest first."""
        image = self._images.of_platform(request.params["name"], query_platform(request.query))
        return Response.json(self._images.history(image))

    async def tag(self, request: Request) -> Reply:
        """Adds a name."""
        await self._images.tag(
            request.params["name"],
            repository=request.query.text("repo"),
            tag=request.query.text("tag"),
        )
        return Response.empty(201)

    async def remove(self, request: Request) -> Reply:
        """Takes a name away, and the image with its last one."""
        deletions = await self._images.remove(
            request.params["name"],
            force=request.query.flag("force"),
            prune=not request.query.flag("noprune"),
            platforms=query_platforms(request.query, "platforms"),
        )
        return Response.json(deletion_views(deletions))

    async def prune(self, request: Request) -> Reply:
        """Deletes images that nothing uses."""
        deletions, freed = await self._images.prune(Filters.parse(request.query.text("filters")))
        answer = ImagePruneResponse(
            images_deleted=deletion_views(deletions) or None, space_reclaimed=freed
        )
        return Response.json(answer)


def _with_tree(row: ImageSummary, tree: dict[str, Any]) -> ImageSummary:
    """A row with its manifests; its size is then theirs, packed and unpacked, as `--tree` shows."""
    total = sum(each.size.total for each in tree.get("manifests", ()))
    return msgspec.structs.replace(row, size=total or row.size, **tree)
