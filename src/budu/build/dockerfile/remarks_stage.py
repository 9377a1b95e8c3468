"""Build checks of the instructions of stages. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from budu.base.errors import InvalidArgument
from budu.base.quoting import quote
from budu.build.dockerfile.expand import Replacement, replace
from budu.build.dockerfile.flags import did_you_mean
from budu.build.dockerfile.model import (
    Arg,
    Cmd,
    Dockerfile,
    Entrypoint,
    Env,
    Expose,
    HealthProbe,
    Instruction,
    Label,
    Maintainer,
    Remark,
    Shell,
    Stage,
    WorkDir,
)
from budu.build.dockerfile.remarks_from import default_arguments
from budu.build.dockerfile.words import expand_word

_SECRET = re.compile(
    r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)", re.I
)
_NO_SECRET = re.compile(r"(?:_|^)(?:public|file|version)(?:_|$)", re.I)


def stage_remarks(
    dockerfile: Dockerfile, environments: Mapping[int, Mapping[str, str]]
) -> Iterator[Remark]:
    """What the checks say of all stages, also of those that no target needs."""
    arguments, escape = default_arguments(dockerfile), dockerfile.directives.escape
    views: dict[str, _View] = {}
    for stage in dockerfile.stages:
        base = _base(stage, arguments, escape)
        view = _View(arguments, escape, views.get(base))
        if base not in views:
            view.is_known = base == "scratch" or stage.index in environments
            view.variables.update(environments.get(stage.index, {}))
        yield from _stage_remarks(stage, view)
        if stage.name:
            views[stage.name] = view


def _base(stage: Stage, arguments: Mapping[str, str], escape: str) -> str:
    try:
        return expand_word(stage.base, arguments, escape=escape)
    except InvalidArgument:
        return stage.base  # The build will say so.


class _View:
    """What is known of a stage's image, instruction by instruction."""

    def __init__(self, arguments: Mapping[str, str], escape: str, below: _View | None) -> None:
        self._arguments = arguments
        self.escape = escape
        self.variables: dict[str, str] = dict(below.variables) if below else {"PATH": ""}
        self.declared: set[str] = set(below.declared) if below else set()
        self.is_known: bool = below is not None and below.is_known
        """Whether no variable is set but these."""
        self.has_shell: bool = below is not None and below.has_shell
        self.has_working_dir: bool = below is not None and below.has_working_dir

    def carry_out(self, instruction: Instruction) -> None:
        match instruction:
            case Env():
                self.variables.update(instruction.pairs)
            case Arg():
                for name, default in instruction.pairs:
                    value = self._arguments.get(name) if default is None else default
                    self.declared.add(name)
                    if value is not None:
                        self.variables[name] = value
            case Shell():
                self.has_shell = True
            case WorkDir():
                self.has_working_dir = True
            case _:
                pass


def _stage_remarks(stage: Stage, view: _View) -> Iterator[Remark]:
    yield from _repeated(stage)
    for written in stage.instructions:
        replacement = Replacement(view.variables, escape=view.escape)
        try:
            instruction = replace(written, replacement)
        except InvalidArgument:
            continue  # The build will say so.
        unset = sorted(replacement.unset - view.declared)
        yield from _undefined(written, unset, view)
        yield from _forms(instruction, view)
        yield from _secrets(instruction)
        if not unset:
            yield from _working_dir(instruction, view)
            yield from _ports(instruction)
        view.carry_out(instruction)


def _remark(rule: str, instruction: Instruction, message: str) -> Remark:
    return Remark(rule=rule, line=instruction.line, message=message)


def _name(instruction: Instruction) -> str:
    return instruction.source.split(maxsplit=1)[0]


def _repeated(stage: Stage) -> Iterator[Remark]:
    """Only the last CMD, ENTRYPOINT and HEALTHCHECK count."""
    last: dict[type[Instruction], Instruction] = {}
    for each in stage.instructions:
        if not isinstance(each, Cmd | Entrypoint | HealthProbe):
            continue
        if (before := last.get(type(each))) is not None:
            message = (
                f"Multiple {_name(each)} instructions should not be used in the same stage "
                "because only the last one will be used"
            )
            yield _remark("MultipleInstructionsDisallowed", before, message)
        last[type(each)] = each


def _undefined(instruction: Instruction, unset: list[str], view: _View) -> Iterator[Remark]:
    for name in unset if view.is_known else ():
        meant = did_you_mean(name, sorted(view.variables)).replace("mean ", "mean $")
        message = f"Usage of undefined variable '${name}'{meant}"
        yield _remark("UndefinedVar", instruction, message)


def _forms(instruction: Instruction, view: _View) -> Iterator[Remark]:
    """Older and unsafe ways to write."""
    name = _name(instruction)
    match instruction:
        case Maintainer():
            message = "Maintainer instruction is deprecated in favor of using label"
            yield _remark("MaintainerDeprecated", instruction, message)
        case Env() | Label() if instruction.is_legacy:
            message = (
                f'"{name} key=value" should be used instead of legacy "{name} key value" format'
            )
            yield _remark("LegacyKeyValueFormat", instruction, message)
        case Cmd() | Entrypoint() if instruction.command.is_shell and not view.has_shell:
            message = (
                f"JSON arguments recommended for {name} to prevent unintended behavior related to "
                "OS signals"
            )
            yield _remark("JSONArgsRecommended", instruction, message)
        case _:
            pass


def _secrets(instruction: Instruction) -> Iterator[Remark]:
    if not isinstance(instruction, Arg | Env):
        return
    kind = "ARG" if isinstance(instruction, Arg) else "ENV"
    for name, _ in instruction.pairs:
        if _SECRET.search(name) and not _NO_SECRET.search(name):
            message = (
                f"Do not use ARG or ENV instructions for sensitive data ({kind} {quote(name)})"
            )
            yield _remark("SecretsUsedInArgOrEnv", instruction, message)


def _working_dir(instruction: Instruction, view: _View) -> Iterator[Remark]:
    if not isinstance(instruction, WorkDir) or view.has_working_dir:
        return
    if not instruction.path.startswith("/"):
        message = (
            f"Relative workdir {quote(instruction.path)} can have unexpected results if the base "
            "image changes"
        )
        yield _remark("WorkdirRelativePath", instruction, message)


def _ports(instruction: Instruction) -> Iterator[Remark]:
    for port in instruction.ports if isinstance(instruction, Expose) else ():
        protocol = port.partition("/")[2]
        if protocol != protocol.lower():
            message = f"Defined protocol '{port}' in EXPOSE instruction should be lowercase"
            yield _remark("ExposeProtoCasing", instruction, message)
        if ":" in port:
            message = (
                "EXPOSE instruction should not define an IP address or host-port mapping, found "
                f"'{port}'"
            )
            yield _remark("ExposeInvalidFormat", instruction, message)
