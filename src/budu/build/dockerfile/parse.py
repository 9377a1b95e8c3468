"""Reads whole Dockerfiles and single instructions. Pure.

Source: buildkit 0.23 instructions/parse.go (Parse); moby 28.3 builder/remotecontext/detect.go,
builder/dockerfile/builder.go (sentences).
"""

from __future__ import annotations

import msgspec

from budu.base.errors import Hint, InvalidArgument
from budu.build.dockerfile.directives import local_check
from budu.build.dockerfile.instructions import parse_from, parse_line
from budu.build.dockerfile.lines import Line, LineError, Lines, read_lines
from budu.build.dockerfile.model import Arg, Dockerfile, Instruction, Stage
from budu.build.dockerfile.words import ESCAPE


def parse(text: str, *, name: str = "Dockerfile") -> Dockerfile:
    """The Dockerfile in a text; `name` is what errors call it.

    Raises: InvalidArgument `dockerfile parse error on line 3: …` for what an instruction says,
    `failed to parse Dockerfile: …` for what is no instruction; the line is in the hint then.
    """
    if not text:
        raise InvalidArgument(f"the Dockerfile ({name}) cannot be empty")
    try:
        lines = read_lines(text)
    except LineError as error:
        hint = error.error.hint or Hint("build.at-line", line=error.number)
        raise InvalidArgument(f"failed to parse {name}: {error.error.message}", hint=hint) from None
    if not lines.lines:
        raise InvalidArgument(f"failed to parse {name}: file with no instructions")
    return _Assembly(lines).dockerfile()


def parse_instruction(text: str, escape: str = ESCAPE) -> Instruction:
    """One instruction, as an image's ONBUILD keeps it: with its here-documents.

    Raises: InvalidArgument with Docker's sentence.
    """
    try:
        lines = read_lines(text, escape=escape)
    except LineError as error:
        raise error.error from None
    if len(lines.lines) != 1:
        raise InvalidArgument("onbuild trigger should be a single expression")
    line = lines.lines[0]
    if line.statement.keyword == "FROM":
        raise InvalidArgument("FROM isn't allowed as an ONBUILD trigger")
    return parse_line(line, escape=lines.directives.escape)


class _NoStageError(InvalidArgument):
    """Something stands before the first FROM."""

    def __init__(self, line: Line) -> None:
        hint = Hint("build.from-first", line=line.number, name=line.statement.name)
        super().__init__("no build stage in current context", hint=hint)


class _Assembly:
    """Puts instructions together to stages."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._arguments: list[Arg] = []
        self._stages: list[Stage] = []
        self._instructions: list[Instruction] = []

    def dockerfile(self) -> Dockerfile:
        for line in self._lines.lines:
            try:
                self._add(line)
            except _NoStageError:
                raise
            except InvalidArgument as error:
                raise error.after(f"dockerfile parse error on line {line.number}: ") from None
        if not self._stages:
            raise InvalidArgument(
                "dockerfile contains no stages to build", hint=Hint("build.no-stage")
            )
        self._close_stage()
        return Dockerfile(
            directives=self._lines.directives,
            arguments=tuple(self._arguments),
            stages=tuple(self._stages),
            empty_continuations=self._lines.empty_continuations,
            local_checks=tuple(
                (line.number, check)
                for line in self._lines.lines
                if (check := local_check(line.comments))
            ),
        )

    def _add(self, line: Line) -> None:
        if line.statement.keyword == "FROM":
            self._close_stage()
            self._stages.append(parse_from(line, index=len(self._stages)))
            return
        instruction = parse_line(line, escape=self._lines.directives.escape)
        if self._stages:
            self._instructions.append(instruction)
        elif isinstance(instruction, Arg):
            self._arguments.append(instruction)
        else:
            raise _NoStageError(line)

    def _close_stage(self) -> None:
        if self._stages:
            self._stages[-1] = msgspec.structs.replace(
                self._stages[-1], instructions=tuple(self._instructions)
            )
        self._instructions = []
