"""Volumes of all drivers.

Source: Engine API 1.51, Volume.
"""

from __future__ import annotations

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route, route_json
from budu.api.versions import ApiVersion
from budu.base.filters import Filters
from budu.engine.contract import Volumes
from budu.engine.contract.usage import Usages
from budu.spec.api.volume import (
    VolumeCreateBody,
    VolumeListResponse,
    VolumePruneResponse,
    VolumeSizeBody,
)

_ANONYMOUS_SINCE = ApiVersion(1, 42)


class VolumeHandlers:
    """Operations on volumes."""

    def __init__(self, volumes: Volumes, usages: Usages) -> None:
        self._volumes = volumes
        self._usages = usages

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        return (
            route("GET", "/volumes", self.list, operation="VolumeList"),
            route("GET", "/budu/volumes", self.overview, operation="BuduVolumeOverview"),
            route_json(
                "POST",
                "/volumes/create",
                self.create,
                operation="VolumeCreate",
                body=VolumeCreateBody,
            ),
            route("POST", "/volumes/prune", self.prune, operation="VolumePrune"),
            route("GET", "/volumes/{name}", self.inspect, operation="VolumeInspect"),
            route("PUT", "/volumes/{name}", self.update, operation="VolumeUpdate"),
            route_json(
                "PUT",
                "/budu/volumes/{name}/size",
                self.resize,
                operation="BuduVolumeResize",
                body=VolumeSizeBody,
            ),
            route("DELETE", "/volumes/{name}", self.remove, operation="VolumeDelete"),
        )

    async def list(self, request: Request) -> Reply:
        """All volumes, or those that the filters leave."""
        volumes, warnings = await self._volumes.list(Filters.parse(request.query.text("filters")))
        return Response.json(VolumeListResponse(volumes=volumes, warnings=warnings or None))

    async def overview(self, request: Request) -> Reply:
        """Volumes with their users and last use; with `size=1`, how much is in them too."""
        filters = Filters.parse(request.query.text("filters"))
        return Response.json(await self._usages.volumes(filters, sizes=request.query.flag("size")))

    async def create(self, _: Request, body: VolumeCreateBody) -> Reply:
        """Makes a volume; one without a name gets a random one."""
        volume = await self._volumes.create(
            body.name,
            driver=body.driver,
            options=body.driver_opts or {},
            labels=body.labels or {},
        )
        return Response.json(volume, status=201)

    async def prune(self, request: Request) -> Reply:
        """Removes volumes that no container has; anonymous ones only, unless told or for clients
        from before there was the difference."""
        filters = Filters.parse(request.query.text("filters"))
        if request.version < _ANONYMOUS_SINCE:
            filters = filters.plus("all", "true")
        removed, freed = await self._volumes.prune(filters)
        return Response.json(VolumePruneResponse(volumes_deleted=removed, space_reclaimed=freed))

    async def inspect(self, request: Request) -> Reply:
        """One volume."""
        return Response.json(await self._volumes.get(request.params["name"]))

    async def update(self, _: Request) -> Reply:
        """Refused with Docker's status: it is for volumes of a swarm."""
        message = "volume update only valid for cluster volumes, but swarm is unavailable"
        return Response.json({"message": message}, status=503)

    async def resize(self, request: Request, body: VolumeSizeBody) -> Reply:
        """Gives a volume with a size another one."""
        await self._volumes.resize(request.params["name"], body.size)
        return Response.empty()

    async def remove(self, request: Request) -> Reply:
        """Deletes a volume and what is in it."""
        force = request.query.flag("force")
        await self._volumes.remove(request.params["name"], force=force)
        return Response.empty()
