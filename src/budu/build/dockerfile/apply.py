"""What instructions change in an image's config. Pure.

Source: moby 28.3 builder/dockerfile/dispatchers.go; buildkit 0.23 dockerfile2llb/convert.go.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import assert_never

import msgspec

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.commands import argument_vector, probe_test
from budu.build.dockerfile.model import (
    Cmd,
    ConfigInstruction,
    Entrypoint,
    Env,
    Expose,
    HealthProbe,
    Label,
    OnBuild,
    Shell,
    StopSignal,
    User,
    VolumePaths,
    WorkDir,
)
from budu.build.dockerfile.ports import exposed_ports
from budu.spec.image import ExecConfig, Healthcheck

_LARGEST = 4 << 20


def apply(
    config: ExecConfig, instruction: ConfigInstruction, *, keeps_cmd: bool = False
) -> ExecConfig:
    """The config after an instruction whose variables are replaced.

    An ENTRYPOINT drops the CMD that came with the base image; not one that the same stage has set,
    which `keeps_cmd` tells (see `sets_cmd`).
    Raises: InvalidArgument with Docker's sentence for ports and paths that are none.
    """
    changes = _changes(config, instruction)
    if isinstance(instruction, Entrypoint) and not keeps_cmd:
        changes["cmd"] = None
    return msgspec.structs.replace(config, **changes)


def sets_cmd(instruction: ConfigInstruction) -> bool:
    """Whether an ENTRYPOINT that follows keeps the CMD."""
    return isinstance(instruction, Cmd) and bool(instruction.command.words)


def _changes(config: ExecConfig, instruction: ConfigInstruction) -> dict[str, object]:
    match instruction:
        case Cmd():
            return {
                "cmd": argument_vector(instruction.command, config.shell),
                "args_escaped": False,
            }
        case Entrypoint():
            return {"entrypoint": argument_vector(instruction.command, config.shell)}
        case Env():
            return {"env": _set_variables(config.env or (), instruction.pairs)}
        case Expose():
            ports = [port for text in instruction.ports for port in exposed_ports(text)]
            return {"exposed_ports": _with_keys(config.exposed_ports, ports)}
        case HealthProbe():
            return {"healthcheck": _healthcheck(instruction)}
        case Label():
            return {"labels": _set_labels(config.labels or {}, instruction.pairs)}
        case OnBuild():
            return {"on_build": (*(config.on_build or ()), instruction.trigger)}
        case Shell():
            return {"shell": instruction.words}
        case StopSignal():
            return {"stop_signal": instruction.signal}
        case User():
            return {"user": instruction.user}
        case VolumePaths():
            if not all(instruction.paths):
                raise InvalidArgument("VOLUME specified can not be an empty string")
            return {"volumes": _with_keys(config.volumes, instruction.paths)}
        case WorkDir():
            return {"working_dir": working_dir(config.working_dir, instruction.path)}
        case _:
            assert_never(instruction)


def _set_variables(
    environment: tuple[str, ...], pairs: tuple[tuple[str, str], ...]
) -> tuple[str, ...]:
    """`NAME=value` entries with these set: one that is there keeps its place."""
    entries = {entry.partition("=")[0]: entry for entry in environment}
    entries.update((name, f"{name}={value}") for name, value in pairs)
    _require_measure("environment", entries.values())
    return tuple(entries.values())


def _set_labels(labels: dict[str, str], pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    labels = {**labels, **dict(pairs)}
    _require_measure("labels", (*labels, *labels.values()))
    return labels


def _require_measure(what: str, texts: Iterable[str]) -> None:
    """No kernel starts a program with more; and every value may hold all those before it."""
    if sum(map(len, texts)) > _LARGEST:
        raise InvalidArgument(
            f"the {what} of an image may not have more than {_LARGEST} characters"
        )


def working_dir(current: str, path: str) -> str:
    """An absolute path without dots. Raises: InvalidArgument for an empty one."""
    if not path:
        raise InvalidArgument("cannot normalize nothing")
    joined = posixpath.join("/", current, path)
    return "/" + posixpath.normpath(joined).lstrip("/")


def _with_keys(
    known: dict[str, dict[str, object]] | None, keys: list[str] | tuple[str, ...]
) -> dict[str, dict[str, object]]:
    return {**(known or {}), **{key: {} for key in keys}}


def _healthcheck(probe: HealthProbe) -> Healthcheck:
    return Healthcheck(
        test=probe_test(probe),
        interval=probe.interval_ns,
        timeout=probe.timeout_ns,
        start_period=probe.start_period_ns,
        start_interval=probe.start_interval_ns,
        retries=probe.retries,
    )
