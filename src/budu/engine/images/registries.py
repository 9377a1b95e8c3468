"""Questions to registries: search, tags, what a name stands for, lists of manifests.

Source: Engine API 1.51 ImageSearch, DistributionInspect; docker/cli 28.2, cli/command/manifest
(what a list is made of).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from budu.base.clock import parse_time
from budu.base.errors import BuduError, InvalidArgument
from budu.base.filters import Filters
from budu.distribution.auth import Credentials, decode_registry_auth
from budu.distribution.choose import is_attestation
from budu.distribution.client import Registries
from budu.distribution.push import PushDocument, Pusher, PushPlan
from budu.distribution.repository import Repository
from budu.distribution.search import DEFAULT_LIMIT, SearchHit, search
from budu.distribution.tags import newest_first
from budu.distribution.upload import PushBlob
from budu.engine.contract.registries import (
    ListEntry,
    RemoteImage,
    RemoteManifest,
    RemoteTag,
    RemoteTags,
)
from budu.spec.digest import Digest
from budu.spec.image import (
    INDEX_TYPES,
    MEDIA_DOCKER_INDEX,
    MEDIA_DOCKER_MANIFEST,
    MEDIA_OCI_INDEX,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
)
from budu.spec.platform import Platform, host_platform, platform_rank
from budu.spec.reference import DEFAULT_TAG, Reference, parse_reference

SORTS = ("version", "age", "size")
_AT_ONCE = 8
_SEARCH_KEYS = frozenset({"is-automated", "is-official", "stars"})


class RegistryService:
    """See `engine.contract.registries.RegistryQueries`."""

    def __init__(self, registries: Registries, pusher: Pusher) -> None:
        self._registries = registries
        self._pusher = pusher

    async def search(
        self, term: str, *, limit: int | None, filters: Filters, registry_auth: str
    ) -> list[SearchHit]:
        """See `RegistryQueries.search`."""
        filters.check_keys(_SEARCH_KEYS)
        stars = [_stars(text) for text in filters.get("stars")]
        hits = await search(
            self._registries,
            term,
            limit=DEFAULT_LIMIT if limit is None else limit,
            credentials=decode_registry_auth(registry_auth),
        )
        for key, field in (("is-official", "is_official"), ("is-automated", "is_automated")):
            if key in filters:
                wanted = filters.boolean(key, default=False)
                hits = [hit for hit in hits if getattr(hit, field) == wanted]
        return [hit for hit in hits if all(hit.star_count >= each for each in stars)]

    async def describe(self, name: str, *, registry_auth: str) -> RemoteImage:
        """See `RegistryQueries.describe`."""
        repository = await self._open(name, registry_auth)
        descriptor = await repository.resolve()
        return RemoteImage(
            descriptor=descriptor, platforms=await self._platforms(repository, descriptor)
        )

    async def tags(self, name: str, *, limit: int, sort: str, registry_auth: str) -> RemoteTags:
        """See `RegistryQueries.tags`."""
        if sort not in SORTS:
            raise InvalidArgument(f"invalid sort {sort!r}: must be one of {', '.join(SORTS)}")
        reference = parse_reference(name)
        credentials = decode_registry_auth(registry_auth)
        repository = await self._registries.repository(
            reference.with_tag(DEFAULT_TAG), credentials=credentials
        )
        names = newest_first(await repository.tags())
        if DEFAULT_TAG in names:
            names = [DEFAULT_TAG, *(each for each in names if each != DEFAULT_TAG)]
        slots = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(
                    self._tag(reference.with_tag(tag), credentials, slots), name=f"tag {tag}"
                )
                for tag in names[:limit]
            ]
        found = _with_equals([task.result() for task in tasks])
        if sort == "size":
            found.sort(key=lambda each: -each.size)
        elif sort == "age":
            found.sort(key=lambda each: -_moment(each.created))
        return RemoteTags(name=reference.familiar_name, total=len(names), tags=tuple(found))

    async def manifest(self, name: str, *, registry_auth: str) -> RemoteManifest:
        """See `RegistryQueries.manifest`."""
        repository = await self._open(name, registry_auth)
        descriptor = await repository.resolve()
        body = await repository.fetch_manifest(descriptor)
        if descriptor.media_type not in INDEX_TYPES:
            (platform,) = await self._platforms(repository, descriptor)
            descriptor = msgspec.structs.replace(descriptor, platform=platform)
        return RemoteManifest(
            ref=str(repository.reference),
            descriptor=descriptor,
            document=msgspec.Raw(body),
            raw=body,
        )

    async def push_list(
        self, name: str, entries: Sequence[ListEntry], *, registry_auth: str
    ) -> Descriptor:
        """See `RegistryQueries.push_list`."""
        target = parse_reference(name).with_default_tag()
        if not entries:
            raise InvalidArgument(f"{target.familiar} is a list without manifests")
        documents, blobs = [], {}
        for entry in entries:
            body, parts = await self._member(target, entry, registry_auth)
            documents.append(PushDocument(body=body, media_type=entry.descriptor.media_type))
            blobs.update({each.digest: each for each in parts})
        root = _list_document(entries)
        plan = PushPlan(reference=target, blobs=tuple(blobs.values()), documents=(*documents, root))
        digest = await self._pusher.push(plan, credentials=decode_registry_auth(registry_auth))
        return Descriptor(media_type=root.media_type, digest=str(digest), size=len(root.body))

    async def _member(
        self, target: Reference, entry: ListEntry, registry_auth: str
    ) -> tuple[bytes, list[PushBlob]]:
        """A manifest of a list, and the blobs that the list's repository must have for it."""
        source = parse_reference(entry.ref)
        if source.domain != target.domain:
            raise InvalidArgument(
                "cannot use source images from a different registry than the target image: "
                f"{source.domain} != {target.domain}"
            )
        repository = await self._open(
            str(source.with_digest(Digest(entry.descriptor.digest))), registry_auth
        )
        body = await repository.fetch_manifest(entry.descriptor)
        manifest = msgspec.json.decode(body, type=Manifest)
        sources = () if source.path == target.path else (source.path,)
        parts = [
            PushBlob(digest=Digest(part.digest), size=part.size, sources=sources)
            for part in (manifest.config, *manifest.layers)
        ]
        return body, parts

    async def _open(self, name: str, registry_auth: str) -> Repository:
        reference = parse_reference(name).with_default_tag()
        credentials = decode_registry_auth(registry_auth)
        return await self._registries.repository(reference, credentials=credentials)

    async def _platforms(
        self, repository: Repository, descriptor: Descriptor
    ) -> tuple[Platform, ...]:
        body = await repository.fetch_manifest(descriptor)
        if descriptor.media_type in INDEX_TYPES:
            index = msgspec.json.decode(body, type=Index)
            return tuple(each.platform for each in index.manifests if each.platform is not None)
        config = await self._config(repository, msgspec.json.decode(body, type=Manifest))
        return (config.platform,)

    async def _config(self, repository: Repository, manifest: Manifest) -> ImageConfig:
        body = await repository.fetch_blob(manifest.config)
        try:
            return msgspec.json.decode(body, type=ImageConfig)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ImageConfig()

    async def _tag(
        self, name: Reference, credentials: Credentials, slots: asyncio.Semaphore
    ) -> RemoteTag:
        tag = name.tag or ""
        async with slots:
            try:
                repository = await self._registries.repository(name, credentials=credentials)
                return await self._look(repository, tag)
            except BuduError as error:
                return RemoteTag(tag=tag, error=error.message)

    async def _look(self, repository: Repository, tag: str) -> RemoteTag:
        root = await repository.resolve()
        body = await repository.fetch_manifest(root)
        offered: tuple[str, ...] = ()
        if root.media_type in INDEX_TYPES:
            entries = msgspec.json.decode(body, type=Index).manifests
            images = [each for each in entries if not is_attestation(each)]
            offered = tuple(str(each.platform) for each in images if each.platform is not None)
            if not images:
                return RemoteTag(tag=tag, digest=str(root.digest))
            body = await repository.fetch_manifest(_for_host(images))
        manifest = msgspec.json.decode(body, type=Manifest)
        config = await self._config(repository, manifest)
        return RemoteTag(
            tag=tag,
            digest=str(root.digest),
            size=manifest.config.size + sum(layer.size for layer in manifest.layers),
            created=config.created or "",
            platforms=offered or (str(config.platform),),
        )


def _for_host(images: Sequence[Descriptor]) -> Descriptor:
    host = host_platform()
    return max(images, key=lambda each: platform_rank(host, each.platform or Platform()))


def _with_equals(tags: list[RemoteTag]) -> list[RemoteTag]:
    by_digest: dict[str, list[str]] = {}
    for each in tags:
        if each.digest:
            by_digest.setdefault(each.digest, []).append(each.tag)
    return [
        msgspec.structs.replace(
            each,
            same_as=tuple(name for name in by_digest.get(each.digest, ()) if name != each.tag),
        )
        for each in tags
    ]


def _list_document(entries: Sequence[ListEntry]) -> PushDocument:
    """Of Docker's type when all manifests are, else OCI's."""
    is_docker = all(each.descriptor.media_type == MEDIA_DOCKER_MANIFEST for each in entries)
    media_type = MEDIA_DOCKER_INDEX if is_docker else MEDIA_OCI_INDEX
    index = Index(
        schema_version=2,
        media_type=media_type,
        manifests=tuple(each.descriptor for each in entries),
    )
    return PushDocument(body=msgspec.json.encode(index), media_type=media_type)


def _stars(text: str) -> int:
    if not text.isdigit():
        raise InvalidArgument(f"invalid filter 'stars={text}'")
    return int(text)


def _moment(created: str) -> int:
    try:
        return parse_time(created) if created else 0
    except BuduError:
        return 0
