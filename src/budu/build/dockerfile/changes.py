"""`commit --change` and `import --change`: instructions for a config that is there. Pure.

Source: moby 28.3 builder/dockerfile/builder.go, BuildFromConfig.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.apply import apply, sets_cmd
from budu.build.dockerfile.expand import expand
from budu.build.dockerfile.instructions import parse_line
from budu.build.dockerfile.lines import LineError, Lines, read_lines
from budu.build.dockerfile.model import ConfigInstruction
from budu.spec.image import ExecConfig

_KEYWORDS = (
    "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "SHELL", "STOPSIGNAL",
    "USER", "VOLUME", "WORKDIR",
)  # fmt: skip


def apply_changes(config: ExecConfig, lines: Iterable[str]) -> ExecConfig:
    """The config after the instructions, in order. Names are not case-sensitive.

    An ENTRYPOINT drops a CMD that was not set by the same instructions.
    Raises: InvalidArgument with Docker's sentence.
    """
    cmd_is_set = False
    read = _lines("\n".join(lines))
    escape = read.directives.escape
    for instruction in _instructions(read):
        entries = (entry.partition("=") for entry in config.env or ())
        variables = {name: value for name, _, value in entries}
        expanded = expand(instruction, variables, escape=escape)
        config = apply(config, expanded, keeps_cmd=cmd_is_set)
        cmd_is_set = cmd_is_set or sets_cmd(expanded)
    return config


def _instructions(lines: Lines) -> list[ConfigInstruction]:
    for line in lines.lines:
        if line.statement.keyword not in _KEYWORDS:
            name = line.statement.name
            raise InvalidArgument(f"{name} is not a valid change command", reference=name)
    escape = lines.directives.escape
    parsed = [parse_line(line, escape=escape) for line in lines.lines]
    return cast(list[ConfigInstruction], parsed)


def _lines(text: str) -> Lines:
    try:
        return read_lines(text)
    except LineError as error:
        raise error.error from None
