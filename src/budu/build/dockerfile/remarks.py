"""Build checks: what works and is not recommended. Pure.

Those that the text decides; the sentences are Docker's.
Source: Docker manual, "Build checks"; buildkit linter/ruleset.go, dockerfile2llb/validations.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from budu.base.errors import InvalidArgument
from budu.base.quoting import quote
from budu.build.dockerfile.check_options import parse_check_options
from budu.build.dockerfile.model import Dockerfile, Remark
from budu.build.dockerfile.remarks_from import from_remarks
from budu.build.dockerfile.remarks_stage import stage_remarks

_RESERVED = ("context", "scratch")
_NONE: frozenset[str] = frozenset()


def remarks(
    dockerfile: Dockerfile, *, environments: Mapping[int, Mapping[str, str]] | None = None
) -> tuple[Remark, ...]:
    """What the checks say, by line, without the rules that are skipped: by the directive for the
    whole file, by a comment `# check=skip=A` for the instruction below it.

    `environments` are the variables of base images, by the number of the stage that stands on
    them: without them, nobody knows whether a variable of such a stage is defined.
    Raises: InvalidArgument for a directive that is none.
    """
    skips = parse_check_options(dockerfile.directives.check).skips
    found = [
        *_casing_remarks(dockerfile),
        *_continuation_remarks(dockerfile),
        *_name_remarks(dockerfile),
        *from_remarks(dockerfile),
        *stage_remarks(dockerfile, environments or {}),
    ]
    local = _local_skips(dockerfile)
    kept = [
        remark
        for remark in found
        if not {remark.rule, "all"} & (skips | local.get(remark.line, _NONE))
    ]
    return tuple(sorted(kept, key=lambda remark: remark.line))


def _local_skips(dockerfile: Dockerfile) -> dict[int, frozenset[str]]:
    skips: dict[int, frozenset[str]] = {}
    for line, text in dockerfile.local_checks:
        try:
            skips[line] = parse_check_options(text).skips
        except InvalidArgument:
            continue  # An ordinary comment.
    return skips


def _casing_remarks(dockerfile: Dockerfile) -> Iterator[Remark]:
    """Instructions are written all small or all large, as most of them are."""
    places = [
        place
        for stage in dockerfile.stages
        for place in (
            (stage.line, stage.source),
            *((each.line, each.source) for each in stage.instructions),
        )
    ]
    named = [(line, source.split(maxsplit=1)[0]) for line, source in places]
    small = sum(name == name.lower() for _, name in named)
    large = sum(name == name.upper() for _, name in named)
    for line, name in named:
        wanted, casing = (
            (name.lower(), "lowercase") if small > large else (name.upper(), "uppercase")
        )
        if name != wanted:
            message = f"Command '{name}' should match the case of the command majority ({casing})"
            yield Remark(rule="ConsistentInstructionCasing", line=line, message=message)


def _continuation_remarks(dockerfile: Dockerfile) -> Iterator[Remark]:
    for line in dockerfile.empty_continuations:
        yield Remark(rule="NoEmptyContinuation", line=line, message="Empty continuation line")


def _name_remarks(dockerfile: Dockerfile) -> Iterator[Remark]:
    known: set[str] = set()
    for stage in dockerfile.stages:
        if stage.name in _RESERVED:
            message = (
                f"Stage name should not use the same name as reserved stage {quote(stage.name)}"
            )
            yield Remark(rule="ReservedStageName", line=stage.line, message=message)
        if stage.name in known:
            message = f"Duplicate stage name {quote(stage.name)}, stage names should be unique"
            yield Remark(rule="DuplicateStageName", line=stage.line, message=message)
        known |= {stage.name} if stage.name else set()
