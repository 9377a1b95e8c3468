"""Build checks of FROM lines. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from budu.base.errors import InvalidArgument
from budu.base.quoting import quote
from budu.build.dockerfile.flags import did_you_mean
from budu.build.dockerfile.model import Dockerfile, Remark, Stage
from budu.build.dockerfile.words import Manner, expand_word, read
from budu.spec.platform import parse_platform
from budu.spec.reference import parse_reference

PREDEFINED = (
    *("BUILDPLATFORM", "BUILDOS", "BUILDOSVERSION", "BUILDARCH", "BUILDVARIANT"),
    *("TARGETPLATFORM", "TARGETOS", "TARGETOSVERSION", "TARGETARCH", "TARGETVARIANT"),
    "TARGETSTAGE",
)
"""Variables that FROM lines know without ARG."""


def from_remarks(dockerfile: Dockerfile) -> Iterator[Remark]:
    """What the checks say of the lines that stages begin with."""
    escape = dockerfile.directives.escape
    defaults = default_arguments(dockerfile)
    declared = {name for arg in dockerfile.arguments for name, _ in arg.pairs}
    for stage in dockerfile.stages:
        yield from _keyword_remarks(stage)
        yield from _undeclared_remarks(stage, declared | {*PREDEFINED}, escape)
        yield from _platform_remarks(stage, escape)
        yield from _default_remarks(stage, defaults, escape)


def default_arguments(dockerfile: Dockerfile) -> dict[str, str]:
    """The variables of FROM lines when nobody gives a build argument; those that every build
    knows have a value that suits any place."""
    variables = dict.fromkeys(PREDEFINED, "linux")
    for arg in dockerfile.arguments:
        for name, default in arg.pairs:
            if default is None:
                continue
            try:
                value = expand_word(default, variables, escape=dockerfile.directives.escape)
            except InvalidArgument:
                continue  # The build will say so.
            variables[name] = value
    return variables


def _keyword_remarks(stage: Stage) -> Iterator[Remark]:
    """`FROM a AS b`: the name is small, and AS is written as FROM is."""
    if not stage.name:
        return
    words = stage.source.split()
    keyword, as_word, name = words[0], words[-2], words[-1]
    if name != name.lower():
        message = f"Stage name '{name}' should be lowercase"
        yield Remark(rule="StageNameCasing", line=stage.line, message=message)
    small, large = keyword == keyword.lower(), keyword == keyword.upper()
    if (small and as_word != as_word.lower()) or (large and as_word != as_word.upper()):
        message = f"'{as_word}' and '{keyword}' keywords' casing do not match"
        yield Remark(rule="FromAsCasing", line=stage.line, message=message)


def _undeclared_remarks(stage: Stage, declared: set[str], escape: str) -> Iterator[Remark]:
    for text in (stage.base, stage.platform):
        try:
            used = read(text, {}, Manner(escape=escape)).unset
        except InvalidArgument:
            continue  # The build will say so.
        for name in sorted(used - declared):
            meant = did_you_mean(name, sorted(declared))
            message = f"FROM argument '{name}' is not declared{meant}"
            yield Remark(rule="UndefinedArgInFrom", line=stage.line, message=message)


def _platform_remarks(stage: Stage, escape: str) -> Iterator[Remark]:
    mark = "TARGETPLATFORM"
    try:
        platform = read(stage.platform, {mark: mark}, Manner(escape=escape))
        if platform.text == mark and platform.found and not platform.unset:
            message = (
                f"Setting platform to predefined {stage.platform} in FROM is redundant as this is "
                "the default behavior"
            )
            yield Remark(rule="RedundantTargetPlatform", line=stage.line, message=message)
        if not stage.platform or platform.found or platform.unset:
            return
        parsed = parse_platform(platform.text)
    except InvalidArgument:
        return  # The build will say so.
    if parsed.os not in stage.name and parsed.architecture not in stage.name:
        message = f"FROM --platform flag should not use constant value {quote(platform.text)}"
        yield Remark(rule="FromPlatformFlagConstDisallowed", line=stage.line, message=message)


def _default_remarks(stage: Stage, defaults: dict[str, str], escape: str) -> Iterator[Remark]:
    try:
        base = expand_word(stage.base, defaults, escape=escape)
    except InvalidArgument:
        return  # The build will say so.
    try:
        parse_reference(base)
    except InvalidArgument:
        message = f"Default value for ARG {stage.base} results in empty or invalid base image name"
        yield Remark(rule="InvalidDefaultArgInFrom", line=stage.line, message=message)
