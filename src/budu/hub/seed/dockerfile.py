"""Parses the instructions that the library's recipes are made of. Pure.

FROM, ADD (of one archive), COPY, RUN, and what only changes the config. No variables, no here
documents, no parser directives: the builder knows the whole language, this is for the recipes.
Source: Dockerfile reference.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field

from budu.base.errors import InvalidArgument

CONFIG_WORDS = frozenset(
    ("ENV", "EXPOSE", "CMD", "ENTRYPOINT", "WORKDIR", "VOLUME", "USER", "LABEL", "STOPSIGNAL")
)
FILE_WORDS = frozenset(("ADD", "COPY", "RUN"))
_FLAG = re.compile(r"--([a-z]+)=(\S+)\s+")


@dataclass(frozen=True)
class Instruction:
    """One line of a recipe, continuations joined."""

    word: str
    """In capitals."""
    text: str
    """What follows the word and its flags."""
    flags: dict[str, str] = field(default_factory=dict)
    line: int = 0

    @property
    def source(self) -> str:
        """As history tells it."""
        flags = "".join(f"--{name}={value} " for name, value in self.flags.items())
        return f"{self.word} {flags}{self.text}"

    def words(self) -> list[str]:
        """The arguments: a JSON list, or words as a shell splits them."""
        if self.text.startswith("["):
            return [str(word) for word in json.loads(self.text)]
        return shlex.split(self.text)

    def pairs(self) -> list[tuple[str, str]]:
        """The arguments of ENV and LABEL. Raises: InvalidArgument."""
        pairs = [word.partition("=") for word in shlex.split(self.text)]
        if not all(sign for _, sign, _ in pairs):
            raise InvalidArgument(f"line {self.line}: {self.word} wants NAME=VALUE")
        return [(name, value) for name, _, value in pairs]


@dataclass(frozen=True)
class Stage:
    """What stands between one FROM and the next."""

    base: str
    """`scratch`, an earlier stage, or an image of the library."""
    name: str
    instructions: tuple[Instruction, ...]


def parse(text: str) -> list[Stage]:
    """The stages of a recipe. Raises: InvalidArgument naming the line."""
    stages: list[Stage] = []
    for instruction in _instructions(text):
        if instruction.word == "FROM":
            base, *rest = instruction.words()
            name = rest[1] if len(rest) == 2 and rest[0].upper() == "AS" else str(len(stages))
            stages.append(Stage(base, name, ()))
        elif instruction.word not in CONFIG_WORDS | FILE_WORDS:
            raise InvalidArgument(f"line {instruction.line}: unknown word {instruction.word}")
        elif not stages:
            raise InvalidArgument(f"line {instruction.line}: {instruction.word} before FROM")
        else:
            last = stages[-1]
            stages[-1] = Stage(last.base, last.name, (*last.instructions, instruction))
    if not stages:
        raise InvalidArgument("the recipe has no FROM")
    return stages


def _instructions(text: str) -> list[Instruction]:
    found = []
    for number, line in _joined(text):
        word, _, rest = line.partition(" ")
        rest, flags = rest.strip(), {}
        while match := _FLAG.match(rest):
            flags[match[1]] = match[2]
            rest = rest[match.end() :]
        found.append(Instruction(word.upper(), rest, flags, number))
    return found


def _joined(text: str) -> list[tuple[int, str]]:
    lines: list[tuple[int, str]] = []
    begun, parts = 0, list[str]()
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        begun = begun if parts else number
        parts.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            lines.append((begun, " ".join(part for part in parts if part)))
            parts = []
    if parts:
        lines.append((begun, " ".join(parts)))
    return lines
