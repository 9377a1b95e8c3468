"""JSON in and out of the API, as Go's encoder and Docker's sentences have it.

How leniently bodies are read is `spec.api.codec`'s business; here are line ends and headers.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from budu.base.errors import InvalidArgument
from budu.spec.api import codec as bodies

T = TypeVar("T", bound=msgspec.Struct)

_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+\Z")
_encoder = msgspec.json.Encoder(order="deterministic")


def encode(document: object) -> bytes:
    """The document as one line of JSON with the line feed that Go's encoder writes."""
    return _encoder.encode(document) + b"\n"


def decode(data: bytes, kind: type[T]) -> T:
    """The JSON document as a value of `kind`.

    Raises: InvalidArgument, in Docker's words, when the bytes are not JSON or not of this shape.
    Source: moby, httputils.ReadJSON.
    """
    if not data.strip():
        raise InvalidArgument("invalid JSON: got EOF while reading request body")
    try:
        return bodies.decode(kind, data)
    except InvalidArgument as error:
        if "trailing characters" in error.message:
            raise InvalidArgument("unexpected content after JSON") from error
        raise
    except (UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"invalid JSON: {error}") from error


def zero(kind: type[T]) -> T:
    """What an absent document means: every field at its default.

    Raises: InvalidArgument when `kind` has a field without default.
    """
    return decode(b"{}", kind)


def widen(record: msgspec.Struct, kind: type[T], **more: object) -> T:
    """The record as a value of `kind`, which has its fields and `more`."""
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    return kind(**{**fields, **more})


def require_json(content_type: str) -> None:
    """Checks the header of a request that has a body.

    Raises: InvalidArgument unless it names JSON.
    Source: moby, httputils.CheckForJSON.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/json":
        return
    if not _MEDIA_TYPE.match(media_type):
        detail = "no media type" if not media_type else "expected slash after first token"
        raise InvalidArgument(f"malformed Content-Type header ({content_type}): mime: {detail}")
    raise InvalidArgument(
        f"unsupported Content-Type header ({content_type}): must be 'application/json'"
    )
