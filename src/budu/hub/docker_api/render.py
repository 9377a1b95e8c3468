"""Rows and entries as Docker Hub's documents. Pure."""

from __future__ import annotations

from budu.hub.access import Role
from budu.hub.docker_api import records
from budu.hub.repositories.categories import CATEGORIES
from budu.hub.repositories.facts import RepositoryRow
from budu.hub.repositories.search import Entry
from budu.hub.repositories.tags import Image, Tag
from budu.hub.site_api.render import moment, moment_or_none


def familiar(entry: Entry) -> str:
    """`httpd`, `ann/web`: official images go without their account."""
    return entry.title if entry.account == "library" else entry.name


def found(entry: Entry) -> records.Found:
    """A result of the old search."""
    return records.Found(
        name=familiar(entry),
        description=entry.summary,
        star_count=entry.stars,
        is_official=entry.is_official,
    )


def found_v2(entry: Entry) -> records.FoundV2:
    """A result of the new search."""
    return records.FoundV2(
        repo_name=familiar(entry),
        short_description=entry.summary,
        star_count=entry.stars,
        pull_count=entry.pulls,
        is_official=entry.is_official,
    )


def listed(row: RepositoryRow) -> records.ListedRepository:
    """A repository in a list."""
    return records.ListedRepository(**_common(row))  # type: ignore[arg-type]  # by name


def _common(row: RepositoryRow) -> dict[str, object]:
    known = (slug for slug in row.categories if slug in CATEGORIES)
    return {
        "name": row.name.partition("/")[2],
        "namespace": row.account_name,
        "repository_type": row.product,
        "description": row.summary,
        "is_private": row.is_private,
        "star_count": row.stars,
        "pull_count": row.pulls,
        "last_updated": moment_or_none(row.pushed_at),
        "last_modified": moment(row.updated_at),
        "date_registered": moment(row.created_at),
        "content_types": (row.product,),
        "categories": tuple(
            records.Category(name=CATEGORIES[slug][0], slug=slug) for slug in known
        ),
    }


def repository(row: RepositoryRow, role: Role, *, has_starred: bool) -> records.Repository:
    """A repository, whole."""
    permissions = records.Permissions(
        read=role >= Role.READER, write=role >= Role.WRITER, admin=role >= Role.OWNER
    )
    own: dict[str, object] = {
        "user": row.account_name,
        "hub_user": row.account_name,
        "has_starred": has_starred,
        "full_description": row.overview,
        "permissions": permissions,
    }
    return records.Repository(**_common(row), **own)  # type: ignore[arg-type]  # by name


def tag(tag: Tag, row: RepositoryRow) -> records.Tag:
    """A tag."""
    return records.Tag(
        name=tag.name,
        digest=tag.digest,
        media_type=tag.media_type,
        content_type=row.product,
        images=tuple(_image(image, tag) for image in tag.images),
        full_size=tag.size_bytes,
        last_updated=moment(tag.pushed_at),
        last_updater_username=tag.pushed_by,
        tag_last_pulled=moment_or_none(tag.pulled_at),
        tag_last_pushed=moment(tag.pushed_at),
        repository=row.id,
    )


def _image(image: Image, tag: Tag) -> records.TagImage:
    system, _, rest = image.platform.partition("/")
    architecture, _, variant = rest.partition("/")
    return records.TagImage(
        architecture=architecture or "unknown",
        variant=variant or None,
        digest=image.digest,
        os=system or "unknown",
        size=image.size_bytes,
        last_pulled=moment_or_none(tag.pulled_at),
        last_pushed=moment(tag.pushed_at),
    )
