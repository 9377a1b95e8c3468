"""One repository of a registry that is written to.

The reading half is `repository.Repository`. Mirrors are never written to; of the origin's endpoints
the first that answers is taken, and everything goes there.
Source: OCI distribution-spec 1.1, "Pushing blobs", "Pushing manifests", "Mounting a blob".
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from budu.base.errors import BuduError, Unavailable
from budu.distribution.auth import Credentials
from budu.distribution.diagnose import request_error
from budu.distribution.errors import Refusal, RequestFailed, push_error
from budu.distribution.session import EndpointSession, read_refusal
from budu.spec.digest import Digest
from budu.spec.reference import Reference

if TYPE_CHECKING:
    from budu.distribution.client import Registries
    from budu.distribution.transport import Response

MakeBody = Callable[[], AsyncIterator[bytes]]
"""Begins a request's body; called anew when the request has to be sent again."""

_RANGE = re.compile(r"(?:bytes=)?0-(\d+)\Z")
_NOTHING = {"Content-Length": "0"}


class Refused(Exception):
    """The registry said no. Never leaves this package."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


class Upload:
    """A blob upload under way at the registry."""

    def __init__(self, location: str, *, offset: int = 0) -> None:
        self.location = location
        """Where the next part goes; every answer may name another place."""
        self.offset = offset
        """Bytes that the registry has."""


class PushTarget:
    """Where one push goes. Make it with `open_target`."""

    def __init__(self, reference: Reference, session: EndpointSession) -> None:
        self.reference = reference
        """The name that is pushed to."""
        self._session = session

    @property
    def key(self) -> str:
        """Tells targets apart: the endpoint with the repository."""
        return f"{self._session.endpoint.base}{self._repository}"

    @property
    def _repository(self) -> str:
        return self._session.endpoint.repository(self.reference.path)

    async def has_blob(self, digest: Digest) -> bool:
        """Whether the repository has the blob. Raises: Refused, RequestFailed, BuduError."""
        return await self._has("blobs", digest)

    async def _has(self, kind: str, digest: Digest) -> bool:
        response = await self._session.request("HEAD", self._path(kind, digest))
        response.close()
        if response.status in {200, 404}:
            return response.status == 200
        raise Refused(await read_refusal(response))

    async def begin(self, digest: Digest, *, source: str = "") -> Upload | None:
        """Begin an upload; None when the registry could take the blob from `source` instead.

        Raises: as `has_blob`.
        """
        there = self._session.endpoint.repository(source)
        query = f"?mount={quote(digest)}&from={quote(there, safe='')}" if source else ""
        path = f"{self._repository}/blobs/uploads/{query}"
        response = await self._session.request("POST", path, headers=_NOTHING)
        if response.status == 201:
            response.close()
            return None
        if response.status != 202:
            raise Refused(await read_refusal(response))
        return Upload(self._location(response))

    async def status(self, upload: Upload) -> Upload | None:
        """How far an upload is, None when the registry knows nothing of it any more.

        Raises: as `has_blob`.
        """
        response = await self._session.request("GET", "", url=upload.location, patient=True)
        response.close()
        if response.status not in {200, 202, 204}:
            return None
        return Upload(self._location(response) or upload.location, offset=_end_of(response))

    async def patch(self, upload: Upload, body: MakeBody, *, size: int) -> Upload:
        """Send the next `size` bytes. Raises: as `has_blob`; nothing is sent twice."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "Content-Range": f"{upload.offset}-{upload.offset + size - 1}",
        }
        response = await self._session.request(
            "PATCH", "", url=upload.location, headers=headers, body=body, once=True
        )
        if response.status not in {201, 202, 204}:
            raise Refused(await read_refusal(response))
        place = self._location(response) or upload.location
        return Upload(place, offset=_end_of(response) or upload.offset + size)

    async def finish(
        self, upload: Upload, digest: Digest, body: MakeBody | None = None, *, size: int = 0
    ) -> None:
        """End an upload, with the whole blob as the body where it is small.

        Raises: as `has_blob`.
        """
        joint = "&" if "?" in upload.location else "?"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        response = await self._session.request(
            "PUT",
            "",
            url=f"{upload.location}{joint}digest={quote(digest)}",
            headers=headers if body else _NOTHING,
            body=body,
            once=True,
        )
        if response.status not in {201, 204}:
            raise Refused(await read_refusal(response))
        response.close()

    async def put_manifest(self, name: str, body: bytes, media_type: str) -> None:
        """Store a manifest or index under a tag or its digest. Raises: as `has_blob`."""
        headers = {"Content-Type": media_type, "Content-Length": str(len(body))}

        async def pieces() -> AsyncIterator[bytes]:
            yield body

        response = await self._session.request(
            "PUT", self._path("manifests", name), headers=headers, body=pieces
        )
        if response.status not in {200, 201, 202}:
            raise Refused(await read_refusal(response))
        response.close()

    def _path(self, kind: str, name: str) -> str:
        return f"{self._repository}/{kind}/{name}"

    def _location(self, response: Response) -> str:
        place = response.header("Location")
        return urljoin(response.url, place) if place else ""


async def open_target(
    registries: Registries,
    reference: Reference,
    *,
    credentials: Credentials,
    sources: frozenset[str] = frozenset(),
) -> PushTarget:
    """The repository of `reference`, which will also be allowed to read `sources` (for mounts).

    Raises: what the way to the registry and its sign-in raise.
    """
    failure: BuduError | None = None
    for endpoint in await registries.endpoints(reference.domain, pushing=True):
        scopes = [f"repository:{endpoint.repository(reference.path)}:pull,push"]
        for source in sorted(sources - {reference.path}):
            scopes.append(f"repository:{endpoint.repository(source)}:pull")
        session = registries.session(endpoint, credentials=credentials, scope=" ".join(scopes))
        try:
            await session.ping()
        except RequestFailed as error:
            failure = request_error(error)
            continue
        return PushTarget(reference, session)
    raise failure or Unavailable(f"no endpoint of {reference.domain} takes pushes")


def error_of(error: Refused | RequestFailed, reference: Reference) -> BuduError:
    """The error for a push that failed."""
    if isinstance(error, RequestFailed):
        return request_error(error)
    return push_error(error.refusal, reference)


def _end_of(response: Response) -> int:
    """Bytes that the registry has, by the Range header; 0 where it says nothing."""
    match = _RANGE.match(response.header("Range"))
    return int(match[1]) + 1 if match and match[1] != "0" else 0
