"""What takes room on the disk.

Source: Engine API 1.51, SystemDataUsage.
"""

from __future__ import annotations

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route
from budu.api.versions import ApiVersion
from budu.api.views.usage import usage_view
from budu.base.clock import now_ns
from budu.base.errors import BuduError, InvalidArgument
from budu.engine.contract import Images, Networks
from budu.engine.contract.usage import KINDS, Usages

_KINDS_SINCE = ApiVersion(1, 42)


class UsageHandlers:
    """The operation on disk usage."""

    def __init__(self, usages: Usages, images: Images, networks: Networks) -> None:
        self._usages = usages
        self._images = images
        self._networks = networks

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (route("GET", "/system/df", self.measure, operation="SystemDataUsage"),)

    async def measure(self, request: Request) -> Reply:
        """Sizes of images, containers, volumes and the build cache, or of the kinds asked for."""
        usage = await self._usages.measure(_kinds(request))
        document = usage_view(
            usage,
            labels=self._images.labels,
            image_id=self._image_id,
            network_id=self._networks.id_of,
            now_ns=now_ns(),
            version=request.version,
        )
        return Response.json(document)

    def _image_id(self, name: str) -> str:
        try:
            return self._images.get(name).id
        except BuduError:
            return ""


def _kinds(request: Request) -> frozenset[str]:
    """Raises: InvalidArgument for a kind that there is not."""
    asked = request.query.all("type")
    if not asked or request.version < _KINDS_SINCE:
        return KINDS
    for kind in asked:
        if kind not in KINDS:
            raise InvalidArgument(f"unknown object type: {kind}")
    return frozenset(asked)
