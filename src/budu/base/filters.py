"""The `filters` query parameter: several values a key; values of a key are alternatives.

Source: moby 28.3, api/types/filters (FromJSON, Validate, ExactMatch, Match, MatchKVList).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import msgspec

from budu.base.errors import InvalidArgument

_decode = msgspec.json.Decoder(dict[str, list[str] | dict[str, bool]]).decode
_TRUTH = {"1": True, "true": True, "0": False, "false": False}


class Filters:
    """Parsed filters. A key that was not given matches everything."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Collection[str]] | None = None) -> None:
        self._values = {key: tuple(items) for key, items in (values or {}).items()}

    @classmethod
    def parse(cls, text: str | None) -> Filters:
        """Read `{"label":["a=b"]}` or the older `{"label":{"a=b":true}}`.

        Raises: InvalidArgument when it is neither.
        """
        if not text:
            return cls()
        try:
            return cls(_decode(text))
        except msgspec.DecodeError:
            raise InvalidArgument("invalid filter") from None

    def __bool__(self) -> bool:
        return bool(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __repr__(self) -> str:
        return f"Filters({self._values!r})"

    def get(self, key: str) -> tuple[str, ...]:
        """The values of `key`, none when it was not given."""
        return self._values.get(key, ())

    def keys(self) -> tuple[str, ...]:
        """The keys that were given."""
        return tuple(self._values)

    def plus(self, key: str, value: str) -> Filters:
        """These filters with one more value of `key`."""
        return Filters({**self._values, key: (*self.get(key), value)})

    def check_keys(self, accepted: Collection[str]) -> None:
        """Refuse keys that the request does not know.

        Raises: InvalidArgument for the first one.
        """
        for key in self._values:
            if key not in accepted:
                raise InvalidArgument(f"invalid filter '{key}'", reference=key)

    def boolean(self, key: str, *, default: bool) -> bool:
        """The one truth value of `key`.

        Raises: InvalidArgument when the values are no truth value or contradict each other.
        """
        values = self.get(key)
        if not values:
            return default
        truths = {_TRUTH.get(value) for value in values}
        truth = truths.pop()
        if truths or truth is None:
            raise InvalidArgument(f"invalid filter '{key}=[{' '.join(values)}]'", reference=key)
        return truth

    def matches_exactly(self, key: str, value: str) -> bool:
        """Whether `value` is one of the values of `key`."""
        values = self.get(key)
        return not values or value in values

    def matches_prefix(self, key: str, value: str) -> bool:
        """Whether `value` begins with one of the values of `key`."""
        values = self.get(key)
        return not values or value.startswith(values)

    def matches_pattern(self, key: str, value: str) -> bool:
        """Whether `value` is, or contains a match of, one of the values of `key`."""
        values = self.get(key)
        return not values or any(given == value or _found(given, value) for given in values)

    def matches_labels(self, key: str, labels: Mapping[str, str] | None) -> bool:
        """Whether `labels` has every `name` and every `name=value` given under `key`."""
        return all(_has_label(labels or {}, given) for given in self.get(key))

    def matches_prune_labels(self, labels: Mapping[str, str] | None) -> bool:
        """Whether `labels` passes a prune's `label`, and its `label!`, which keeps what matches."""
        kept = self.get("label!")
        is_kept = bool(kept) and all(_has_label(labels or {}, given) for given in kept)
        return self.matches_labels("label", labels) and not is_kept


def _has_label(labels: Mapping[str, str], given: str) -> bool:
    name, equals, value = given.partition("=")
    return name in labels and (not equals or labels[name] == value)


def _found(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return False
