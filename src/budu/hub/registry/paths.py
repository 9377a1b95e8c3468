"""The paths below `/v2/`, and the grammar of what stands in them. Pure.

Names have slashes, so a path is read from its end.
Source: OCI distribution-spec 1.1, "Endpoints", "Pulling manifests".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from budu.base.errors import InvalidArgument
from budu.hub.registry.errors import DigestInvalid, NameInvalid, PathUnknown
from budu.spec.digest import Digest
from budu.spec.reference import OFFICIAL_PREFIX

_NAME = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\Z"
)
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}\Z")
_NAME_LENGTH = 255


class Kind(StrEnum):
    """What a path names."""

    ROOT = "root"
    CATALOG = "catalog"
    TAGS = "tags"
    MANIFEST = "manifest"
    BLOB = "blob"
    UPLOADS = "uploads"
    UPLOAD = "upload"
    REFERRERS = "referrers"


@dataclass(frozen=True)
class Target:
    """A path that was read."""

    kind: Kind
    name: str = ""
    """The repository; `library/httpd` also for `httpd`."""
    last: str = ""
    """The tag or digest, or the upload."""


def parse_path(path: str) -> Target:
    """What `/v2/…` names. Raises: PathUnknown; NameInvalid."""
    rest = path.removeprefix("/v2").removeprefix("/")
    if not rest:
        return Target(Kind.ROOT)
    if rest == "_catalog":
        return Target(Kind.CATALOG)
    head, _, last = rest.rpartition("/")
    name, _, word = head.rpartition("/")
    match word:
        case "manifests" if name and last:
            return Target(Kind.MANIFEST, repository_name(name), last)
        case "blobs" if name and last == "uploads":
            return Target(Kind.UPLOADS, repository_name(name))
        case "blobs" if name and last:
            return Target(Kind.BLOB, repository_name(name), last)
        case "uploads" if name.endswith("/blobs"):
            name = repository_name(name.removesuffix("/blobs"))
            return Target(Kind.UPLOAD, name, last) if last else Target(Kind.UPLOADS, name)
        case "referrers" if name and last:
            return Target(Kind.REFERRERS, repository_name(name), last)
        case "tags" if name and last == "list":
            return Target(Kind.TAGS, repository_name(name))
    raise PathUnknown("404 page not found")


def repository_name(text: str) -> str:
    """A whole name; `httpd` is `library/httpd`. Raises: NameInvalid."""
    name = text if "/" in text else OFFICIAL_PREFIX + text
    if len(name) > _NAME_LENGTH or not _NAME.match(name):
        raise NameInvalid("invalid repository name", reference=text[:_NAME_LENGTH])
    return name


def is_tag(text: str) -> bool:
    """Whether it may be a tag."""
    return bool(_TAG.match(text))


def read_digest(text: str) -> Digest:
    """Raises: DigestInvalid for anything but a sha256 digest."""
    try:
        return Digest(text)
    except InvalidArgument:
        raise DigestInvalid("provided digest is not supported", reference=text[:100]) from None
