"""The registry's errors: what they are called and which status they have.

One table from error classes to codes; classes that only a registry knows are below, each one a
class of `base.errors`, so that other edges can map them too.
Source: OCI distribution-spec 1.1, "Error Codes"; distribution, registry/api/errcode.
"""

from __future__ import annotations

import logging

import msgspec
from aiohttp import web

from budu.base.errors import (
    AlreadyExists,
    BuduError,
    Conflict,
    DataLoss,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    NotFound,
    NotImplementedHere,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)

log = logging.getLogger(__name__)
API_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
"""What every answer says, since old clients look for it."""


class BlobUnknown(NotFound):
    """The repository shows no such blob."""


class UploadUnknown(NotFound):
    """There is no such upload, or it is another repository's."""


class ManifestUnknown(NotFound):
    """The repository has no such manifest or tag."""


class NameInvalid(InvalidArgument):
    """Not a repository's name."""


class TagInvalid(InvalidArgument):
    """Not a tag's name."""


class DigestInvalid(InvalidArgument):
    """Not a digest, or not that of the bytes."""


class SizeInvalid(InvalidArgument):
    """More or fewer bytes than were announced."""


class ManifestInvalid(InvalidArgument):
    """Not a manifest, or not of the type that it claims."""


class ManifestTooLarge(InvalidArgument):
    """More bytes than a manifest may have."""


class ManifestBlobUnknown(InvalidArgument):
    """The manifest names something that the repository does not have."""


class PageInvalid(InvalidArgument):
    """Not a number of entries."""


class RangeInvalid(InvalidArgument):
    """A chunk that does not begin where the upload ends."""

    def __init__(self, message: str, *, size: int) -> None:
        super().__init__(message)
        self.size = size


class UploadBusy(Conflict):
    """Another request appends to the upload."""


class MethodUnsupported(NotImplementedHere):
    """The path exists, the method does not."""

    def __init__(self, message: str, *, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


class PathUnknown(NotFound):
    """No path of a registry."""


class TooManyRequests(ResourceExhausted):
    """The asker's pulls are used up."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


_TABLE: dict[type[BuduError], tuple[int, str]] = {
    BlobUnknown: (404, "BLOB_UNKNOWN"),
    UploadUnknown: (404, "BLOB_UPLOAD_UNKNOWN"),
    ManifestUnknown: (404, "MANIFEST_UNKNOWN"),
    NameInvalid: (400, "NAME_INVALID"),
    TagInvalid: (400, "TAG_INVALID"),
    DigestInvalid: (400, "DIGEST_INVALID"),
    SizeInvalid: (400, "SIZE_INVALID"),
    ManifestInvalid: (400, "MANIFEST_INVALID"),
    ManifestTooLarge: (413, "MANIFEST_INVALID"),
    ManifestBlobUnknown: (400, "MANIFEST_BLOB_UNKNOWN"),
    PageInvalid: (400, "PAGINATION_NUMBER_INVALID"),
    RangeInvalid: (416, "BLOB_UPLOAD_INVALID"),
    UploadBusy: (409, "BLOB_UPLOAD_INVALID"),
    MethodUnsupported: (405, "UNSUPPORTED"),
    PathUnknown: (404, "UNSUPPORTED"),
    TooManyRequests: (429, "TOOMANYREQUESTS"),
    Unauthenticated: (401, "UNAUTHORIZED"),
    PermissionDenied: (403, "DENIED"),
    NotFound: (404, "NAME_UNKNOWN"),
    AlreadyExists: (409, "DENIED"),
    Conflict: (409, "DENIED"),
    InvalidArgument: (400, "UNSUPPORTED"),
    NotImplementedHere: (405, "UNSUPPORTED"),
    ResourceExhausted: (507, "UNAVAILABLE"),
    Unavailable: (503, "UNAVAILABLE"),
    DeadlineExceeded: (504, "UNAVAILABLE"),
    DataLoss: (500, "UNKNOWN"),
    Internal: (500, "UNKNOWN"),
    BuduError: (500, "UNKNOWN"),
}


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    code: str
    message: str
    detail: object = None


class _Body(msgspec.Struct, frozen=True):
    errors: list[_Entry]


def status_and_code(error: BuduError) -> tuple[int, str]:
    """The nearest class's row of the table."""
    return next(_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE)


def answer(error: BuduError) -> web.Response:
    """The error as an answer. Logs what is the hub's own fault; tells the client no details."""
    status, code = status_and_code(error)
    message = str(error.message)  # a plain text, also of a sentence in two languages
    if status == 500:
        log.error("a registry request failed: %s", error, exc_info=error)
        message = "unknown error"
    detail = {"reference": str(error.reference)} if error.reference else None
    body = _Body([_Entry(code, message, detail)])
    response = web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/json",
        headers=API_VERSION,
    )
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, MethodUnsupported):
        response.headers["Allow"] = error.allowed
    if isinstance(error, RangeInvalid):
        response.headers["Range"] = f"0-{max(0, error.size - 1)}"
    return response
