"""What a Dockerfile says, as values. Made by `parse`, completed by `expand`. Pure.

Texts of instructions are as written until `expand` has replaced their variables: what a variable
holds is known only when the instructions before have been carried out.
Source: Dockerfile reference; buildkit 0.23 frontend/dockerfile/instructions/commands.go (fields).
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Heredoc(msgspec.Struct, frozen=True, kw_only=True):
    """A here-document: `<<NAME`, and the lines up to NAME."""

    name: str
    content: str
    """As it stands; leading tabs are gone where `<<-` asked for it."""
    expands: bool = True
    """Whether variables in it are replaced: not where the name was quoted."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What RUN, CMD, ENTRYPOINT and HEALTHCHECK execute."""

    words: tuple[str, ...] = ()
    """The argument vector; in the shell form the one text for the shell."""
    is_shell: bool = False
    heredocs: tuple[Heredoc, ...] = ()


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """One instruction of a stage. Subclasses say which."""

    line: int
    """The line that it begins on, from 1."""
    source: str
    """Its text with the continuations joined, as progress and history tell it: `RUN echo hi`."""


class Run(Instruction, frozen=True, kw_only=True):
    command: Command
    mounts: tuple[str, ...] = ()
    """Values of `--mount`, as written; see `build.mounts`."""
    network: str = ""
    security: str = ""


class Copy(Instruction, frozen=True, kw_only=True):
    """COPY, and what ADD has in common with it."""

    sources: tuple[str, ...]
    target: str
    heredocs: tuple[Heredoc, ...] = ()
    """Files that stand in the Dockerfile itself, named as their documents; beside `sources`."""
    origin: str = ""
    """`--from`: a stage, its number, or an image; empty for the context."""
    owner: str = ""
    """`--chown`: user[:group], names or numbers."""
    mode: str = ""
    """`--chmod`: octal digits or symbols."""
    excludes: tuple[str, ...] = ()
    parents: bool = False
    link: bool = False


class Add(Copy, frozen=True, kw_only=True):
    checksum: str = ""
    keeps_git: bool = False
    unpacks: bool | None = None
    """`--unpack`; None: archives of the context are unpacked, downloads are not."""


class Arg(Instruction, frozen=True, kw_only=True):
    pairs: tuple[tuple[str, str | None], ...]


class Env(Instruction, frozen=True, kw_only=True):
    pairs: tuple[tuple[str, str], ...]
    is_legacy: bool = False
    """Written `ENV NAME value`, without an equals sign."""


class Label(Instruction, frozen=True, kw_only=True):
    pairs: tuple[tuple[str, str], ...]
    is_legacy: bool = False


class Cmd(Instruction, frozen=True, kw_only=True):
    command: Command


class Entrypoint(Instruction, frozen=True, kw_only=True):
    command: Command


class Expose(Instruction, frozen=True, kw_only=True):
    ports: tuple[str, ...]


class HealthProbe(Instruction, frozen=True, kw_only=True):
    """HEALTHCHECK."""

    command: Command | None = None
    """None for NONE."""
    interval_ns: int = 0
    timeout_ns: int = 0
    start_period_ns: int = 0
    start_interval_ns: int = 0
    retries: int = 0


class Maintainer(Instruction, frozen=True, kw_only=True):
    name: str


class OnBuild(Instruction, frozen=True, kw_only=True):
    trigger: str
    """The instruction for later, as text."""


class Shell(Instruction, frozen=True, kw_only=True):
    words: tuple[str, ...]


class StopSignal(Instruction, frozen=True, kw_only=True):
    signal: str


class User(Instruction, frozen=True, kw_only=True):
    user: str


class VolumePaths(Instruction, frozen=True, kw_only=True):
    """VOLUME."""

    paths: tuple[str, ...]


class WorkDir(Instruction, frozen=True, kw_only=True):
    path: str


ConfigInstruction: TypeAlias = (
    Env | Label | Cmd | Entrypoint | Expose | HealthProbe | OnBuild | Shell | StopSignal | User
    | VolumePaths | WorkDir
)  # fmt: skip
"""Those that change how the image is run."""


class Directives(msgspec.Struct, frozen=True, kw_only=True):
    """What the comments at the top ask of the parser."""

    escape: str = "\\"
    syntax: str = ""
    check: str = ""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between one FROM and the next."""

    index: int
    line: int
    source: str
    """`FROM debian AS build`."""
    base: str
    """As written; variables are those of the ARGs before the first FROM."""
    name: str = ""
    """In small letters; empty without AS."""
    platform: str = ""
    """`--platform`, as written."""
    instructions: tuple[Instruction, ...] = ()


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """Something that works and is not recommended. `rule` is a build check of Docker's."""

    rule: str
    line: int
    message: str


class Dockerfile(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file."""

    directives: Directives = Directives()
    arguments: tuple[Arg, ...] = ()
    """The ARGs before the first FROM."""
    stages: tuple[Stage, ...] = ()
    empty_continuations: tuple[int, ...] = ()
    """Lines that end instructions which go on over empty lines."""
    local_checks: tuple[tuple[int, str], ...] = ()
    """Comments `# check=…` before instructions: the instruction's line, and the value."""
