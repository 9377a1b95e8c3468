"""Ports of containers that exist, and all that are open: operations of ours beside Docker's."""

from __future__ import annotations

from budu.api.errors import language_of
from budu.api.http.protocol import Reply
from budu.api.http.request import Request
from budu.api.http.response import Response
from budu.api.routing import Route, route, route_json
from budu.base import messages
from budu.engine.contract import NetworkDoctor, NetworkMembers, Networks
from budu.spec.api.network import DiagnosisStep, NetworkDiagnosis, PortsBody


class PortHandlers:
    """Operations on published ports, and a look at what keeps networks from working."""

    def __init__(self, networks: Networks, members: NetworkMembers, doctor: NetworkDoctor) -> None:
        self._networks = networks
        self._members = members
        self._doctor = doctor

    def routes(self) -> tuple[Route, ...]:
        """The rows of the route table."""
        one = "/budu/containers/{id}/ports"
        return (
            route_json(
                "POST", f"{one}/open", self.publish, operation="BuduOpenPorts", body=PortsBody
            ),
            route_json(
                "POST", f"{one}/close", self.unpublish, operation="BuduClosePorts", body=PortsBody
            ),
            route("GET", "/budu/ports", self.list, operation="BuduPorts"),
            route("GET", "/budu/network/diagnosis", self.diagnose, operation="BuduNetworks"),
        )

    async def publish(self, request: Request, body: PortsBody) -> Reply:
        """Publishes more ports of a container, now and at its later starts."""
        await self._members.publish(request.params["id"], body.port_bindings or {})
        return Response.empty()

    async def unpublish(self, request: Request, body: PortsBody) -> Reply:
        """Closes ports of a container; one without bindings is closed whole."""
        await self._members.unpublish(request.params["id"], body.port_bindings or {})
        return Response.empty()

    async def list(self, _: Request) -> Reply:
        """Every port that leads from the host into a container, and who can reach it."""
        return Response.json(self._networks.published())

    async def diagnose(self, request: Request) -> Reply:
        """Tries a container's network from inside; sentences are in the caller's language."""
        language = language_of(request)
        found = await self._doctor.examine(request.query.text("container"))
        steps = [
            DiagnosisStep(
                name=each.name,
                outcome=each.outcome,
                finding=messages.render(each.finding, language),
            )
            for each in found.steps
        ]
        problems = [messages.render(hint, language) for hint in found.problems]
        return Response.json(
            NetworkDiagnosis(container=found.container, steps=steps, problems=problems)
        )
