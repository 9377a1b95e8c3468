"""What a registry or the way to it refused, turned into our errors with Docker's sentences.

Two internal values never leave this package: `RequestFailed` (no usable HTTP answer came) and
`Refusal` (one came and said no). `request_error` and `refusal_error` turn them into `BuduError`.
Source: OCI distribution-spec 1.1 "Error Codes"; distribution `registry/client/errors.go`;
moby `daemon/internal/distribution/errors.go`.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Iterable

import msgspec

from budu.base.errors import (
    BuduError,
    Hint,
    InvalidArgument,
    NotFound,
    NotImplementedHere,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from budu.distribution.auth import Challenge
from budu.spec.reference import Reference

_BODY_IN_MESSAGE = 500

_CODES: dict[str, tuple[type[BuduError], str]] = {
    "BLOB_UNKNOWN": (NotFound, "blob unknown to registry"),
    "BLOB_UPLOAD_INVALID": (InvalidArgument, "blob upload invalid"),
    "BLOB_UPLOAD_UNKNOWN": (NotFound, "blob upload unknown to registry"),
    "DENIED": (PermissionDenied, "requested access to the resource is denied"),
    "DIGEST_INVALID": (InvalidArgument, "provided digest did not match uploaded content"),
    "MANIFEST_BLOB_UNKNOWN": (NotFound, "blob unknown to registry"),
    "MANIFEST_INVALID": (InvalidArgument, "manifest invalid"),
    "MANIFEST_UNKNOWN": (NotFound, "manifest unknown"),
    "MANIFEST_UNVERIFIED": (InvalidArgument, "manifest failed signature verification"),
    "NAME_INVALID": (InvalidArgument, "invalid repository name"),
    "NAME_UNKNOWN": (NotFound, "repository name not known to registry"),
    "PAGINATION_NUMBER_INVALID": (InvalidArgument, "invalid number of results requested"),
    "RANGE_INVALID": (InvalidArgument, "invalid content range"),
    "SIZE_INVALID": (InvalidArgument, "provided length did not match content length"),
    "TAG_INVALID": (InvalidArgument, "manifest tag did not match URI"),
    "TOOMANYREQUESTS": (ResourceExhausted, "too many requests"),
    "UNAUTHORIZED": (Unauthenticated, "authentication required"),
    "UNAVAILABLE": (Unavailable, "service unavailable"),
    "UNKNOWN": (Unavailable, "unknown error"),
    "UNSUPPORTED": (NotImplementedHere, "The operation is unsupported."),
}
_STATUSES: dict[int, type[BuduError]] = {
    400: InvalidArgument,
    401: Unauthenticated,
    403: PermissionDenied,
    404: NotFound,
    429: ResourceExhausted,
}
_BEARER_ERRORS = {"invalid_token": "UNAUTHORIZED", "insufficient_scope": "DENIED"}
_FALLBACK_CODES = {401: "UNAUTHORIZED", 429: "TOOMANYREQUESTS"}


class Step(enum.StrEnum):
    """How far a request came before it failed."""

    NAME = "name"
    ROUTE = "route"
    TLS = "tls"
    HTTP = "http"


class RequestFailed(Exception):
    """No usable HTTP answer came. Internal: `request_error` makes a `BuduError` of it."""

    def __init__(self, step: Step, sentence: str, *, method: str, url: str, cause: str) -> None:
        super().__init__(sentence)
        self.step = step
        self.sentence = sentence
        self.method = method
        self.url = url
        self.cause = cause

    @property
    def message(self) -> str:
        """Docker's sentence: `Get "https://host/v2/": dial tcp: lookup host: no such host`."""
        return f'{self.method.capitalize()} "{self.url}": {self.sentence}'


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer that says no."""

    status: int
    reason: str
    code: str = ""
    """The registry's error code, or empty where the body had none."""
    message: str = ""
    """The registry's own words for the code, or what was wrong with its body."""
    reset_s: float | None = None
    """Seconds until a rate limit ends, where the registry says it."""

    @property
    def sentence(self) -> str:
        """`manifest unknown: manifest unknown`, or what Docker says of a body without a code."""
        if self.code:
            return f"{self.code.lower().replace('_', ' ')}: {self.message}"
        return self.message or f"received unexpected HTTP status: {self.status} {self.reason}"


class _ErrorEntry(msgspec.Struct):
    code: str = ""
    message: str = ""


class _ErrorBody(msgspec.Struct):
    errors: list[_ErrorEntry] = []
    details: str = ""


def parse_refusal(
    status: int, reason: str, *, body: bytes = b"", challenges: Iterable[Challenge] = ()
) -> Refusal:
    """Read a refusal: what the bearer challenge says first, then the body's first error."""
    for challenge in challenges:
        code = _BEARER_ERRORS.get(challenge.parameters.get("error", ""))
        if challenge.scheme == "bearer" and code and 400 <= status < 500:
            words = challenge.parameters.get("error_description") or _CODES[code][1]
            return Refusal(status=status, reason=reason, code=code, message=words)
    if status >= 500:
        return _server_refusal(status, reason, body)
    return _client_refusal(status, reason, body)


def _server_refusal(status: int, reason: str, body: bytes) -> Refusal:
    parsed = _decode(body)
    if parsed is None or not parsed.errors:
        return Refusal(status=status, reason=reason)
    return _coded(status, reason, parsed.errors[0])


def _client_refusal(status: int, reason: str, body: bytes) -> Refusal:
    parsed = _decode(body)
    fallback = _FALLBACK_CODES.get(status, "")
    if parsed is not None and parsed.errors:
        return _coded(status, reason, parsed.errors[0])
    if parsed is not None and parsed.details:
        return Refusal(
            status=status, reason=reason, code=fallback or "UNKNOWN", message=parsed.details
        )
    if fallback:
        return Refusal(status=status, reason=reason, code=fallback, message=_CODES[fallback][1])
    text = body[:_BODY_IN_MESSAGE].decode(errors="replace")
    why = "no error details found in HTTP response body" if parsed else "invalid JSON"
    return Refusal(
        status=status,
        reason=reason,
        message=f"error parsing HTTP {status} response body: {why}: {_quoted(text)}",
    )


def _decode(body: bytes) -> _ErrorBody | None:
    try:
        return msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _coded(status: int, reason: str, entry: _ErrorEntry) -> Refusal:
    code = entry.code or "UNKNOWN"
    message = entry.message or _CODES.get(code, (BuduError, "unknown error"))[1]
    return Refusal(status=status, reason=reason, code=code, message=message)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def refusal_error(refusal: Refusal, reference: Reference) -> BuduError:
    """The error for a refusal while pulling `reference`, worded as Docker's daemon does."""
    name, sentence = reference.familiar_name, refusal.sentence
    if refusal.code == "DENIED":
        return NotFound(
            f"pull access denied for {name}, repository does not exist or may require "
            f"'docker login': {sentence}",
            hint=Hint("distribution.access-denied", name=name, registry=reference.domain),
            reference=reference.familiar,
        )
    if refusal.code == "MANIFEST_UNKNOWN":
        return NotFound(
            f"manifest for {reference.familiar} not found: {sentence}",
            reference=reference.familiar,
        )
    if refusal.code == "NAME_UNKNOWN":
        return NotFound(
            f"repository {name} not found: {sentence}",
            hint=Hint("distribution.repository-unknown", name=name, registry=reference.domain),
            reference=reference.familiar,
        )
    return refusal_class(refusal)(
        sentence, hint=_refusal_hint(refusal, reference), reference=reference.familiar
    )


def push_error(refusal: Refusal, reference: Reference) -> BuduError:
    """The error for a refusal while pushing to `reference`, worded as Docker's daemon does."""
    hint = _refusal_hint(refusal, reference)
    if refusal.code == "DENIED" or refusal.status in {401, 403}:
        name = reference.familiar_name
        hint = Hint("distribution.push-denied", name=name, registry=reference.domain)
    return refusal_class(refusal)(refusal.sentence, hint=hint, reference=reference.familiar)


def refusal_class(refusal: Refusal) -> type[BuduError]:
    """The class of our tree that a refusal belongs to."""
    if refusal.code in _CODES:
        return _CODES[refusal.code][0]
    return _STATUSES.get(refusal.status, Unavailable)


def _refusal_hint(refusal: Refusal, reference: Reference) -> Hint | None:
    registry = reference.domain
    if refusal.status == 429 and refusal.reset_s is not None:
        at = time.localtime(time.time() + refusal.reset_s)
        return Hint(
            "distribution.rate-limit-until",
            registry=registry,
            time=time.strftime("%H:%M", at),
            minutes=max(1, round(refusal.reset_s / 60)),
        )
    if refusal.status == 429:
        return Hint("distribution.rate-limit", registry=registry)
    if refusal.status == 401:
        return Hint("distribution.login-needed", registry=registry)
    if refusal.status >= 500:
        return Hint("distribution.registry-broken", registry=registry, status=refusal.status)
    return None


def no_basic_credentials(method: str, url: str, *, registry: str) -> Unauthenticated:
    """The error for a registry that wants a password when none was given."""
    return Unauthenticated(
        f'{method.capitalize()} "{url}": no basic auth credentials',
        hint=Hint("distribution.login-needed", registry=registry),
        reference=registry,
    )


def schema1_error(reference: Reference) -> InvalidArgument:
    """The refusal of image formats that Docker no longer pulls either."""
    return InvalidArgument(
        "Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been "
        f"removed. Suggest the author of {reference} to upgrade the image to the OCI Format or "
        "Docker Image manifest v2, schema 2. More information at "
        "https://docs.docker.com/go/deprecated-image-specs/",
        reference=reference.familiar,
    )
