"""Networks and who is in them. See `engine.networks`."""

from __future__ import annotations

from typing import Protocol

from budu.base.filters import Filters
from budu.spec.api.host_config import PortMap
from budu.spec.api.network import (
    EndpointSettings,
    Network,
    NetworkCreateBody,
    NetworkCreateResponse,
    OpenPort,
)

NetworkList = list[Network]
Names = list[str]


class Networks(Protocol):
    """The networks that exist."""

    def list(self, filters: Filters) -> NetworkList: ...
    def get(self, ref: str, *, scope: str = "") -> Network:
        """One network with its containers, when it has the scope asked for."""

    async def create(self, body: NetworkCreateBody) -> NetworkCreateResponse: ...
    async def remove(self, ref: str) -> None: ...
    async def prune(self, filters: Filters) -> Names:
        """Names of the networks that went because nothing runs in them."""

    def id_of(self, name: str) -> str:
        """The id of the network with this name; empty when there is none."""

    def published(self) -> tuple[OpenPort, ...]:
        """Every port that leads from the host into a container."""


class NetworkMembers(Protocol):
    """Networks and ports of containers that exist, running or not."""

    async def connect(self, network: str, ref: str, settings: EndpointSettings | None) -> None: ...
    async def disconnect(self, network: str, ref: str, *, force: bool) -> None: ...
    async def publish(self, ref: str, ports: PortMap) -> None:
        """Publish more ports; all or none."""

    async def unpublish(self, ref: str, ports: PortMap) -> None:
        """Close ports; one without bindings is closed whole."""
