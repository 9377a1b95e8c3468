"""From an HTTP answer back to the class of error that the engine raised. Light.

The engine's table is `api.errors`; this is its inverse.
"""

from __future__ import annotations

from budu.base.errors import (
    AlreadyExists,
    BuduError,
    Conflict,
    DataLoss,
    DeadlineExceeded,
    Hint,
    Internal,
    InvalidArgument,
    NotFound,
    NotImplementedHere,
    NotModified,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from budu.client.json import loads

PREFIX = "Error response from daemon: "
"""Docker's clients put it before what the engine said; people and programs look for it."""

_CLASSES: dict[int, type[BuduError]] = {
    304: NotModified,
    400: InvalidArgument,
    401: Unauthenticated,
    403: PermissionDenied,
    404: NotFound,
    408: DeadlineExceeded,
    409: Conflict,
    429: ResourceExhausted,
    501: NotImplementedHere,
    503: Unavailable,
    504: DeadlineExceeded,
    507: ResourceExhausted,
}
_CODES: dict[str, type[BuduError]] = {
    "already-exists": AlreadyExists,
    "conflict": Conflict,
    "data-loss": DataLoss,
    "deadline-exceeded": DeadlineExceeded,
    "internal": Internal,
    "invalid-argument": InvalidArgument,
    "not-found": NotFound,
    "not-implemented-here": NotImplementedHere,
    "not-modified": NotModified,
    "permission-denied": PermissionDenied,
    "resource-exhausted": ResourceExhausted,
    "unauthenticated": Unauthenticated,
    "unavailable": Unavailable,
}
"""The `code` that budu's engine adds, for classes that share a status."""


def error_of(status: int, body: bytes) -> BuduError:
    """The error that an answer with `status` and `body` stands for."""
    document = _document(body)
    kind = class_of(document.get("code")) or _CLASSES.get(status, Internal)
    message = document.get("message")
    if not isinstance(message, str) or not message:
        message = body.decode("utf-8", "replace").strip() or f"HTTP status {status}"
    return kind(PREFIX + message, hint=hint_of(document.get("hint")))


def class_of(code: object) -> type[BuduError] | None:
    """The class that a `code` names."""
    return _CODES.get(code) if isinstance(code, str) else None


def stream_error(message: dict[str, object]) -> BuduError:
    """The error that a message inside a stream tells of: `error`, `errorDetail`."""
    detail = message.get("errorDetail")
    fields = detail if isinstance(detail, dict) else {}
    kind = class_of(fields.get("code") or fields.get("kind")) or Internal
    text = fields.get("message") or message.get("error")
    return kind(str(text), hint=hint_of(fields.get("hint") or message.get("hint")))


def hint_of(value: object) -> Hint | None:
    """The hint of an error document: `{"key": …, "values": {…}}`, or plain text."""
    if isinstance(value, str) and value:
        return Hint("client.plain", text=value)
    if not isinstance(value, dict) or not isinstance(value.get("key"), str):
        return None
    values = value.get("values")
    return Hint(value["key"], **values) if isinstance(values, dict) else Hint(value["key"])


def _document(body: bytes) -> dict[str, object]:
    try:
        document = loads(body)
    except DataLoss:
        return {}
    return document if isinstance(document, dict) else {}
