"""Replaces the variables of instructions. Pure.

Which fields are replaced is the language's rule: nothing in commands, which a shell reads itself.
Source: Dockerfile reference, "Environment replacement"; buildkit 0.23 instructions/commands.go
(Expand, ExpandRaw), dockerfile2llb/convert.go (EXPOSE).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from budu.build.dockerfile.model import (
    Add,
    Arg,
    Copy,
    Env,
    Expose,
    Heredoc,
    Instruction,
    Label,
    Run,
    StopSignal,
    User,
    VolumePaths,
    WorkDir,
)
from budu.build.dockerfile.mount_values import expand_mount
from budu.build.dockerfile.words import ESCAPE, Expansion, Manner, read

_DOCUMENT = Manner(has_quotes=False)
_AnyInstruction = TypeVar("_AnyInstruction", bound=Instruction)


class Replacement:
    """Replaces variables in texts, and remembers those that were not set."""

    def __init__(self, variables: Mapping[str, str], *, escape: str) -> None:
        self._variables = variables
        self._word = Manner(escape=escape)
        self.unset: set[str] = set()

    def _read(self, text: str, manner: Manner) -> Expansion:
        expansion = read(text, self._variables, manner)
        self.unset |= expansion.unset
        return expansion

    def word(self, text: str) -> str:
        """The text as one word."""
        return self._read(text, self._word).text

    def words(self, text: str) -> tuple[str, ...]:
        """The words that it becomes."""
        return self._read(text, self._word).words

    def document(self, text: str) -> str:
        """The text of a here-document."""
        return self._read(text, _DOCUMENT).text


def expand(
    instruction: _AnyInstruction, variables: Mapping[str, str], *, escape: str = ESCAPE
) -> _AnyInstruction:
    """The instruction with its variables replaced and its quotes and escapes gone.

    Raises: InvalidArgument `failed to process "${A": …` for what is no word, and for variables
    that must be set.
    """
    return replace(instruction, Replacement(variables, escape=escape))


def replace(instruction: _AnyInstruction, by: Replacement) -> _AnyInstruction:
    """As `expand`, by a replacement that can be asked afterwards."""
    return msgspec.structs.replace(instruction, **_changes(instruction, by))


def _changes(instruction: Instruction, by: Replacement) -> dict[str, object]:
    word = by.word
    match instruction:
        case Copy():
            return _copy(instruction, by)
        case Arg():
            pairs = ((word(k), None if v is None else word(v)) for k, v in instruction.pairs)
            return {"pairs": tuple(pairs)}
        case Env() | Label():
            return {"pairs": tuple((word(key), word(value)) for key, value in instruction.pairs)}
        case Expose():
            return {"ports": tuple(port for text in instruction.ports for port in by.words(text))}
        case Run():
            return {"mounts": tuple(expand_mount(each, word) for each in instruction.mounts)}
        case StopSignal():
            return {"signal": word(instruction.signal)}
        case User():
            return {"user": word(instruction.user)}
        case VolumePaths():
            return {"paths": tuple(map(word, instruction.paths))}
        case WorkDir():
            return {"path": word(instruction.path)}
        case _:
            return {}


def _copy(copy: Copy, by: Replacement) -> dict[str, object]:
    changes: dict[str, object] = {
        "sources": tuple(map(by.word, copy.sources)),
        "target": by.word(copy.target),
        "owner": by.word(copy.owner),
        "mode": by.word(copy.mode),
        "heredocs": tuple(_heredoc(each, by) for each in copy.heredocs),
    }
    if isinstance(copy, Add):
        changes["checksum"] = by.word(copy.checksum)
    return changes


def _heredoc(heredoc: Heredoc, by: Replacement) -> Heredoc:
    if not heredoc.expands:
        return heredoc
    return msgspec.structs.replace(heredoc, content=by.document(heredoc.content))
