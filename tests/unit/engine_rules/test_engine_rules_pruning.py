"""Which volumes a prune takes, by age and by budget."""

import pytest

from budu.base.errors import InvalidArgument
from budu.base.filters import Filters
from budu.engine.volumes.pruning import PruneRule, Sized, parse_age, read_rule, within_budget
from budu.engine.volumes.record import VolumeRecord

HOUR = 3600 * 10**9
NOW = 1_000_000 * HOUR


def volume(name: str, *, made: int, used: int = 0, size: int = 0) -> Sized:
    record = VolumeRecord(
        name=name, created_ns=NOW - made * HOUR, last_used_ns=used and NOW - used * HOUR
    )
    return Sized(record=record, size=size)


def rule(**filters: str) -> PruneRule:
    found = Filters.parse("")
    for key, value in filters.items():
        found = found.plus(key.replace("_", "-"), value)
    return read_rule(found, now_ns=NOW)


@pytest.mark.parametrize(
    ("text", "hours"), [("30d", 720), ("2w", 336), ("72h", 72), ("90m", 1.5), ("0s", 0)]
)
def test_an_age(text: str, hours: float) -> None:
    assert parse_age(text) == hours * HOUR


@pytest.mark.parametrize("text", ["", "d", "-3h", "3 days", "1d2h"])
def test_no_age(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_age(text)


def test_by_last_use() -> None:
    unused = rule(unused_for="30d")
    assert unused.allows(volume("old", made=900, used=800).record)
    assert not unused.allows(volume("used", made=900, used=10).record)
    assert not unused.allows(volume("new", made=10).record)
    assert unused.allows(volume("never", made=721).record)


def test_by_making() -> None:
    until = rule(until="24h")
    assert until.allows(volume("old", made=25, used=1).record)
    assert not until.allows(volume("new", made=23).record)


def test_by_budget_the_least_recently_used_go() -> None:
    found = [
        volume("a", made=9, used=1, size=400),
        volume("b", made=9, used=5, size=300),
        volume("c", made=9, used=3, size=500),
    ]
    kept = within_budget(found, rule(keep_storage="500b"))
    assert [each.record.name for each in kept] == ["b", "c"]
    assert list(within_budget(found, rule(max_size="2k"))) == []
    assert list(within_budget(found, rule())) == found
