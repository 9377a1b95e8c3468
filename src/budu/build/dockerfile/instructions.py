"""Instructions as text to instructions as values. Pure.

Source: Dockerfile reference; buildkit 0.23 frontend/dockerfile/instructions/parse.go (rules and
sentences).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from budu.base.errors import Hint, InvalidArgument
from budu.base.quoting import quote
from budu.base.suggest import nearest
from budu.build.dockerfile.copies import parse_add, parse_copy
from budu.build.dockerfile.flags import Flags, Kind, did_you_mean, parse_flags
from budu.build.dockerfile.health import parse_health
from budu.build.dockerfile.heredocs import stripped
from budu.build.dockerfile.lines import Document, Line
from budu.build.dockerfile.model import (
    Arg,
    Cmd,
    Command,
    Entrypoint,
    Env,
    Expose,
    Heredoc,
    Instruction,
    Label,
    Maintainer,
    OnBuild,
    Run,
    Shell,
    Stage,
    StopSignal,
    User,
    VolumePaths,
    WorkDir,
)
from budu.build.dockerfile.statement import KEYWORDS, Pair, Statement
from budu.build.dockerfile.words import SPACE

_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*\Z")
_ONBUILD = re.compile(r"\s*ONBUILD\s*", re.IGNORECASE)
_RUN_FLAGS = {"mount": Kind.TEXTS, "network": Kind.TEXT, "security": Kind.TEXT}
_NETWORKS = ("default", "none", "host")
_SECURITY = ("sandbox", "insecure")


def parse_line(line: Line, *, escape: str) -> Instruction:
    """The instruction of a line that is no FROM. Raises: InvalidArgument with Docker's sentence."""
    keyword = line.statement.keyword
    if keyword == "COPY":
        return parse_copy(line, escape=escape)
    parse = _PARSERS.get(keyword)
    if parse is None:
        raise _unknown(line)
    return parse(line)


def _unknown(line: Line) -> InvalidArgument:
    name = line.statement.name
    # Docker suggests in capital letters only what was written in them.
    keywords = KEYWORDS if name == name.upper() else [each.lower() for each in KEYWORDS]
    meant = did_you_mean(name if name == name.upper() else name.lower(), keywords)
    near = nearest(name.upper(), KEYWORDS)
    hint = (
        Hint("build.misspelt-instruction", line=line.number, name=name, near=near)
        if near
        else Hint("build.no-instruction", line=line.number, name=name)
    )
    return InvalidArgument(f"unknown instruction: {name}{meant}", hint=hint, reference=name)


def parse_from(line: Line, *, index: int) -> Stage:
    """The stage that FROM begins. Raises: InvalidArgument with Docker's sentence."""
    arguments = line.statement.arguments
    name = ""
    if len(arguments) == 3 and arguments[1].upper() == "AS":
        name = arguments[2].lower()
        if not _STAGE_NAME.match(name):
            raise InvalidArgument(
                f"invalid name for build stage: {quote(arguments[2])}, name can't start with a "
                "number or contain symbols"
            )
    elif len(arguments) != 1:
        raise InvalidArgument("FROM requires either one or three arguments")
    flags = parse_flags(line.statement.flags, {"platform": Kind.TEXT})
    return Stage(
        index=index,
        line=line.number,
        source=line.text,
        base=arguments[0],
        name=name,
        platform=flags.text("platform"),
    )


# What many have in common


def _no_flags(statement: Statement) -> Flags:
    return parse_flags(statement.flags, {})


def _at_least_one(statement: Statement) -> tuple[str, ...]:
    if not statement.arguments:
        raise InvalidArgument(f"{statement.keyword} requires at least one argument")
    return statement.arguments


def _one(statement: Statement) -> str:
    if len(statement.arguments) != 1:
        raise InvalidArgument(f"{statement.keyword} requires exactly one argument")
    return statement.arguments[0]


def _pairs(statement: Statement) -> tuple[Pair, ...]:
    _no_flags(statement)
    if not statement.pairs:
        raise InvalidArgument(f"{statement.keyword} requires at least one argument")
    if not all(pair.name for pair in statement.pairs):
        raise InvalidArgument(f"{statement.keyword} names can not be blank")
    return statement.pairs


def _command(line: Line) -> Command:
    return Command(
        words=line.statement.arguments,
        is_shell=not line.statement.is_json,
        heredocs=tuple(map(_heredoc, line.documents)),
    )


def _heredoc(document: Document) -> Heredoc:
    opening = document.opening
    content = stripped(document.content) if opening.strips_tabs else document.content
    return Heredoc(name=opening.name, content=content, expands=opening.expands)


# Instructions


def _arg(line: Line) -> Arg:
    pairs = []
    for word in _at_least_one(line.statement):
        name, equals, value = word.partition("=")
        if equals and not name:
            raise InvalidArgument("ARG names can not be blank")
        pairs.append((name, value if equals else None))
    return Arg(line=line.number, source=line.text, pairs=tuple(pairs))


def _cmd(line: Line) -> Cmd:
    _no_flags(line.statement)
    return Cmd(line=line.number, source=line.text, command=_command(line))


def _entrypoint(line: Line) -> Entrypoint:
    _no_flags(line.statement)
    return Entrypoint(line=line.number, source=line.text, command=_command(line))


def _env(line: Line) -> Env:
    pairs = _pairs(line.statement)
    return Env(
        line=line.number,
        source=line.text,
        pairs=tuple((pair.name, pair.value) for pair in pairs),
        is_legacy=pairs[0].is_legacy,
    )


def _expose(line: Line) -> Expose:
    ports = _at_least_one(line.statement)
    _no_flags(line.statement)
    return Expose(line=line.number, source=line.text, ports=tuple(sorted(ports)))


def _health(line: Line) -> Instruction:
    return parse_health(line.statement, line=line.number, source=line.text)


def _label(line: Line) -> Label:
    pairs = _pairs(line.statement)
    return Label(
        line=line.number,
        source=line.text,
        pairs=tuple((pair.name, pair.value) for pair in pairs),
        is_legacy=pairs[0].is_legacy,
    )


def _maintainer(line: Line) -> Maintainer:
    name = _one(line.statement)
    _no_flags(line.statement)
    return Maintainer(line=line.number, source=line.text, name=name)


def _on_build(line: Line) -> OnBuild:
    _at_least_one(line.statement)
    _no_flags(line.statement)
    keyword = line.statement.inner.keyword if line.statement.inner else ""
    if keyword == "ONBUILD":
        raise InvalidArgument("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if keyword in ("MAINTAINER", "FROM"):
        raise InvalidArgument(f"{keyword} isn't allowed as an ONBUILD trigger")
    documents = [f"\n{each.content}{each.opening.name}" for each in line.documents]
    trigger = _ONBUILD.sub("", line.text, count=1) + "".join(documents)
    return OnBuild(line=line.number, source=line.text, trigger=trigger)


def _run(line: Line) -> Run:
    flags = parse_flags(line.statement.flags, _RUN_FLAGS)
    network, security = flags.text("network"), flags.text("security")
    if "network" in flags and network not in _NETWORKS:
        raise InvalidArgument(f"invalid network mode {quote(network)}")
    if "security" in flags and security not in _SECURITY:
        raise InvalidArgument(f"security {quote(security)} is not valid")
    return Run(
        line=line.number,
        source=line.text,
        command=_command(line),
        mounts=flags.texts("mount"),
        network=network,
        security=security,
    )


def _shell(line: Line) -> Shell:
    _no_flags(line.statement)
    words = _at_least_one(line.statement)
    if not line.statement.is_json:
        raise InvalidArgument("SHELL requires the arguments to be in JSON form")
    return Shell(line=line.number, source=line.text, words=words)


def _stop_signal(line: Line) -> StopSignal:
    return StopSignal(line=line.number, source=line.text, signal=_one(line.statement))


def _user(line: Line) -> User:
    user = _one(line.statement)
    _no_flags(line.statement)
    return User(line=line.number, source=line.text, user=user)


def _volume(line: Line) -> VolumePaths:
    paths = tuple(path.strip(SPACE) for path in _at_least_one(line.statement))
    _no_flags(line.statement)
    if not all(paths):
        raise InvalidArgument("VOLUME specified can not be an empty string")
    return VolumePaths(line=line.number, source=line.text, paths=paths)


def _working_dir(line: Line) -> WorkDir:
    path = _one(line.statement)
    _no_flags(line.statement)
    return WorkDir(line=line.number, source=line.text, path=path)


_PARSERS: dict[str, Callable[[Line], Instruction]] = {
    "ADD": parse_add,
    "ARG": _arg,
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _health,
    "LABEL": _label,
    "MAINTAINER": _maintainer,
    "ONBUILD": _on_build,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _working_dir,
}
