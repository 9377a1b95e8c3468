"""Flags of instructions: `--chown=user`, `--link`. Pure.

Source: buildkit 0.23 instructions/bflag.go (sentences), util/suggest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum

from budu.base.errors import InvalidArgument
from budu.base.suggest import distance

_NEAR = 3
_MOST = 200


class Kind(Enum):
    """What a flag takes."""

    SWITCH = "switch"
    """`--link`, `--link=false`."""
    TEXT = "text"
    """`--chown=x`, once."""
    TEXTS = "texts"
    """`--mount=x`, as often as wanted."""


class Flags:
    """The flags that an instruction was given."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """The value, empty without the flag."""
        return next(iter(self._values.get(name, ())), "")

    def texts(self, name: str) -> tuple[str, ...]:
        """All values, in order."""
        return tuple(self._values.get(name, ()))

    def switch(self, name: str) -> bool | None:
        """Whether it is on; None without the flag."""
        return self.text(name) == "true" if name in self._values else None

    def __contains__(self, name: str) -> bool:
        return name in self._values


def parse_flags(words: Iterable[str], kinds: Mapping[str, Kind]) -> Flags:
    """Read the flags of an instruction that knows those in `kinds`.

    Raises: InvalidArgument with Docker's sentence.
    """
    values: dict[str, list[str]] = {}
    for word in words:
        flag, equals, value = word.partition("=")
        name = flag.removeprefix("--")
        kind = kinds.get(name)
        if kind is None:
            raise InvalidArgument(f"unknown flag: {flag}{did_you_mean(name, kinds)}")
        if name in values and kind is not Kind.TEXTS:
            raise InvalidArgument(f"duplicate flag specified: {flag}")
        values.setdefault(name, []).append(_value(kind, flag, value if equals else None))
    return Flags(values)


def _value(kind: Kind, flag: str, value: str | None) -> str:
    if kind is not Kind.SWITCH:
        if value is None:
            raise InvalidArgument(f"missing a value on flag: {flag}")
        return value
    if value == "":
        raise InvalidArgument(f"missing a value on flag: {flag}")
    switch = "true" if value is None else value.lower()
    if switch not in ("true", "false"):
        raise InvalidArgument(f"expecting boolean value for flag {flag}, not: {value}")
    return switch


def did_you_mean(word: str, candidates: Collection[str]) -> str:
    """` (did you mean RUN?)`, empty when no candidate is near, or when the word is one.

    Among very many nobody looks, so that no file is slow.
    """
    if word in candidates or len(candidates) > _MOST:
        return ""
    similar = [each for each in candidates if abs(len(each) - len(word)) < _NEAR]
    near = min(((distance(word, each), each) for each in similar), default=(_NEAR, ""))
    return f" (did you mean {near[1]}?)" if near[0] < _NEAR else ""
