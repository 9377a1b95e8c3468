"""Containers: list, create, inspect and what changes their state.

Source: Engine API 1.51, Container.
"""

from __future__ import annotations

from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import JSON, Response
from budu.api.notices import notice_headers
from budu.api.old_clients import for_old_client
from budu.api.routing import Route, route, route_json
from budu.api.versions import ApiVersion
from budu.api.views.containers import Sizes, container_inspection, container_row
from budu.api.views.rows import ContainerRows
from budu.base.clock import now_ns
from budu.base.errors import BuduError
from budu.base.filters import Filters
from budu.engine.containers.model import Container
from budu.engine.contract import Containers, Images, Networks
from budu.engine.contract.execs import Execs
from budu.spec.api.container import (
    ContainerCreateBody,
    ContainerCreateResponse,
    PruneResponse,
)
from budu.spec.platform import parse_platform

_RECURSIVE_SINCE = ApiVersion(1, 44)
"""Read-only binds are so with all that is mounted below them."""


class ContainerHandlers:
    """Operations that answer at once. Streams are in `container_streams`."""

    def __init__(
        self, containers: Containers, images: Images, networks: Networks, execs: Execs
    ) -> None:
        self._containers = containers
        self._execs = execs
        self._images = images
        self._networks = networks
        self._rows = ContainerRows(image_id=self._image_id, network_id=networks.id_of)

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/containers/{id}"
        return (
            route("GET", "/containers/json", self.list, operation="ContainerList"),
            route_json(
                "POST",
                "/containers/create",
                self.create,
                operation="ContainerCreate",
                body=ContainerCreateBody,
                body_required=True,
            ),
            route("POST", "/containers/prune", self.prune, operation="ContainerPrune"),
            route("GET", "/containers/{id:.*}/json", self.inspect, operation="ContainerInspect"),
            route("POST", f"{one}/start", self.start, operation="ContainerStart"),
            route("POST", f"{one}/stop", self.stop, operation="ContainerStop"),
            route("POST", f"{one}/restart", self.restart, operation="ContainerRestart"),
            route("POST", f"{one}/kill", self.kill, operation="ContainerKill"),
            route("POST", f"{one}/pause", self.pause, operation="ContainerPause"),
            route("POST", f"{one}/unpause", self.unpause, operation="ContainerUnpause"),
            route("POST", f"{one}/rename", self.rename, operation="ContainerRename"),
            route("DELETE", "/containers/{id:.*}", self.remove, operation="ContainerDelete"),
        )

    def list(self, request: Request) -> Response:
        """Running containers, or all of them."""
        query = request.query
        chosen = self._containers.list(
            everything=query.flag("all"),
            limit=query.integer("limit") or 0,
            filters=Filters.parse(query.text("filters")),
        )
        if not query.flag("size"):
            return Response(200, self._rows.render(chosen, now_ns=now_ns()), content_type=JSON)
        rows = [
            container_row(
                container,
                image_id=self._image_id(container.image_name),
                network_id=self._networks.id_of,
                now_ns=now_ns(),
                sizes=self._containers.size(container),
            )
            for container in chosen
        ]
        return Response.json(rows)

    async def create(self, request: Request, body: ContainerCreateBody) -> Reply:
        """Makes a container; nothing runs yet."""
        platform = request.query.text("platform")
        if request.version < _RECURSIVE_SINCE:
            body = for_old_client(body)
        created = await self._containers.create(
            body,
            name=request.query.text("name") or None,
            platform=parse_platform(platform) if platform else None,
        )
        answer = ContainerCreateResponse(id=created.id, warnings=[*created.warnings])
        return Response.json(answer, status=201)

    def inspect(self, request: Request) -> Response:
        """Everything about one container."""
        container = self._containers.get(request.params["id"])
        document = container_inspection(
            container,
            files=self._containers.files(container),
            network_id=self._networks.id_of,
            find=self._containers.get,
            sizes=self._sizes(container, wanted=request.query.flag("size")),
            execs=self._execs.ids_of(container.id),
        )
        return Response.json(document)

    async def start(self, request: Request) -> Reply:
        """Starts; 304 when it runs already."""
        await self._containers.start(request.params["id"])
        return Response.empty()

    async def stop(self, request: Request) -> Reply:
        """Stops, by force after the time given; answers when it stands."""
        notice = await self._containers.stop(
            request.params["id"],
            timeout_s=request.query.integer("t"),
            signal=request.query.text("signal") or None,
        )
        return Response.empty(headers=notice_headers(request, notice))

    async def restart(self, request: Request) -> Reply:
        """Stops and starts."""
        notice = await self._containers.restart(
            request.params["id"],
            timeout_s=request.query.integer("t"),
            signal=request.query.text("signal") or None,
        )
        return Response.empty(headers=notice_headers(request, notice))

    async def kill(self, request: Request) -> Reply:
        """Sends a signal."""
        signal = request.query.text("signal") or None
        await self._containers.kill(request.params["id"], signal=signal)
        return Response.empty()

    async def pause(self, request: Request) -> Reply:
        """Freezes all processes."""
        await self._containers.pause(request.params["id"])
        return Response.empty()

    async def unpause(self, request: Request) -> Reply:
        """Thaws them."""
        await self._containers.unpause(request.params["id"])
        return Response.empty()

    async def rename(self, request: Request) -> Reply:
        """Gives another name."""
        await self._containers.rename(request.params["id"], request.query.text("name"))
        return Response.empty()

    async def remove(self, request: Request) -> Reply:
        """Deletes a container, with its anonymous volumes when asked to."""
        query = request.query
        await self._containers.remove(
            request.params["id"],
            force=query.flag("force"),
            volumes=query.flag("v"),
            link=query.flag("link"),
        )
        return Response.empty()

    async def prune(self, request: Request) -> Reply:
        """Deletes all stopped containers."""
        deleted, freed = await self._containers.prune(Filters.parse(request.query.text("filters")))
        return Response.json(
            PruneResponse(containers_deleted=deleted or None, space_reclaimed=freed)
        )

    def _sizes(self, container: Container, *, wanted: bool) -> Sizes | None:
        return self._containers.size(container) if wanted else None

    def _image_id(self, name: str) -> str:
        try:
            return self._images.get(name).id
        except BuduError:
            return ""
