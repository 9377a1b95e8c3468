"""The variables of a build: ARG, ENV and what every build knows. Pure.

ARGs before the first FROM are for FROM lines; a stage sees one of them only after `ARG NAME` of its
own. ENV wins over ARG. The proxies' variables need no ARG, and neither history nor the cache knows
of them then.
Source: Dockerfile reference, "ARG" ("Scope", "Predefined ARGs", "Automatic platform ARGs").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.model import Arg
from budu.spec.platform import Platform

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
PREDEFINED = frozenset((*_PROXIES, *(name.lower() for name in _PROXIES)))
_FOR_BUILDERS = ("BUILDKIT_", "BUILDX_")
EPOCH = "SOURCE_DATE_EPOCH"
"""Seconds since 1970 that the image's times become, so that it can be made again."""


class BuildArguments:
    """What is known to FROM lines, and what the caller gave."""

    def __init__(
        self, given: Mapping[str, str | None], *, target: Platform, here: Platform, stage: str = ""
    ) -> None:
        """`target` is the platform to build for, `here` that of this machine."""
        self.given = given
        self._used: set[str] = set()
        self.variables: dict[str, str] = {
            "BUILDPLATFORM": str(here),
            "BUILDOS": here.os,
            "BUILDARCH": here.architecture,
            "BUILDVARIANT": here.variant,
            "TARGETPLATFORM": str(target),
            "TARGETOS": target.os,
            "TARGETARCH": target.architecture,
            "TARGETVARIANT": target.variant,
            "TARGETSTAGE": stage or "default",
        }
        for name, value in given.items():  # what every build knows may be given, too
            if name in self.variables and value is not None:
                self.variables[name] = value
                self._used.add(name)

    def declare(self, arg: Arg) -> None:
        """An ARG before the first FROM, its default expanded."""
        for name, default in arg.pairs:
            value = self.take(name, default)
            if value is not None:
                self.variables[name] = value

    def take(self, name: str, default: str | None) -> str | None:
        """The value of a variable that an ARG declares: given, or its default."""
        if name in self.given:
            self._used.add(name)
            given = self.given[name]
            return default if given is None else given
        return default

    def unused(self) -> list[str]:
        """Names that were given and that no ARG declared, sorted."""
        return sorted(
            name
            for name in self.given
            if name not in self._used
            and name not in PREDEFINED
            and name != EPOCH
            and not name.startswith(_FOR_BUILDERS)
        )


class StageArguments:
    """The ARGs of one stage, so far."""

    def __init__(self, build: BuildArguments) -> None:
        self._build = build
        self._values: dict[str, str] = {}

    def declare(self, arg: Arg) -> None:
        """An ARG of the stage, its default expanded."""
        for name, default in arg.pairs:
            value = self._build.take(name, default)
            if value is None:
                value = self._build.variables.get(name)
            if value is not None:
                self._values[name] = value

    def variables(self, env: Iterable[str] | None) -> dict[str, str]:
        """What the words of an instruction may name: ARG, and ENV above it."""
        return {**self._values, **_pairs(env)}

    def declared(self, env: Iterable[str] | None) -> tuple[tuple[str, str], ...]:
        """The ARGs that a command sees, by name; with other values it is another step."""
        own = _pairs(env)
        return tuple(pair for pair in sorted(self._values.items()) if pair[0] not in own)

    def proxies(self, env: Iterable[str] | None) -> tuple[tuple[str, str], ...]:
        """The proxies that were given without an ARG, by name."""
        own = {**self._values, **_pairs(env)}
        return tuple(
            (name, value)
            for name, value in sorted(self._build.given.items())
            if name in PREDEFINED and value is not None and name not in own
        )


def _pairs(env: Iterable[str] | None) -> dict[str, str]:
    parts = (entry.partition("=") for entry in env or ())
    return {name: value for name, _, value in parts}


def latest_ns(given: Mapping[str, str | None]) -> int | None:
    """What no time of an image may be later than; None when times are as they come.

    Raises: InvalidArgument for what is no number.
    """
    text = given.get(EPOCH)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise InvalidArgument(f"invalid {EPOCH}: {text}")
    return int(text) * 10**9
