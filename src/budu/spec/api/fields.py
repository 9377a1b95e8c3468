"""Field defaults of API records that are always written, and the base of all records.

msgspec leaves a field out when its value *is* the plain default; a value that a factory made is
never left out. So `name: str = TEXT` is always on the wire, `name: str = ""` only when not empty.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec


# Not `list` and `dict` themselves: msgspec takes their empty results for defaults and omits them.
def _no_items() -> list[object]:
    return []


def _no_entries() -> dict[str, object]:
    return {}


TEXT: Any = msgspec.field(default_factory=str)
"""Always written; `""` when unset."""

ZERO: Any = msgspec.field(default_factory=int)
"""Always written; 0 when unset."""

FALSE: Any = msgspec.field(default_factory=bool)
"""Always written; false when unset."""

NULL: Any = msgspec.field(default_factory=type(None))
"""Always written; null when unset (a nil pointer, slice or map)."""

NO_ITEMS: Any = msgspec.field(default_factory=_no_items)
"""Always written; `[]` when unset."""

NO_ENTRIES: Any = msgspec.field(default_factory=_no_entries)
"""Always written; `{}` when unset."""

StrSlice = Annotated[list[str], msgspec.Meta(extra={"accepts": "string"})]
"""A list of strings that may also be written as one string. Source: moby, strslice.StrSlice."""


def named(name: str, field: Any) -> Any:
    """The same default under another name on the wire."""
    if field.default is msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory, name=name)
    return msgspec.field(default=field.default, name=name)


class Body(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """Settings shared by all API records: Pascal case names, plain defaults left out."""
