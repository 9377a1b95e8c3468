"""Which tags rules let go. Pure: tags in, victims out.

A rule looks at the tags that fit its pattern. It keeps the newest `keep_last` of them, and those
younger than `older_than_s`; a rule that says both lets go only what fails both. A tag that one rule
lets go goes, whatever other rules say. Protected and immutable tags never go, and don't count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from budu.base.errors import InvalidArgument
from budu.hub.repositories.tags import Tag
from budu.hub.sentences import Sentence

MOST_RULES = 20
DAY_S = 86400.0


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule."""

    pattern: str = "*"
    keep_last: int | None = None
    older_than_days: int | None = None
    by_pulls: bool = False
    """Whether a pull makes a tag young again."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """All rules of a repository."""

    rules: tuple[Rule, ...] = ()
    protected: tuple[str, ...] = ()
    """Patterns of tags that never go."""


@dataclass(frozen=True)
class Victim:
    """A tag that goes, and the rule that says so."""

    tag: Tag
    rule: int


def check(rules: Rules) -> Rules:
    """Rules that make sense. Raises: InvalidArgument."""
    if len(rules.rules) > MOST_RULES:
        raise InvalidArgument(Sentence("hub.bad-rules"))
    for rule in rules.rules:
        numbers = (rule.keep_last, rule.older_than_days)
        is_empty = all(number is None for number in numbers)
        is_odd = any(number is not None and not 0 <= number <= 36500 for number in numbers)
        if is_empty or is_odd or not rule.pattern.strip() or len(rule.pattern) > 128:
            raise InvalidArgument(Sentence("hub.bad-rules"))
    if any(not pattern.strip() or len(pattern) > 128 for pattern in rules.protected):
        raise InvalidArgument(Sentence("hub.bad-rules"))
    return rules


def victims(
    tags: Sequence[Tag], rules: Rules, *, immutable: Sequence[str], now: float
) -> list[Victim]:
    """The tags that go, oldest first, each with the first rule that says so."""
    spared = (*rules.protected, *immutable)
    open_tags = [tag for tag in tags if not any(fnmatchcase(tag.name, each) for each in spared)]
    found: dict[str, Victim] = {}
    for index, rule in enumerate(rules.rules):
        for tag in _let_go(open_tags, rule, now):
            found.setdefault(tag.name, Victim(tag, index))
    return sorted(found.values(), key=lambda victim: (victim.tag.pushed_at, victim.tag.name))


def _let_go(tags: Sequence[Tag], rule: Rule, now: float) -> list[Tag]:
    fitting = [tag for tag in tags if fnmatchcase(tag.name, rule.pattern)]
    fitting.sort(key=lambda tag: (-_age_mark(tag, rule), tag.name))
    outside = fitting if rule.keep_last is None else fitting[rule.keep_last :]
    if rule.older_than_days is None:
        return outside
    limit = now - rule.older_than_days * DAY_S
    return [tag for tag in outside if _age_mark(tag, rule) < limit]


def _age_mark(tag: Tag, rule: Rule) -> float:
    """When the tag was last young."""
    return max(tag.pushed_at, tag.pulled_at or 0.0) if rule.by_pulls else tag.pushed_at
