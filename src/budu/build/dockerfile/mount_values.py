"""Values of `RUN --mount`: comma-separated fields. Pure.

Source: buildkit 0.23 instructions/commands_runmount.go.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from budu.base.errors import InvalidArgument


def mount_fields(text: str) -> tuple[str, ...]:
    """The fields of a value, without the quotes around them.

    Raises: InvalidArgument for a value that is no CSV.
    """
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise InvalidArgument(f"failed to parse csv mounts: {error}") from None
    return tuple(rows[0]) if rows else ()


def expand_mount(text: str, word: Callable[[str], str]) -> str:
    """The value with every field's value replaced by `word`; its commas divide no fields."""
    row = io.StringIO()
    writer = csv.writer(row, lineterminator="")
    writer.writerow(_field(field, word) for field in mount_fields(text))
    return row.getvalue()


def _field(field: str, word: Callable[[str], str]) -> str:
    name, equals, value = field.partition("=")
    return f"{name}={word(value)}" if equals else field
