"""From an HTTP answer back to the class of error that the engine raised. Light.

The engine's table is `api.errors`; this is its inverse.
"""

from __future__ import annotations

from budu.base.errors import (
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


def error_of(status: int, body: bytes) -> BuduError:
    """The error that an answer with `status` and `body` stands for."""
    kind = _CLASSES.get(status, Internal)
    document = _document(body)
    message = document.get("message")
    if not isinstance(message, str) or not message:
        message = body.decode("utf-8", "replace").strip() or f"HTTP status {status}"
    return kind(PREFIX + message, hint=hint_of(document.get("hint")))


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
