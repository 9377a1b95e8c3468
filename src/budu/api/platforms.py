"""The `platform` parameter of image operations: JSON from Docker's clients, or `os/arch`.

Source: Engine API 1.46 to 1.51; moby 28.3, daemon/server/httputils/form.go DecodePlatform.
"""

from __future__ import annotations

import msgspec

from budu.api.http.query import Query
from budu.base.errors import InvalidArgument
from budu.spec.platform import Platform, parse_platform


def query_platform(query: Query) -> Platform | None:
    """The platform asked for, None when none is. Raises: InvalidArgument."""
    text = query.text("platform")
    return decode_platform(text) if text else None


def query_platforms(query: Query, name: str = "platform") -> tuple[Platform, ...]:
    """Every platform asked for. Raises: InvalidArgument."""
    return tuple(decode_platform(text) for text in query.all(name) if text)


def decode_platform(text: str) -> Platform:
    """From `{"os":"linux","architecture":"arm64"}` or `linux/arm64`. Raises: InvalidArgument."""
    if not text.startswith("{"):
        return parse_platform(text)
    try:
        platform = msgspec.json.decode(text, type=Platform)
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"failed to parse platform: {error}") from None
    if bool(platform.os) != bool(platform.architecture) or (
        platform.variant and not platform.architecture
    ):
        raise InvalidArgument("both OS and Architecture must be provided")
    if not platform.os:
        raise InvalidArgument("at least one platform field must be set")
    return platform.normalized()
