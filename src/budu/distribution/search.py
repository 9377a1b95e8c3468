"""Search: the index API of registries that have it, their catalogue where they have not.

    debian            Docker Hub's index; its mirrors are asked first, they may know more
    host:5000/web     that registry's

Source: Engine API 1.51 ImageSearch; moby 28.3, daemon/pkg/registry/search.go; OCI
distribution-spec 1.1 has no search, `_catalog` is Docker's registry's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import quote

import msgspec

from budu.base.errors import BuduError, InvalidArgument
from budu.distribution.auth import ANONYMOUS, Credentials
from budu.distribution.client import Registries
from budu.distribution.diagnose import request_error
from budu.distribution.errors import Refusal, RequestFailed, refusal_class
from budu.distribution.hosts import Endpoint, is_hub
from budu.distribution.known_names import SYNONYMS
from budu.distribution.session import EndpointSession, read_refusal
from budu.spec.reference import DEFAULT_DOMAIN

DEFAULT_LIMIT = 25
_INDEX = Endpoint(scheme="https", host="index.docker.io")
_BODY_LIMIT = 4 << 20
_NO_INDEX = frozenset({400, 404, 405, 501})


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """A repository that fits."""

    name: str = ""
    description: str | None = ""
    star_count: int = 0
    is_official: bool = False
    is_automated: bool = False


class _Results(msgspec.Struct):
    results: list[SearchHit] | None = None


_Answer = TypeVar("_Answer")


class _Catalog(msgspec.Struct):
    repositories: list[str] | None = None


async def search(
    registries: Registries,
    term: str,
    *,
    limit: int = DEFAULT_LIMIT,
    credentials: Credentials = ANONYMOUS,
) -> list[SearchHit]:
    """Repositories that fit `term`, the exact and official ones first.

    Raises: InvalidArgument for the term and the limit; what the registry and the way to it raise.
    """
    if not 1 <= limit <= 100:
        raise InvalidArgument(f"limit {limit} is outside the range of [1, 100]")
    domain, words = split_term(term)
    failure: BuduError | None = None
    for endpoint in await _endpoints(registries, domain):
        session = registries.session(endpoint, credentials=credentials, scope="")
        try:
            hits = await _search_at(session, words, limit=limit, domain=domain)
        except RequestFailed as error:
            failure = failure or request_error(error)
            continue
        except BuduError as error:
            failure = failure or error
            continue
        prefix = "" if domain == DEFAULT_DOMAIN else f"{domain}/"
        return _ordered(hits, words, prefix=prefix)[:limit]
    assert failure is not None
    raise failure


def split_term(term: str) -> tuple[str, str]:
    """Registry and words of a search term. Raises: InvalidArgument with Docker's sentence."""
    if "://" in term:
        message = f"invalid repository name: repository name ({term}) should not have a scheme"
        raise InvalidArgument(message)
    first, slash, rest = term.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return DEFAULT_DOMAIN, term
    return (DEFAULT_DOMAIN, rest.removeprefix("library/")) if is_hub(first) else (first, rest)


async def catalog(session: EndpointSession, *, limit: int = 1000) -> list[str]:
    """Names of a registry's repositories, the first page.

    Raises: RequestFailed; what the registry says.
    """
    response = await session.request("GET", f"_catalog?n={limit}")
    if response.status != 200:
        raise _refused(await read_refusal(response))
    async with response:
        body = await response.read(_BODY_LIMIT)
    return _decoded(body, _Catalog).repositories or []


async def _endpoints(registries: Registries, domain: str) -> tuple[Endpoint, ...]:
    found = await registries.endpoints(domain)
    if not is_hub(domain):
        return found
    return (*(each for each in found if each.is_mirror), _INDEX)


async def _search_at(
    session: EndpointSession, words: str, *, limit: int, domain: str
) -> list[SearchHit]:
    """What the endpoint's index knows; its catalogue when it has no index."""
    endpoint = session.endpoint
    query = f"q={quote(words)}&n={limit}"
    url = f"{endpoint.base.removesuffix('v2/')}v1/search?{query}"
    response = await session.request("GET", "", url=url)
    if response.status == 200:
        async with response:
            return _decoded(await response.read(_BODY_LIMIT), _Results).results or []
    refusal = await read_refusal(response)
    if refusal.status not in _NO_INDEX:
        raise _refused(refusal)
    names = await catalog(session)
    meant = {words.lower(), SYNONYMS.get(words.lower(), words.lower())}
    found = [name for name in names if any(word in name for word in meant)]
    return [_of_catalog(name, is_hubs=domain == DEFAULT_DOMAIN) for name in found]


def _of_catalog(path: str, *, is_hubs: bool) -> SearchHit:
    """A name as it can be pulled: only Docker Hub's leave `library/` out."""
    bare = path.removeprefix("library/")
    is_official = is_hubs and path != bare and "/" not in bare
    return SearchHit(name=bare if is_official else path, is_official=is_official)


def _ordered(hits: Iterable[SearchHit], words: str, *, prefix: str) -> list[SearchHit]:
    """Exact names, official ones, the most stars, then by name."""
    wanted = {words, SYNONYMS.get(words.lower(), words)}

    def rank(hit: SearchHit) -> tuple[bool, bool, int, str]:
        return hit.name not in wanted, not hit.is_official, -hit.star_count, hit.name

    ordered = sorted(hits, key=rank)
    if not prefix:
        return ordered
    return [msgspec.structs.replace(hit, name=prefix + hit.name) for hit in ordered]


def _decoded(body: bytes, kind: type[_Answer]) -> _Answer:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"error parsing the registry's answer: {error}") from None


def _refused(refusal: Refusal) -> BuduError:
    return refusal_class(refusal)(refusal.sentence)
