"""What containers use and what runs in them.

Source: Engine API 1.51, ContainerStats, ContainerTop.
"""

from __future__ import annotations

from budu.api.codec import encode
from budu.api.handlers.closing import closing
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route
from budu.api.versions import ApiVersion
from budu.api.views.stats import stats_view
from budu.engine.contract.monitor import Monitor, Processes, Sample
from budu.spec.api.container import TopResponse

_ONE_SHOT_SINCE = ApiVersion(1, 41)


class MonitorHandlers:
    """Operations that look at running containers."""

    def __init__(self, monitor: Monitor, processes: Processes) -> None:
        self._monitor = monitor
        self._processes = processes

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/containers/{id}"
        return (
            route("GET", f"{one}/stats", self.stats, operation="ContainerStats"),
            route("GET", f"{one}/top", self.top, operation="ContainerTop"),
        )

    async def stats(self, request: Request) -> Reply:
        """Samples, one a second, until the client leaves or the container is removed; or one."""
        query, ref = request.query, request.params["id"]
        if query.flag("stream", default=True):
            return await self._stream(request, ref)
        if query.flag("one-shot") and request.version >= _ONE_SHOT_SINCE:
            return Response.json(stats_view(await self._monitor.sample(ref), None))
        return Response.json(await self._compared(ref))

    async def _stream(self, request: Request, ref: str) -> Reply:
        """The head goes out before the first sample."""
        previous: Sample | None = None
        async with closing(self._monitor.follow(ref)) as samples:
            stream = request.stream()
            async for sample in samples:
                await stream.write(encode(stats_view(sample, previous)))
                previous = sample
        return stream

    async def _compared(self, ref: str) -> object:
        """One sample with the one before it; at once, and empty, when the container stands."""
        previous: Sample | None = None
        async with closing(self._monitor.follow(ref)) as samples:
            async for sample in samples:
                if previous is not None or sample.usage is None:
                    return stats_view(sample, previous)
                previous = sample
        return stats_view(await self._monitor.sample(ref), None)

    async def top(self, request: Request) -> Reply:
        """The container's processes as `ps` on the host shows them."""
        arguments = request.query.text("ps_args")
        table = await self._processes.top(request.params["id"], arguments)
        answer = TopResponse(
            titles=list(table.titles), processes=[list(row) for row in table.rows] or None
        )
        return Response.json(answer)
