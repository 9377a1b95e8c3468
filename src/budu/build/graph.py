"""Which stages a target needs, in the order of the file. Pure.

Source: Dockerfile reference, "FROM", "COPY --from", "RUN --mount"; moby 28.3
builder/dockerfile/builder.go (sentences).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.model import Copy, Run, Stage
from budu.build.dockerfile.words import expand_word
from budu.build.mounts import mount_origin


def find_target(stages: Sequence[Stage], target: str) -> Stage:
    """The stage to build: by name or number, the last one without either.

    Raises: InvalidArgument with Docker's sentence.
    """
    if not stages:
        raise InvalidArgument("the Dockerfile has no build stage in it")
    if not target:
        return stages[-1]
    found = find_stage(stages, target)
    if found is None:
        raise InvalidArgument(f'target stage "{target}" could not be found')
    return found


def find_stage(stages: Sequence[Stage], name: str) -> Stage | None:
    """The last stage of that name, or the one of that number."""
    named = [each for each in stages if each.name and each.name == name.lower()]
    if named:
        return named[-1]
    if name.isascii() and name.isdecimal() and int(name) < len(stages):
        return stages[int(name)]
    return None


def with_base(stage: Stage, variables: Mapping[str, str], *, escape: str) -> Stage:
    """The stage with the variables of its FROM line replaced.

    Raises: InvalidArgument with Docker's sentence when no base is left.
    """
    base = expand_word(stage.base, variables, escape=escape)
    if not base:
        raise InvalidArgument(f"base name ({stage.base}) should not be blank")
    platform = expand_word(stage.platform, variables, escape=escape)
    return msgspec.structs.replace(stage, base=base, platform=platform)


def needed(stages: Sequence[Stage], target: Stage, bases: Sequence[str]) -> list[Stage]:
    """The target and every stage that it stands on or takes files from, as they stand in the file.

    `bases` are the stages' bases, variables replaced.
    """
    wanted: set[int] = set()
    waiting = [target.index]
    while waiting:
        index = waiting.pop()
        if index in wanted:
            continue
        wanted.add(index)
        before = stages[:index]
        for name in (bases[index], *origins(stages[index])):
            stage = find_stage(before, name) if name else None
            if stage is not None:
                waiting.append(stage.index)
    return [each for each in stages if each.index in wanted]


def origins(stage: Stage) -> list[str]:
    """What the instructions of a stage take files from, besides the context."""
    found: list[str] = []
    for each in stage.instructions:
        if isinstance(each, Copy):
            found.append(each.origin)
        elif isinstance(each, Run):
            found += map(mount_origin, each.mounts)
    return found
