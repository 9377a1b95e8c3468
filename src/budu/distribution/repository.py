"""One name at the places that may answer for it: descriptors, manifests, configs, blobs, tags.

Every public method raises only `BuduError`, except where `RequestFailed` is named: a broken blob
stream is resumed by `fetch`.
Source: OCI distribution-spec 1.1, "Pulling manifests", "Pulling blobs".
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import quote, urljoin

import msgspec

from budu.base.errors import BuduError, DataLoss, Hint, InvalidArgument, NotFound, Unavailable
from budu.distribution.blob_stream import BlobStream, start_of
from budu.distribution.diagnose import request_error
from budu.distribution.errors import Refusal, RequestFailed, refusal_error, schema1_error
from budu.distribution.known_names import OFFICIAL, near_names
from budu.distribution.manifest_kind import SCHEMA1_TYPES, described, manifest_type
from budu.distribution.session import EndpointSession, read_refusal
from budu.distribution.tags import near_tags
from budu.spec.digest import Digest
from budu.spec.image import INDEX_TYPES, MANIFEST_TYPES, Descriptor, Index
from budu.spec.reference import DEFAULT_DOMAIN, Reference

MANIFEST_LIMIT = 4 << 20
CONFIG_LIMIT = 8 << 20
_TAGS_LIMIT = 4 << 20
_TAGS_DEADLINE_S = 5.0
_CATALOG_SCOPE = "registry:catalog:*"
_MOST_TAG_PAGES = 100
_NEAR = frozenset({"distribution.tag-near", "distribution.name-near"})
_NEXT_PAGE = re.compile(r'<([^>]+)>\s*;[^,]*rel="?next')
_ACCEPT = {"Accept": ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))}

_Answer = TypeVar("_Answer")


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


class _Catalog(msgspec.Struct):
    repositories: list[str] | None = None


class Repository:
    """One name at the places that may answer for it."""

    def __init__(
        self, reference: Reference, sessions: list[EndpointSession], *, hints: bool = True
    ) -> None:
        self.reference = reference
        """What the caller asked for, with a tag or a digest."""
        self._sessions = sessions
        self._hints = hints
        self._bodies: dict[str, bytes] = {}
        self._mirror_refusal: Refusal | None = None

    def beside(self, tag: str) -> Repository:
        """Another tag of the same repository, at the same places; nobody typed it, so nobody wants
        to hear of near ones when it is not there."""
        return Repository(self.reference.with_tag(tag), self._sessions, hints=False)

    async def resolve(self) -> Descriptor:
        """The digest, size and type that the reference stands for now.

        Raises: NotFound with Docker's sentence, hinting at near tags; Unauthenticated,
        Unavailable, ResourceExhausted as the registry or the way to it says; InvalidArgument
        for schema 1; DataLoss when a digest does not hold.
        """
        try:
            return await self._first_answer(self._resolve_at)
        except _Refused as refused:
            raise await self._refused(refused.refusal) from None
        except Unavailable as error:
            if self._mirror_refusal is not None:  # a mirror answered, and knows what is near
                known = await self._refused(self._mirror_refusal)
                if known.hint is not None and known.hint.key in _NEAR:
                    error.hint = known.hint
            raise

    async def fetch_manifest(self, descriptor: Descriptor) -> bytes:
        """The bytes of a manifest or index, digest verified. Raises: as `resolve`."""
        known = self._bodies.get(descriptor.digest)
        if known is not None:
            return known

        async def fetch(session: EndpointSession) -> bytes:
            body, _ = await self._get_manifest(session, descriptor.digest)
            return body

        return await self._ask(fetch)

    async def fetch_blob(self, descriptor: Descriptor, *, limit: int = CONFIG_LIMIT) -> bytes:
        """The bytes of a small blob (a config), digest verified.

        Raises: as `resolve`; DataLoss also when it is larger than `limit`.
        """

        async def fetch(session: EndpointSession) -> bytes:
            response = await session.request("GET", self._path(session, "blobs", descriptor.digest))
            if response.status != 200:
                raise _Refused(await read_refusal(response))
            async with response:
                body = await response.read(limit)
            _verify(body, descriptor.digest)
            return body

        return await self._ask(fetch)

    async def open_blob(self, digest: str, *, offset: int = 0, patient: bool = False) -> BlobStream:
        """Begin to read a blob at `offset`, whether or not the registry knows ranges.

        `patient` also waits out a network that is away. The digest is the reader's to verify.
        Raises: as `resolve`.
        """

        async def open_at(session: EndpointSession) -> BlobStream:
            return await self._open_blob_at(session, digest, offset=offset, patient=patient)

        return await self._ask(open_at)

    async def tags(self) -> list[str]:
        """The repository's tags, all of them up to a bound. Raises: as `resolve`."""
        try:
            return await self._first_answer(self._tags_at)
        except _Refused as refused:
            raise await self._refused(refused.refusal) from None

    async def referrers(self, digest: Digest, *, artifact_type: str) -> tuple[Descriptor, ...]:
        """Manifests of one type that are about another manifest; also of a registry that only has
        the tag for it. Raises: as `resolve`.

        Source: OCI distribution-spec 1.1, "Listing Referrers" and "Referrers Tag Schema".
        """

        async def ask(session: EndpointSession) -> bytes:
            path = self._path(session, "referrers", f"{digest}?artifactType={quote(artifact_type)}")
            response = await session.request("GET", path, headers=_ACCEPT)
            if response.status != 200:
                raise _Refused(await read_refusal(response))
            async with response:
                return await response.read(MANIFEST_LIMIT)

        try:
            body = await self._ask(ask)
        except NotFound:
            beside = self.beside(digest.replace(":", "-"))
            body = await beside.fetch_manifest(await beside.resolve())
        try:
            found = msgspec.json.decode(body, type=Index).manifests
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidArgument(f"error parsing referrers of {digest}: {error}") from None
        return tuple(each for each in found if each.artifact_type == artifact_type)

    async def _resolve_at(self, session: EndpointSession) -> Descriptor:
        wanted = self.reference.digest or self.reference.tag or ""
        response = await session.request(
            "HEAD", self._path(session, "manifests", wanted), headers=_ACCEPT
        )
        found = described(response)
        response.close()
        if found is not None and wanted in {found.digest, self.reference.tag}:
            if found.media_type in SCHEMA1_TYPES:
                raise schema1_error(self.reference)
            return found
        body, media_type = await self._get_manifest(session, wanted)
        digest = Digest.of(body)
        self._bodies[digest] = body
        return Descriptor(media_type=media_type, digest=str(digest), size=len(body))

    async def _get_manifest(self, session: EndpointSession, wanted: str) -> tuple[bytes, str]:
        response = await session.request(
            "GET", self._path(session, "manifests", wanted), headers=_ACCEPT
        )
        if response.status != 200:
            raise _Refused(await read_refusal(response))
        async with response:
            body = await response.read(MANIFEST_LIMIT)
        if ":" in wanted:
            _verify(body, wanted)
        media_type = response.header("Content-Type").partition(";")[0].strip()
        return body, manifest_type(body, media_type, reference=self.reference)

    async def _open_blob_at(
        self, session: EndpointSession, digest: str, *, offset: int, patient: bool
    ) -> BlobStream:
        path = self._path(session, "blobs", digest)
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        response = await session.request("GET", path, headers=headers, patient=patient)
        if response.status == 416:
            response.close()
            response = await session.request("GET", path, patient=patient)
        start = start_of(response)
        if start is None or start > offset:
            raise _Refused(await read_refusal(response))
        return BlobStream(response, skip=offset - start)

    async def _tags_at(self, session: EndpointSession) -> list[str]:
        found: list[str] = []
        url = f"{session.endpoint.base}{self._path(session, 'tags', 'list')}?n=1000"
        for _ in range(_MOST_TAG_PAGES):
            response = await session.request("GET", "", url=url)
            if response.status != 200:
                raise _Refused(await read_refusal(response))
            following = _NEXT_PAGE.search(response.header("Link"))
            async with response:
                body = await response.read(_TAGS_LIMIT)
            try:
                found += msgspec.json.decode(body, type=_Tags).tags or []
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise InvalidArgument(f"error parsing tag list: {error}") from None
            if following is None:
                break
            url = urljoin(response.url, following[1])
        return found

    def _path(self, session: EndpointSession, kind: str, name: str) -> str:
        return f"{session.endpoint.repository(self.reference.path)}/{kind}/{name}"

    async def _ask(self, ask: Callable[[EndpointSession], Awaitable[_Answer]]) -> _Answer:
        try:
            return await self._first_answer(ask)
        except _Refused as refused:
            raise refusal_error(refused.refusal, self.reference) from None

    async def _first_answer(self, ask: Callable[[EndpointSession], Awaitable[_Answer]]) -> _Answer:
        """Ask the endpoints in order; the one that answered is asked first from then on.

        A mirror may fail in any way. The origin over plain HTTP is asked only where HTTPS gave
        no answer at all. The last failure is reported.
        """
        failure: BuduError | _Refused | None = None
        for session in tuple(self._sessions):
            try:
                answer = await ask(session)
            except RequestFailed as error:
                failure = request_error(error)
                if session.has_answered and not session.endpoint.is_mirror:
                    break
            except (BuduError, _Refused) as error:
                failure = error
                if not session.endpoint.is_mirror:
                    break
                if isinstance(error, _Refused):
                    self._mirror_refusal = error.refusal
            else:
                self._sessions.remove(session)
                self._sessions.insert(0, session)
                return answer
        assert failure is not None
        raise failure

    async def _refused(self, refusal: Refusal) -> BuduError:
        error = refusal_error(refusal, self.reference)
        if not self._hints:
            return error
        if refusal.code == "MANIFEST_UNKNOWN" and self.reference.tag:
            error.hint = await self._tag_hint(self.reference.tag)
        if refusal.status in {401, 403, 404} and _says_no_tag(error.hint):
            error.hint = await self._name_hint() or error.hint
        return error

    async def _name_hint(self) -> Hint | None:
        """Names that may have been meant: of the registry's catalogue, and official ones."""
        is_hubs = self.reference.domain == DEFAULT_DOMAIN
        name = self.reference.familiar_name if is_hubs else self.reference.path
        known: list[str] = []
        with contextlib.suppress(BuduError, TimeoutError, _Refused):
            async with asyncio.timeout(_TAGS_DEADLINE_S):
                known = list(await self._first_answer(_catalog_at))
        if is_hubs:
            known = [Reference(DEFAULT_DOMAIN, each).familiar_name for each in known]
        if is_hubs and name not in known:
            known += [each for each in OFFICIAL if each not in known]
        domain = "" if is_hubs else f"{self.reference.domain}/"
        near = [domain + each for each in near_names(name, known)]
        if not near:
            return None
        return Hint(
            "distribution.name-near", name=domain + name, near=", ".join(near), first=near[0]
        )

    async def _tag_hint(self, tag: str) -> Hint | None:
        name = self.reference.familiar_name
        try:
            async with asyncio.timeout(_TAGS_DEADLINE_S):
                near = near_tags(tag, await self._first_answer(self._tags_at))
        except (BuduError, TimeoutError, _Refused):
            return None
        if not near:
            return Hint("distribution.tag-none", name=name)
        return Hint(
            "distribution.tag-near", name=name, tag=tag, near=", ".join(near), first=near[0]
        )


class _Refused(Exception):
    """Carries a refusal up to where the reference is known."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


async def _catalog_at(session: EndpointSession) -> list[str]:
    response = await session.scoped(_CATALOG_SCOPE).request("GET", "_catalog?n=1000")
    if response.status != 200:
        raise _Refused(await read_refusal(response))
    async with response:
        body = await response.read(_TAGS_LIMIT)
    try:
        return msgspec.json.decode(body, type=_Catalog).repositories or []
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


def _says_no_tag(hint: Hint | None) -> bool:
    """Whether nothing better is known than that the name leads nowhere."""
    return hint is None or hint.key not in {"distribution.tag-near", "distribution.tag-none"}


def _verify(body: bytes, digest: str) -> None:
    found = Digest.of(body)
    if found != digest:
        raise DataLoss(f"content verification failed for digest {digest}: got {found}")
