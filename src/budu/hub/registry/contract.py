"""What the registry asks of the rest of the hub: who may what, and who wants to know.

Every request passes `Guard` first: the guard finds out who asks, looks the repository up, decides
with `hub.access.role_of` and hands back the facts that the registry needs. A repository that the
asker may not see does not exist for it: the guard raises Unauthenticated to somebody who did not
sign in and PermissionDenied to somebody who did, with the same words whether it exists or not.
The edge adds the challenge (`WWW-Authenticate: Bearer realm=…,service=…,scope=…`).

What happened is told to a `Watcher` after it was committed: webhooks, audit and quotas hang there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from budu.hub.access import ANONYMOUS, Actor, Role
from budu.spec.digest import Digest


@dataclass(frozen=True)
class Upstream:
    """The registry that an account's repositories are copies of."""

    url: str
    """`https://registry-1.docker.io`, `http://127.0.0.1:5000`; a path is put before names."""
    user_name: str = ""
    password: str = field(default="", repr=False)
    fresh_s: float = 300.0
    """How long a tag is believed before the upstream is asked again."""


@dataclass(frozen=True)
class Repository:
    """A repository as one request sees it."""

    id: int
    """0: it does not exist here yet; see `Guard.require`."""
    name: str
    """Whole: `library/httpd`."""
    account_id: int
    is_private: bool = False
    immutable_tags: str = ""
    """Shell patterns, separated by commas, of tags that never move; empty: none."""
    upstream: Upstream | None = None
    """Set when the account copies another registry; then nobody pushes here."""
    actor: Actor = ANONYMOUS
    role: Role = Role.NONE
    """What the actor is to it."""


class Guard(Protocol):
    """Who may what."""

    async def identify(self, request: web.Request) -> Actor:
        """Who asks; ANONYMOUS for a token that was given to nobody.

        Raises: Unauthenticated for a request without any credentials and for wrong ones; `GET /v2/`
        depends on it, since clients take the challenge from there.
        """

    async def require(self, request: web.Request, name: str, role: Role) -> Repository:
        """The repository, when the asker is at least `role` to it.

        A request without credentials is a stranger's. A missing repository is made when `role` is
        WRITER or more and the asker may make it (own account, owner of the organization); a push
        sends several blobs at once, so two requests may make it at the same time. A missing one
        whose account has an upstream comes back with the id 0: the registry makes it when the
        upstream turns out to have it. A mount asks a second time, with READER for the repository
        that is mounted from. `httpd` arrives here as `library/httpd`.
        Who could make a missing repository gets NotFound when READER is asked for: a push looks
        for blobs before it sends the first one.
        Raises: Unauthenticated, PermissionDenied, NotFound.
        """

    async def readable(self, request: web.Request, *, after: str, limit: int) -> list[str]:
        """Names of repositories that the asker may read, in byte order, behind `after`.

        Raises: Unauthenticated for wrong credentials.
        """


@dataclass(frozen=True)
class Event:
    """Something that was done to a repository."""

    action: str
    """`push` (a manifest, with its tag if it got one), `delete` (a manifest or a tag)."""
    repository: Repository
    digest: Digest
    tag: str | None
    media_type: str = ""
    size_bytes: int = 0
    """Of config and layers together; 0 for an index."""
    address: str = ""
    """Where the request came from."""


class Watcher(Protocol):
    """Who wants to know, and may refuse for want of room."""

    async def room_for(self, repository: Repository, size_bytes: int) -> None:
        """Called before a blob that the repository does not show yet is added to it.

        Raises: PermissionDenied with Docker Hub's sentence when the quota does not allow it.
        """

    async def happened(self, event: Event) -> None:
        """Called after the change was committed. What it raises is logged, not answered."""
