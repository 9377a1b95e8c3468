"""Which unused volumes a prune takes, by age and by budget. Pure.

until=240h         made before that moment
unused-for=720h    not used since then; one that was never used counts from its making
keep-storage=10GB  only so many, least recently used first, that the rest takes no more
                   (also max-size)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from budu.base.clock import parse_time_argument
from budu.base.errors import InvalidArgument
from budu.base.filters import Filters
from budu.base.units import parse_bytes, parse_duration
from budu.engine.volumes.record import VolumeRecord

KEYS = frozenset(["until", "unused-for", "keep-storage", "max-size"])
_DAYS = re.compile(r"(\d+)([dw])\Z")
_DAY_NS = 86_400 * 10**9


class PruneRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a prune asks for. Moments in unix nanoseconds, `keep_bytes` None for no budget."""

    made_before_ns: int | None = None
    used_before_ns: int | None = None
    keep_bytes: int | None = None

    def allows(self, record: VolumeRecord) -> bool:
        """Whether a volume is old enough."""
        if self.made_before_ns is not None and record.created_ns >= self.made_before_ns:
            return False
        return self.used_before_ns is None or last_use(record) < self.used_before_ns


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """A volume that may go, with its bytes."""

    record: VolumeRecord
    size: int


def last_use(record: VolumeRecord) -> int:
    """When a volume was last used, or made."""
    return max(record.last_used_ns, record.created_ns)


def read_rule(filters: Filters, *, now_ns: int) -> PruneRule:
    """Raises: InvalidArgument for a value that is none."""
    made = [parse_time_argument(text, now_ns=now_ns) for text in filters.get("until")]
    used = [now_ns - parse_age(text) for text in filters.get("unused-for")]
    sizes = [*filters.get("keep-storage"), *filters.get("max-size")]
    kept = [parse_bytes(text) for text in sizes]
    return PruneRule(
        made_before_ns=min(made, default=None),
        used_before_ns=min(used, default=None),
        keep_bytes=min(kept, default=None),
    )


def parse_age(text: str) -> int:
    """Nanoseconds of `30d`, `2w`, or Go's `720h`. Raises: InvalidArgument."""
    days = _DAYS.match(text)
    if days:
        return int(days[1]) * (7 if days[2] == "w" else 1) * _DAY_NS
    age = parse_duration(text)
    if age < 0:
        raise InvalidArgument(f"invalid age: {text}")
    return age


def within_budget(candidates: Sequence[Sized], rule: PruneRule) -> Iterable[Sized]:
    """Those that go: all without a budget, else the least recently used of them."""
    if rule.keep_bytes is None:
        yield from candidates
        return
    total = sum(each.size for each in candidates)
    for each in sorted(candidates, key=lambda sized: (last_use(sized.record), sized.record.name)):
        if total <= rule.keep_bytes:
            return
        total -= each.size
        yield each
