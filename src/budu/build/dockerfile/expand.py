"""Replaces the variables of instructions. Pure.

Which fields are replaced is the language's rule: nothing in commands, which a shell reads itself.
Source: Dockerfile reference, "Environment replacement"; buildkit 0.23 instructions/commands.go
(Expand, ExpandRaw), dockerfile2llb/convert.go (EXPOSE).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from budu.build.dockerfile import words
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

Word = Callable[[str], str]
"""Replaces the variables of one text."""

_AnyInstruction = TypeVar("_AnyInstruction", bound=Instruction)


def expand(
    instruction: _AnyInstruction, variables: Mapping[str, str], *, escape: str = words.ESCAPE
) -> _AnyInstruction:
    """The instruction with its variables replaced and its quotes and escapes gone.

    Raises: InvalidArgument `failed to process "${A": …` for what is no word, and for variables
    that must be set.
    """

    def word(text: str) -> str:
        return words.expand_word(text, variables, escape=escape)

    def word_list(text: str) -> tuple[str, ...]:
        return words.expand_words(text, variables, escape=escape)

    def document(text: str) -> str:
        return words.expand_document(text, variables)

    changes = expansion(instruction, word=word, word_list=word_list, document=document)
    return msgspec.structs.replace(instruction, **changes)


def expansion(
    instruction: Instruction,
    *,
    word: Word,
    word_list: Callable[[str], tuple[str, ...]],
    document: Word,
) -> dict[str, object]:
    """The fields that change, each text by the function that its place asks for."""
    match instruction:
        case Copy():
            return _copy(instruction, word, document)
        case Arg():
            return {"pairs": tuple((word(k), _optional(v, word)) for k, v in instruction.pairs)}
        case Env() | Label():
            return {"pairs": tuple((word(key), word(value)) for key, value in instruction.pairs)}
        case Expose():
            return {"ports": tuple(port for text in instruction.ports for port in word_list(text))}
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


def _optional(text: str | None, word: Word) -> str | None:
    return None if text is None else word(text)


def _copy(copy: Copy, word: Word, document: Word) -> dict[str, object]:
    changes: dict[str, object] = {
        "sources": tuple(map(word, copy.sources)),
        "target": word(copy.target),
        "owner": word(copy.owner),
        "mode": word(copy.mode),
        "heredocs": tuple(_heredoc(each, document) for each in copy.heredocs),
    }
    if isinstance(copy, Add):
        changes["checksum"] = word(copy.checksum)
    return changes


def _heredoc(heredoc: Heredoc, document: Word) -> Heredoc:
    if not heredoc.expands:
        return heredoc
    return msgspec.structs.replace(heredoc, content=document(heredoc.content))
