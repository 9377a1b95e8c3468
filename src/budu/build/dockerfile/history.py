"""The line that a step leaves in an image's history: `created_by`. Pure.

Source: buildkit 0.23 dockerfile2llb/convert.go (commitToHistory and its callers), without the
mark `# buildkit`; Go's fmt for its forms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from budu.base.quoting import quote, quote_character
from budu.base.units import format_duration
from budu.build.dockerfile.commands import argument_vector, execution, probe_test
from budu.build.dockerfile.model import (
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    HealthProbe,
    Instruction,
    Label,
    Maintainer,
    OnBuild,
    Run,
    Shell,
    StopSignal,
    User,
    VolumePaths,
    WorkDir,
)
from budu.build.dockerfile.ports import exposed_ports


def history_text(
    instruction: Instruction,
    shell: tuple[str, ...] | None,
    *,
    arguments: Sequence[tuple[str, str]] = (),
) -> str:
    """`RUN /bin/sh -c echo hi`, `ENV A=b`, `CMD ["sh"]`, for an instruction that is expanded.

    `shell` is the config's; `arguments` are the build arguments that a RUN sees, with their
    values: they are told, because they are a part of what made the layer.
    """
    match instruction:
        case Run():
            words = execution(instruction.command, shell).arguments
            return f"RUN {' '.join((*_arguments(arguments), *words))}"
        case Copy():
            return _copy(instruction)
        case Arg():
            pairs = (k if v is None else f"{k}={v}" for k, v in instruction.pairs)
            return f"ARG {' '.join(pairs)}"
        case Env():
            return f"ENV {_pairs(instruction.pairs)}"
        case Label():
            return f"LABEL {_pairs(instruction.pairs)}"
        case Cmd():
            return f"CMD {_quoted(argument_vector(instruction.command, shell))}"
        case Entrypoint():
            return f"ENTRYPOINT {_quoted(argument_vector(instruction.command, shell))}"
        case Expose():
            ports = {port for text in instruction.ports for port in exposed_ports(text)}
            return f"EXPOSE map[{' '.join(f'{port}:{{}}' for port in sorted(ports))}]"
        case HealthProbe():
            return f"HEALTHCHECK {_probe(instruction)}"
        case _:
            return _plain(instruction)


def _plain(instruction: Instruction) -> str:
    match instruction:
        case Maintainer():
            return f"MAINTAINER {instruction.name}"
        case OnBuild():
            return f"ONBUILD {instruction.trigger}"
        case Shell():
            return f"SHELL [{' '.join(instruction.words)}]"
        case StopSignal():
            return f"STOPSIGNAL {instruction.signal}"
        case User():
            return f"USER {instruction.user}"
        case VolumePaths():
            return f"VOLUME [{' '.join(instruction.paths)}]"
        case WorkDir():
            return f"WORKDIR {instruction.path}"
        case _:
            return instruction.source


def _arguments(pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return (f"|{len(pairs)}", *(f"{key}={value}" for key, value in pairs)) if pairs else ()


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return " ".join(f"{key}={value}" for key, value in pairs)


def _quoted(words: Iterable[str]) -> str:
    return f"[{' '.join(map(quote, words))}]"


def _copy(copy: Copy) -> str:
    words = ["ADD" if isinstance(copy, Add) else "COPY"]
    words += ["--parents"] if copy.parents else []
    words += [f"--chown={copy.owner}"] if copy.owner else []
    words += [f"--chmod={copy.mode}"] if copy.mode else []
    words += [*copy.sources, *(f"<<{each.name}" for each in copy.heredocs), copy.target]
    return " ".join(words)


def _probe(probe: HealthProbe) -> str:
    """Go's `%q` of a pointer to a record, as it has been in images ever since."""
    durations_ns = (
        *(probe.interval_ns, probe.timeout_ns),
        *(probe.start_period_ns, probe.start_interval_ns),
    )
    durations = " ".join(quote(format_duration(each)) for each in durations_ns)
    return f"&{{{_quoted(probe_test(probe))} {durations} {quote_character(probe.retries)}}}"
