"""Tags: lists, details, deletion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from sqlalchemy import Connection, Row

from budu.base.errors import BuduError, InvalidArgument
from budu.hub.options import Options
from budu.hub.repositories import documents, events, tag_details, tags
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.repositories.tag_details import Opened, kind_of
from budu.hub.repositories.tags import Image, Tag
from budu.hub.sentences import Sentence
from budu.hub.services import Services
from budu.hub.site_api import records
from budu.hub.site_api.render import moment, moment_or_none
from budu.hub.site_api.routing import Call, page_of
from budu.hub.tag_patterns import is_immutable
from budu.spec.digest import Digest

MOST_AT_ONCE = 500


async def get_tags(hub: Services, call: Call) -> records.TagPage:
    """A repository's tags."""
    asked, row = call.asked(records.TagsQuery), call.the_repository
    first, size = page_of(asked.page, asked.page_size)
    count, shown = await hub.database.read(
        lambda c: tags.page(c, row, query=asked.q, sort=asked.sort, first=first, count=size)
    )
    return records.TagPage(
        count=count, results=tuple(_tag(each, row, hub.options) for each in shown)
    )


def _tag(tag: Tag, row: RepositoryRow, options: Options) -> records.Tag:
    return records.Tag(
        name=tag.name,
        digest=tag.digest,
        media_type=tag.media_type,
        size_bytes=tag.size_bytes,
        images=tuple(records.TagImage(**_platform(image)) for image in tag.images),
        pushed_at=moment(tag.pushed_at),
        pushed_by=tag.pushed_by,
        pulled_at=moment_or_none(tag.pulled_at),
        is_immutable=is_immutable(tag.name, row.immutable_tags),
        pull_command=f"docker pull {options.pull_name(row.name)}:{tag.name}",
    )


def _platform(image: Image) -> dict[str, Any]:
    system, _, rest = image.platform.partition("/")
    architecture, _, variant = rest.partition("/")
    return {
        "digest": image.digest,
        "platform": image.platform,
        "os": system,
        "architecture": architecture,
        "variant": variant,
        "size_bytes": image.size_bytes,
    }


async def get_tag(hub: Services, call: Call) -> records.TagDetails:
    """A tag with the layers, settings and signatures of each platform."""
    row = call.the_repository
    details = await tag_details.read(hub.database, hub.blobs, row, call.path["tag"])
    hub.unpacking.want({digest for each in details.images for digest in _unmeasured(each)})
    return records.TagDetails(
        tag=_tag(details.tag, row, hub.options),
        images=tuple(_opened(each) for each in details.images),
        referrers=_referrers(details.referrers),
    )


def _opened(opened: Opened) -> records.TagImageDetails:
    layers = documents.shown_layers(opened.manifest, opened.config)
    part = opened.manifest.config
    return records.TagImageDetails(
        **_platform(opened.image),
        media_type=opened.media_type,
        artifact_type=opened.artifact_type,
        unpacked_bytes=opened.unpacked_bytes,
        is_measuring=bool(_unmeasured(opened)),
        config_digest=part.digest if part else None,
        settings=_settings(opened.config),
        layers=tuple(
            records.Layer(
                command=each.command,
                created_at=each.created,
                comment=each.comment,
                digest=each.digest,
                size_bytes=each.size_bytes,
            )
            for each in layers
        ),
        dockerfile=documents.dockerfile(layers, opened.config),
        referrers=_referrers(opened.referrers),
    )


def _unmeasured(opened: Opened) -> tuple[Digest, ...]:
    return opened.unmeasured if opened.config is not None else ()


def _settings(config: documents.Config | None) -> records.ImageSettings | None:
    if config is None:
        return None
    run = config.config or documents.Run()
    return records.ImageSettings(
        created_at=config.created,
        author=config.author,
        user=run.user,
        working_dir=run.working_dir,
        entrypoint=run.entrypoint or (),
        cmd=run.cmd or (),
        env=run.env or (),
        exposed_ports=tuple(sorted(run.exposed_ports or ())),
        volumes=tuple(sorted(run.volumes or ())),
        labels=run.labels or {},
        stop_signal=run.stop_signal,
    )


def _referrers(rows: Sequence[Row[Any]]) -> tuple[records.Referrer, ...]:
    return tuple(
        records.Referrer(
            digest=row.digest,
            kind=cast(
                Literal["signature", "attestation", "sbom", "other"],
                kind_of(row.artifact_type, tag=getattr(row, "tag", "")),
            ),
            artifact_type=row.artifact_type,
            size_bytes=row.image_bytes,
            annotations=dict(row.annotations or {}),
            pushed_at=moment(row.pushed_at),
        )
        for row in rows
    )


async def delete_tag(hub: Services, call: Call) -> records.Done:
    """Remove a tag."""
    row, name = call.the_repository, call.path["tag"]
    await hub.database.write(lambda c: events.delete_tag(c, hub.options, row, name, call.author))
    hub.deliveries.wake()
    return records.Done()


async def delete_tags(hub: Services, call: Call) -> records.TagsDeleted:
    """Remove several tags; those that can't go are told with their reasons."""
    row, names = call.the_repository, call.given(records.TagNames).tags
    if not 1 <= len(names) <= MOST_AT_ONCE:
        raise InvalidArgument(Sentence("hub.bad-value", field="tags"))

    def delete(connection: Connection) -> records.TagsDeleted:
        deleted, refused = [], []
        for name in dict.fromkeys(names):
            try:
                events.delete_tag(connection, hub.options, row, name, call.author)
                deleted.append(name)
            except BuduError as error:
                refused.append(records.TagRefused(tag=name, message=_told(error, call.language)))
        return records.TagsDeleted(deleted=tuple(deleted), refused=tuple(refused))

    answer = await hub.database.write(delete)
    hub.deliveries.wake()
    return answer


def _told(error: BuduError, language: str) -> str:
    message = error.message
    return message.in_language(language) if isinstance(message, Sentence) else message
