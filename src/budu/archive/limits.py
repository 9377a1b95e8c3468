"""How much an archive may hold: members, bytes, and bytes that are nothing but holes.

Beside `compression.ExpansionLimits`, which bounds the packed stream: a header of 512 bytes may
promise a file of any size that consists of one hole, and a stream of headers has no end.
"""

from __future__ import annotations

import msgspec

from budu.archive.compression import ExpansionLimits, check_expansion
from budu.archive.tar import TarEntry
from budu.base.errors import Hint, ResourceExhausted


class MemberLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds. `sizes` are those of files as they will be, holes included, by stored bytes."""

    max_members: int = 5_000_000
    sizes: ExpansionLimits = ExpansionLimits()


class MemberCount:
    """Counts the members of one archive; `admit` refuses the one that is too much."""

    def __init__(self, limits: MemberLimits | None = None) -> None:
        self._limits = limits or MemberLimits()
        self._members = 0
        self._bytes = 0
        self._stored = 0
        self.newest_ns = 0
        """The latest time among the members."""

    def admit(self, entry: TarEntry) -> None:
        """Raises: ResourceExhausted beyond a limit."""
        self._members += 1
        self._bytes += entry.size
        self._stored += entry.stored_size
        self.newest_ns = max(self.newest_ns, entry.mtime_ns)
        limit = self._limits.max_members
        if self._members > limit:
            raise ResourceExhausted(
                f"archive has more than {limit} members", hint=Hint("archive.too-many", limit=limit)
            )
        check_expansion(self._limits.sizes, packed=self._stored, unpacked=self._bytes)
