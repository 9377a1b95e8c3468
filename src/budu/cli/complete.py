"""What may come next on a command line, for the shells' completion. Light.

Everything follows from the declarations: words from the index, flags from the command's record,
names of containers, images, networks and volumes from the placeholders in its usage line
(`CONTAINER`, `IMAGE` …). An engine that does not answer completes nothing and is not started.
"""

from __future__ import annotations

from budu.cli.index import COMMANDS, GROUP_HELP, GROUPS, HIDDEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from budu.cli.context import Context
    from budu.cli.declare import Command, Flag
    from budu.client.session import Session

    Candidate = tuple[str, str]
    """A word, and what it means; the second may be empty."""

FILES = ":files"
"""The only candidate where a path of this machine is wanted: the shell completes that itself."""

_VALUES = {
    "cgroupns": "host private",
    "format": "json table",
    "ipc": "host none private shareable",
    "isolation": "default",
    "lang": "en ko",
    "log-driver": "fluentd gelf journald json-file local none syslog",
    "log-level": "debug error fatal info warn",
    "on-unhealthy": "kill none restart stop",
    "pid": "host",
    "platform": "linux/amd64 linux/arm64",
    "progress": "auto plain quiet",
    "pull": "always missing never",
    "restart": "always no on-failure unless-stopped",
    "signal": "HUP INT KILL QUIT TERM USR1 USR2",
    "stop-signal": "HUP INT KILL QUIT TERM USR1 USR2",
    "type": "container image network volume",
    "userns": "host",
    "uts": "host",
}
_NAMES = {
    "cache-from": "IMAGE",
    "link": "CONTAINER",
    "network": "NETWORK",
    "tag": "IMAGE",
    "volumes-from": "CONTAINER",
}
_PLACES = (
    ("CONTAINER", ("CONTAINER",)),
    ("IMAGE", ("IMAGE",)),
    ("SOURCE_IMAGE", ("IMAGE",)),
    ("TARGET_IMAGE", ("IMAGE",)),
    ("REPOSITORY", ("IMAGE",)),
    ("NAME[:TAG", ("IMAGE",)),
    ("NAME|ID", ("CONTAINER", "IMAGE", "NETWORK", "VOLUME")),
    ("NETWORK", ("NETWORK",)),
    ("VOLUME", ("VOLUME",)),
)
"""How placeholders of usage lines begin, and whose names they stand for."""
_OF_RUNNING = frozenset(("attach", "exec", "kill", "pause", "port", "stop", "top", "unpause"))
"""Commands that mean running containers."""
_PATHS = frozenset(
    ("cidfile", "config", "env-file", "file", "iidfile", "label-file", "mount", "output",
     "tlscacert", "tlscert", "tlskey", "volume")
)  # fmt: skip


def candidates(context: Context, words: Sequence[str]) -> Iterator[Candidate]:
    """What the last of `words`, which may be empty, may become."""
    *before, current = words
    for word, meaning in _next(context, before, current):
        if word == FILES or word.startswith(current):
            yield word, meaning


def _next(context: Context, before: list[str], current: str) -> Iterable[Candidate]:
    from budu.cli.root import ROOT_FLAGS

    waiting, before = _after_root_flags(before, ROOT_FLAGS)
    if waiting is not None:
        return _flag_values(context, waiting)
    if not before:
        return _flags(context, ROOT_FLAGS) if current.startswith("-") else _commands(context)
    if before[0] in GROUPS and len(before) == 1:
        return _below(context, before[0])
    command, used = _find(before)
    if command is None:
        return ()
    running = before[used - 1] in _OF_RUNNING
    return _of_command(context, command, before[used:], current, running=running)


def _after_root_flags(words: list[str], flags: tuple[Flag, ...]) -> tuple[Flag | None, list[str]]:
    """The flag whose value comes next, or the words from the command on."""
    takes = {f"--{flag.name}": flag for flag in flags if flag.kind != "bool"}
    takes |= {f"-{flag.short}": flag for flag in flags if flag.kind != "bool" and flag.short}
    while words and words[0].startswith("-"):
        flag = takes.get(words[0])
        if flag is not None and len(words) == 1:
            return flag, []
        words = words[2 if flag is not None else 1 :]
    return None, words


def _find(words: list[str]) -> tuple[Command | None, int]:
    from budu.cli.failures import Exit
    from budu.cli.main import find_command

    try:
        command, _, used = find_command(words)
    except Exit:
        return None, 0
    return command, used


def _commands(context: Context) -> Iterator[Candidate]:
    ko = context.lang == "ko"
    yield from ((name, text[ko]) for name, text in GROUP_HELP.items())
    yield from ((name, "") for name in COMMANDS if name not in HIDDEN and " " not in name)


def _below(context: Context, group: str) -> Iterator[Candidate]:
    for name in GROUPS[group]:
        if name not in HIDDEN and f"{group} {name}" not in HIDDEN:
            yield name, ""


def _of_command(
    context: Context, command: Command, words: list[str], current: str, *, running: bool
) -> Iterable[Candidate]:
    waiting, count = _walk(command, words)
    if waiting is not None:
        return _flag_values(context, waiting)
    if command.options_first and count > 1:
        return ((FILES, ""),)
    if current.startswith("-"):
        if "=" in current:
            name, _, _ = current[2:].partition("=")
            flag = next((each for each in command.flags if each.name == name), None)
            values = _flag_values(context, flag) if flag else ()
            return ((f"--{name}={word}", text) for word, text in values)
        return _flags(context, command.flags)
    return _arguments(context, command.usage, count, running=running)


def _walk(command: Command, words: list[str]) -> tuple[Flag | None, int]:
    """The flag whose value comes next, and how many arguments there were."""
    by_word = {f"--{flag.name}": flag for flag in command.flags}
    by_word |= {f"-{flag.short}": flag for flag in command.flags if flag.short}
    waiting: Flag | None = None
    count = 0
    for word in words:
        if waiting is not None:
            waiting = None
        elif word.startswith("-") and word != "-":
            flag = by_word.get(word)
            waiting = flag if flag is not None and flag.kind != "bool" else None
        else:
            count += 1
            if command.options_first:
                count += len(words)
                break
    return waiting, count


def _flags(context: Context, flags: Iterable[Flag]) -> Iterator[Candidate]:
    ko = context.lang == "ko"
    for flag in flags:
        if not flag.hidden and not flag.deprecated:
            yield f"--{flag.name}", flag.help[ko]
    yield "--help", ""


def _flag_values(context: Context, flag: Flag) -> Iterable[Candidate]:
    if flag.name in _PATHS:
        return ((FILES, ""),)
    if flag.name in _NAMES:
        return _names(context, _NAMES[flag.name])
    if flag.name == "context":
        return ((name, "") for name in _contexts(context))
    return ((word, "") for word in _VALUES.get(flag.name, "").split())


def _contexts(context: Context) -> list[str]:
    from budu.client.contexts import ContextStore

    return ["default", *ContextStore(context.config_folder).names()]


def _arguments(context: Context, usage: str, count: int, *, running: bool) -> Iterable[Candidate]:
    """Names for the argument at place `count` of a usage line; its last one repeats."""
    places = [word for word in usage.split() if word != "[OPTIONS]"]
    if not places:
        return ()
    place = places[min(count, len(places) - 1)].strip("[].")
    choices = place.split("|")
    if all(choice.islower() for choice in choices) and len(choices) > 1:
        return ((choice, "") for choice in choices) if count < len(places) else ()
    for beginning, kinds in _PLACES:
        if place.startswith(beginning):
            end = ":" if place.startswith(f"{beginning}:") else ""
            names = (each for kind in kinds for each in _names(context, kind, running=running))
            return ((name + end, meaning) for name, meaning in names)
    if "PATH" in place or choices[0] in ("file", "FILE"):
        return ((FILES, ""),)
    return ((name, "") for name in _contexts(context)) if place == "CONTEXT" else ()


def _names(context: Context, kind: str, *, running: bool = False) -> Iterator[Candidate]:
    from budu.base.errors import BuduError
    from budu.client.session import Session

    session = Session(context.endpoint)
    try:
        yield from list(_ask(session, kind, running=running))
    except BuduError:
        return


def _ask(session: Session, kind: str, *, running: bool) -> Iterator[Candidate]:
    if kind == "CONTAINER":
        for each in session.list_containers(everything=not running):
            yield each["Names"][0].removeprefix("/"), f"{each['Image']}, {each['State']}"
    elif kind == "IMAGE":
        for each in session.list_images():
            for tag in each.get("RepoTags") or ():
                yield tag, ""
                if tag.endswith(":latest"):
                    yield tag.removesuffix(":latest"), ""
    elif kind == "NETWORK":
        for each in session.list_networks({}):
            yield each["Name"], each["Driver"]
    else:
        for each in session.list_volumes({}):
            yield each["Name"], ""
