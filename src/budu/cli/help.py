"""Help, generated from the declarations. Light."""

from __future__ import annotations

from budu.cli.failures import PROGRAM
from budu.cli.index import COMMANDS, COMMON, GROUP_HELP, GROUPS, HIDDEN
from budu.cli.terminal import display_width, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from budu.cli.context import Context
    from budu.cli.declare import Command, Flag

_WORDS = {
    "usage": ("Usage", "사용법"),
    "aliases": ("Aliases", "다른 이름"),
    "options": ("Options", "옵션"),
    "commands": ("Commands", "명령"),
    "common": ("Common Commands", "자주 쓰는 명령"),
    "groups": ("Management Commands", "관리 명령"),
    "global": ("Global Options", "공통 옵션"),
    "examples": ("Examples", "예"),
    "about": (
        "Containers for everyone: pull an image, run it, look at it, stop it.",
        "누구나 쓰는 컨테이너: 이미지를 받고, 실행하고, 살펴보고, 멈춥니다.",
    ),
    "more": (
        "Run '{path} COMMAND --help' for more information on a command.",
        "명령의 자세한 설명: '{path} COMMAND --help'",
    ),
}


def show_help(context: Context, words: Sequence[str]) -> int:
    """`budu help …` and `budu GROUP`."""
    if not words:
        return show_overview(context)
    if words[0] in GROUPS and len(words) == 1:
        return show_group(context, words[0])
    from budu.cli.main import find_command

    command, path, _ = find_command(words)
    return show_command(context, command, path)


def show_command(context: Context, command: Command, path: str) -> int:
    """The page of one command."""
    ko = context.lang == "ko"
    parts = [f"{_word('usage', ko)}:  {path} {command.usage}", command.help[ko]]
    spellings = spellings_of(path)
    if len(spellings) > 1:
        parts.append(f"{_word('aliases', ko)}:\n  " + ", ".join(spellings))
    shown = [flag for flag in command.flags if not flag.hidden]
    if shown:
        parts.append(f"{_word('options', ko)}:\n" + _table(_flag_rows(shown, ko)))
    if command.examples:
        lines = "\n".join(f"  {PROGRAM} {line}" for line in command.examples)
        parts.append(f"{_word('examples', ko)}:\n{lines}")
    context.out.write("\n\n".join(parts) + "\n")
    return 0


def spellings_of(path: str) -> list[str]:
    """Every way to write the command of a path, the group's first."""
    words = path.split()[1:]
    place = COMMANDS.get(" ".join(words)) or GROUPS[words[0]][words[1]]
    found = [
        f"{PROGRAM} {group} {name}"
        for group, table in GROUPS.items()
        for name, other in table.items()
        if other == place
    ]
    found += [f"{PROGRAM} {name}" for name, other in COMMANDS.items() if other == place]
    return found


def show_group(context: Context, group: str) -> int:
    """The commands of a group."""
    ko = context.lang == "ko"
    rows = _command_rows(GROUPS[group].items(), ko, prefix=f"{group} ")
    path = f"{PROGRAM} {group}"
    parts = [
        f"{_word('usage', ko)}:  {path} COMMAND",
        GROUP_HELP[group][ko],
        f"{_word('commands', ko)}:\n" + _table(rows),
        _word("more", ko).format(path=path),
    ]
    context.out.write("\n\n".join(parts) + "\n")
    return 0


def show_overview(context: Context) -> int:
    """All commands and the root flags."""
    from budu.cli.root import ROOT_FLAGS

    ko = context.lang == "ko"
    common = [(name, COMMANDS[name]) for name in COMMON]
    others = [(name, place) for name, place in COMMANDS.items() if name not in COMMON]
    groups = [(name, text[ko]) for name, text in GROUP_HELP.items()]
    parts = [
        f"{_word('usage', ko)}:  {PROGRAM} [OPTIONS] COMMAND",
        _word("about", ko),
        f"{_word('common', ko)}:\n" + _table(_command_rows(common, ko)),
        f"{_word('groups', ko)}:\n" + _table(groups),
        f"{_word('commands', ko)}:\n" + _table(_command_rows(others, ko)),
        f"{_word('global', ko)}:\n" + _table(_flag_rows(ROOT_FLAGS, ko)),
        _word("more", ko).format(path=PROGRAM),
    ]
    context.out.write("\n\n".join(parts) + "\n")
    return 0


def _word(key: str, ko: int) -> str:
    return _WORDS[key][ko]


def _command_rows(
    entries: Iterable[tuple[str, str]], ko: int, *, prefix: str = ""
) -> list[tuple[str, str]]:
    from budu.cli.main import load_command

    return [
        (name, load_command(place).help[ko])
        for name, place in entries
        if name not in HIDDEN and prefix + name not in HIDDEN
    ]


def _flag_rows(flags: Iterable[Flag], ko: int) -> list[tuple[str, str]]:
    rows = []
    for flag in sorted(flags, key=lambda flag: flag.name):
        short = f"-{flag.short}, " if flag.short else "    "
        value = "" if flag.kind == "bool" else f" {flag.kind}"
        rows.append((f"{short}--{flag.name}{value}", flag.help[ko] + _default(flag)))
    return rows


def _default(flag: Flag) -> str:
    if flag.default in (None, "", False, -1):
        return ""
    if isinstance(flag.default, bool):
        return " (default true)"
    shown = f'"{flag.default}"' if isinstance(flag.default, str) else str(flag.default)
    return f" (default {shown})"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    left = max(display_width(name) for name, _ in rows) + 3
    room = max(30, (size(1)[1] or 100) - left - 2)
    lines = []
    for name, text in rows:
        first, *rest = _wrap(text, room) or [""]
        lines.append(f"  {name}{' ' * (left - display_width(name))}{first}")
        lines += [" " * (left + 2) + line for line in rest]
    return "\n".join(lines)


def _wrap(text: str, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if display_width(longer) > width and line:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line] if line else lines
