"""Dockerfile instructions that change an image's config: one line in, a changed config out. Pure.

For `commit --change` and `import --change`; the builder uses the same rules for the same words.
Source: Dockerfile reference; moby 28.3 builder/dockerfile/dispatchers.go, buildkit 0.23
frontend/dockerfile/instructions/parse.go (sentences).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable

import msgspec

from budu.base.errors import InvalidArgument
from budu.base.units import parse_duration
from budu.image.words import ESCAPE, expand, split_words
from budu.spec.image import ExecConfig, Healthcheck

SHELL = ("/bin/sh", "-c")
"""Runs commands in the shell form when the image names no other."""

_CONTINUED = re.compile(r"\\[ \t]*\n")
_PORT = re.compile(r"(?:.*:)?([0-9]+)(?:-([0-9]+))?(?:/([A-Za-z]+))?\Z")
_PROTOCOLS = ("tcp", "udp", "sctp")
_SHORTEST_NS = 1_000_000
_strings = msgspec.json.Decoder(list[str])
_values = msgspec.json.Decoder(list[object])


class _State(msgspec.Struct):
    """A config in the making."""

    config: ExecConfig
    cmd_is_set: bool = False

    def change(self, **fields: object) -> None:
        self.config = msgspec.structs.replace(self.config, **fields)

    @property
    def variables(self) -> dict[str, str]:
        pairs = (entry.partition("=") for entry in self.config.env or ())
        return {name: value for name, _, value in pairs}


def apply_changes(config: ExecConfig, lines: Iterable[str]) -> ExecConfig:
    """The config after the instructions, in order. Names are not case-sensitive.

    An ENTRYPOINT drops a CMD that was not set by the same instructions.
    Raises: InvalidArgument with Docker's sentence.
    """
    state = _State(config)
    for name, rest in _instructions("\n".join(lines)):
        handle = _HANDLERS.get(name.upper())
        if handle is None:
            raise InvalidArgument(f"{name} is not a valid change command", reference=name)
        handle(state, rest)
    return state.config


def _instructions(text: str) -> Iterable[tuple[str, str]]:
    """Name and rest of every line; comments and empty lines are none, an escape at a line's end
    goes on in the next."""
    lines = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#"))
    for line in _CONTINUED.sub("", lines).split("\n"):
        name, _, rest = line.strip().partition(" ")
        if name:
            tab = name.find("\t")
            yield (name, rest.strip()) if tab < 0 else (name[:tab], f"{name[tab:]} {rest}".strip())


# Forms of arguments


def _json_words(text: str) -> tuple[str, ...] | None:
    """The words of a JSON array, None when it is none. Raises: InvalidArgument for other values."""
    if not text.startswith("["):
        return None
    try:
        _values.decode(text)
    except msgspec.DecodeError:
        return None
    try:
        return tuple(_strings.decode(text))
    except msgspec.DecodeError:
        raise InvalidArgument(
            "when using JSON array syntax, arrays must be comprised of strings only"
        ) from None


def _command(state: _State, text: str) -> tuple[str, ...]:
    words = _json_words(text)
    if words is not None:
        return words
    return (*(state.config.shell or SHELL), text) if text else ()


def _pairs(state: _State, name: str, text: str) -> list[tuple[str, str]]:
    """`KEY=value …`, or the older `KEY value`, expanded."""
    words = split_words(text)
    if not words:
        raise InvalidArgument(f"{name} requires at least one argument")
    if "=" not in words[0]:
        key, _, value = text.partition(" ")
        if not value.strip():
            raise InvalidArgument(f"{name} must have two arguments")
        pairs = [(key, value.strip())]
    else:
        pairs = [_pair(word) for word in words]
    variables = state.variables
    expanded = [(expand(key, variables), expand(value, variables)) for key, value in pairs]
    if not all(key for key, _ in expanded):
        raise InvalidArgument(f"{name} names can not be blank")
    return expanded


def _pair(word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not equals:
        quoted = word.replace(ESCAPE, ESCAPE * 2).replace('"', '\\"')
        raise InvalidArgument(
            f'Syntax error - can\'t find = in "{quoted}". Must be of the form: name=value'
        )
    return key, value


def _one_word(state: _State, name: str, text: str) -> str:
    if not text:
        raise InvalidArgument(f"{name} requires exactly one argument")
    return expand(text, state.variables)


# Instructions


def _cmd(state: _State, text: str) -> None:
    state.cmd_is_set = True
    state.change(cmd=_command(state, text), args_escaped=False)


def _entrypoint(state: _State, text: str) -> None:
    state.change(entrypoint=_command(state, text))
    if not state.cmd_is_set:
        state.change(cmd=None)


def _env(state: _State, text: str) -> None:
    env = list(state.config.env or ())
    for key, value in _pairs(state, "ENV", text):
        entry = f"{key}={value}"
        known = [index for index, each in enumerate(env) if each.partition("=")[0] == key]
        if known:
            env[known[0]] = entry
        else:
            env.append(entry)
    state.change(env=tuple(env))


def _label(state: _State, text: str) -> None:
    pairs = _pairs(state, "LABEL", text)
    state.change(labels={**(state.config.labels or {}), **dict(pairs)})


def _expose(state: _State, text: str) -> None:
    if not text:
        raise InvalidArgument("EXPOSE requires at least one argument")
    words = expand(text, state.variables).split()
    ports: dict[str, dict[str, object]] = {
        port: {} for word in sorted(words) for port in _ports(word)
    }
    state.change(exposed_ports={**(state.config.exposed_ports or {}), **ports})


def _ports(text: str) -> list[str]:
    """`80`, `80/udp` or `8000-8002/tcp`, one by one."""
    match = _PORT.match(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if match is None or not 0 < first <= last < 1 << 16:
        raise InvalidArgument(f"invalid containerPort: {text}", reference=text)
    protocol = (match[3] or "tcp").lower()
    if protocol not in _PROTOCOLS:
        raise InvalidArgument(f"invalid proto: {match[3]}", reference=text)
    return [f"{port}/{protocol}" for port in range(first, last + 1)]


def _user(state: _State, text: str) -> None:
    state.change(user=_one_word(state, "USER", text))


def _working_dir(state: _State, text: str) -> None:
    wanted = _one_word(state, "WORKDIR", text)
    if not wanted:
        raise InvalidArgument("cannot normalize nothing")
    joined = posixpath.join("/", state.config.working_dir, wanted)
    state.change(working_dir="/" + posixpath.normpath(joined).lstrip("/"))


def _volume(state: _State, text: str) -> None:
    words = _json_words(text)
    if words is None:
        words = tuple(text.split())
    if not words:
        raise InvalidArgument("VOLUME requires at least one argument")
    paths = [expand(word, state.variables).strip() for word in words]
    if not all(paths):
        raise InvalidArgument("VOLUME specified can not be an empty string")
    state.change(volumes={**(state.config.volumes or {}), **{path: {} for path in paths}})


def _stop_signal(state: _State, text: str) -> None:
    if len(text.split()) != 1:
        raise InvalidArgument("STOPSIGNAL requires exactly one argument")
    state.change(stop_signal=_one_word(state, "STOPSIGNAL", text))


def _on_build(state: _State, text: str) -> None:
    name = text.partition(" ")[0].upper()
    if not name:
        raise InvalidArgument("ONBUILD requires at least one argument")
    if name == "ONBUILD":
        raise InvalidArgument("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if name in ("MAINTAINER", "FROM"):
        raise InvalidArgument(f"{name} isn't allowed as an ONBUILD trigger")
    state.change(on_build=(*(state.config.on_build or ()), text))


def _shell(state: _State, text: str) -> None:
    words = _json_words(text)
    if words is None:
        raise InvalidArgument("SHELL requires the arguments to be in JSON form")
    if not words:
        raise InvalidArgument("SHELL requires at least one argument")
    state.change(shell=words)


def _healthcheck(state: _State, text: str) -> None:
    flags: dict[str, str] = {}
    while text.startswith("--"):
        flag, _, text = text.partition(" ")
        name, equals, value = flag[2:].partition("=")
        if name not in _HEALTH_FLAGS:
            raise InvalidArgument(f"unknown flag: {name}")
        if not equals:
            raise InvalidArgument(f"missing a value on flag: {name}")
        flags[name] = value
        text = text.lstrip()
    kind, _, rest = text.partition(" ")
    state.change(healthcheck=_health(kind, rest.strip(), flags))


def _health(kind: str, rest: str, flags: dict[str, str]) -> Healthcheck:
    if not kind:
        raise InvalidArgument("HEALTHCHECK requires at least one argument")
    if kind.upper() == "NONE":
        if rest:
            raise InvalidArgument("HEALTHCHECK NONE takes no arguments")
        return Healthcheck(test=("NONE",))
    if kind.upper() != "CMD":
        raise InvalidArgument(f'Unknown type "{kind.upper()}" in HEALTHCHECK (try CMD)')
    words = _json_words(rest)
    if not rest or words == ():
        raise InvalidArgument("Missing command after HEALTHCHECK CMD")
    return Healthcheck(
        test=("CMD-SHELL", rest) if words is None else ("CMD", *words),
        interval=_interval("interval", flags),
        timeout=_interval("timeout", flags),
        start_period=_interval("start-period", flags),
        start_interval=_interval("start-interval", flags),
        retries=_retries(flags.get("retries", "")),
    )


def _interval(name: str, flags: dict[str, str]) -> int:
    text = flags.get(name, "")
    duration_ns = parse_duration(text) if text else 0
    if duration_ns and duration_ns < _SHORTEST_NS:
        raise InvalidArgument(f'Interval "{name}" cannot be less than 1ms')
    return duration_ns


def _retries(text: str) -> int:
    if not text:
        return 0
    if not text.lstrip("-").isdecimal():
        raise InvalidArgument(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if int(text) < 0:
        raise InvalidArgument(f"--retries cannot be negative ({int(text)})")
    return int(text)


_HEALTH_FLAGS = ("interval", "timeout", "start-period", "start-interval", "retries")
_HANDLERS: dict[str, Callable[[_State, str], None]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "ONBUILD": _on_build,
    "SHELL": _shell,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _working_dir,
}
