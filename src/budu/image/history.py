"""The rows of `docker history`. Pure.

Source: Engine API 1.51 ImageHistory; moby `daemon/images/image_history.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from budu.base.errors import InvalidArgument
from budu.image.model import ImageRecord
from budu.spec.image import ImageConfig

MISSING = "<missing>"


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One step of an image's making."""

    id: str = msgspec.field(name="Id", default=MISSING)
    """The image's id on the newest row, `<missing>` below."""
    created: int = 0
    """Seconds since 1970; 0 where unknown."""
    created_by: str = ""
    """The command."""
    tags: tuple[str, ...] | None = None
    """The image's tags on the newest row."""
    size: int = 0
    """Bytes that the step added."""
    comment: str = ""
    """What the builder noted."""


def history_rows(
    image: ImageRecord, config: ImageConfig, *, layer_sizes: Sequence[int]
) -> tuple[HistoryRow, ...]:
    """The rows, newest first. `layer_sizes` follow the config's diff ids, lowest first.

    Raises: InvalidArgument when the config tells of more layers than there are.
    """
    rows: list[HistoryRow] = []
    sizes = iter(layer_sizes)
    for step in config.history or ():
        size = 0 if step.empty_layer else next(sizes, None)
        if size is None:
            raise InvalidArgument("too many non-empty layers in History section")
        rows.append(
            HistoryRow(
                created=unix_seconds(step.created),
                created_by=step.created_by,
                size=size,
                comment=step.comment,
            )
        )
    if rows:
        tags = image.repo_tags or None
        rows[-1] = msgspec.structs.replace(rows[-1], id=image.id, tags=tags)
    return tuple(reversed(rows))


def unix_seconds(text: str | None) -> int:
    """Seconds since 1970 of an RFC 3339 time; 0 where it is absent or malformed."""
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())
