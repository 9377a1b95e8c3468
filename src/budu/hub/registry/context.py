"""What every part of the registry works with, and what one request is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from budu.hub.access import Role
from budu.hub.blobs.contract import BlobStore
from budu.hub.database import Database
from budu.hub.registry.contract import Event, Guard, Repository, Watcher
from budu.hub.registry.counters import Counters
from budu.hub.registry.errors import API_VERSION
from budu.hub.registry.limits import PullLimits
from budu.hub.registry.manifest_store import ManifestStore
from budu.hub.registry.paths import Target
from budu.hub.registry.upstream import Upstreams
from budu.spec.digest import Digest

log = logging.getLogger(__name__)


def remote_address(request: web.Request) -> str:
    """Where a request comes from when no balancer stands before the hub."""
    return request.remote or ""


@dataclass
class Context:
    """The registry's own, one a process."""

    database: Database
    blobs: BlobStore
    guard: Guard
    watcher: Watcher
    counters: Counters
    limits: PullLimits
    address_of: Callable[[web.Request], str] = remote_address
    now: Callable[[], float] = time.time
    stalled_after_s: float = 60.0
    """How long an upload may bring nothing before its request ends and another may go on."""
    folder: Path | None = None
    """For blobs on their way from an upstream; None: the system's temporary one."""
    address: str = ""
    """URL under which clients reach the hub, for challenges; empty: the one that they asked."""
    manifests: ManifestStore = field(init=False)
    upstreams: Upstreams = field(init=False)

    def __post_init__(self) -> None:
        self.manifests = ManifestStore(self.database)
        self.upstreams = Upstreams(
            self.database, self.blobs, self.manifests, folder=self.folder, now=self.now
        )


@dataclass(frozen=True)
class Call:
    """One request."""

    context: Context
    request: web.Request
    target: Target

    async def require(self, role: Role) -> Repository:
        """The repository that the path names. Raises as `Guard.require`."""
        return await self.context.guard.require(self.request, self.target.name, role)

    async def tell(
        self, action: str, repository: Repository, digest: Digest, tag: str | None, **more: object
    ) -> None:
        """Tell the watcher of what was committed; what it raises changes nothing any more."""
        address = self.context.address_of(self.request)
        event = Event(action, repository, digest, tag, address=address, **more)  # type: ignore[arg-type]  # the event's own fields
        try:
            await self.context.watcher.happened(event)
        except Exception:  # the edge of another part of the hub
            log.exception("a watcher failed action=%s repository=%s", action, repository.name)

    def url(self, *parts: str) -> str:
        """A path below the repository, for Location."""
        return "/".join((f"/v2/{self.target.name}", *parts))


def empty(status: int, **headers: str) -> web.Response:
    """An answer without a body; `Docker_Content_Digest=…` becomes `Docker-Content-Digest: …`."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return web.Response(status=status, headers={**API_VERSION, **named})
