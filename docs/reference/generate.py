"""Writes this folder's pages from the declarations: `make reference`. A test holds them together.

    commands.md, commands.ko.md   every command of budu with its flags, from `budu.cli`
    api.md                        every operation of the Engine API, from the route table
    hub-api.md                    every operation of the hub's site API, from its route table
    web/hub/src/api/types.ts      its records, for the page

Nothing is written by hand here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from budu.api.routes import build_router
from budu.api.unserved import UNSERVED
from budu.cli.declare import Command, Flag
from budu.cli.index import COMMANDS, GROUP_HELP, GROUPS, HIDDEN
from budu.cli.main import find_command
from budu.cli.root import ROOT_FLAGS
from budu.engine.contract import Engine
from budu.hub.site_api.reference import page as hub_page
from budu.hub.site_api.typescript import module

FOLDER = Path(__file__).parent
TYPES = "../../web/hub/src/api/types.ts"
_TITLES = {
    "en": ("# Commands", "Before any command", "Flag", "Value", "What it does", "default"),
    "ko": ("# 명령", "모든 명령 앞에", "옵션", "값", "설명", "기본값"),
}


class _Anything:
    """Stands for the services that handlers keep: the table needs none of them."""

    def __getattr__(self, name: str) -> Any:
        return self


def pages() -> dict[str, str]:
    """The contents of every page, by file name."""
    return {
        "commands.md": _commands("en"),
        "commands.ko.md": _commands("ko"),
        "api.md": _api(),
        "hub-api.md": hub_page(),
        TYPES: module(),
    }


def _commands(lang: str) -> str:
    title, root, *_ = _TITLES[lang]
    parts = [title, f"## {root}", _flags(ROOT_FLAGS, lang)]
    for words in _all_commands():
        command, path, _ = find_command(words)
        parts += [_command(command, path, lang)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _all_commands() -> Iterator[list[str]]:
    """The words of every command that help shows: lone ones, then those of each group."""
    yield from ([name] for name in COMMANDS if name not in HIDDEN)
    for group in GROUP_HELP:
        for name in GROUPS[group]:
            if name not in HIDDEN and f"{group} {name}" not in HIDDEN:
                yield [group, name]


def _command(command: Command, path: str, lang: str) -> str:
    text = command.help[lang == "ko"]
    parts = [f"## {path}", f"{text}.", f"    {path} {command.usage}".rstrip()]
    if command.flags:
        parts.append(_flags(command.flags, lang))
    if command.examples:
        parts.append("\n".join(f"    budu {line}" for line in command.examples))
    return "\n\n".join(parts)


def _flags(flags: tuple[Flag, ...], lang: str) -> str:
    _, _, flag_title, value_title, text_title, default = _TITLES[lang]
    rows = [f"| {flag_title} | {value_title} | {text_title} |", "| --- | --- | --- |"]
    for flag in sorted(flags, key=lambda each: each.name):
        if flag.hidden:
            continue
        spelled = f"`-{flag.short}`, `--{flag.name}`" if flag.short else f"`--{flag.name}`"
        value = "" if flag.kind == "bool" else f"`{flag.kind}`"
        text = flag.help[lang == "ko"].replace("|", "\\|")
        if flag.default not in (None, "", False, -1):
            text += f" ({default} `{str(flag.default).lower()}`)"
        rows.append(f"| {spelled} | {value} | {text} |")
    return "\n".join(rows)


def _api() -> str:
    """Served operations by path, then those that answer 501 with their reasons."""
    router = build_router(cast(Engine, _Anything()))
    refused = {name for table in UNSERVED.values() for name in table}
    served = sorted(
        (each.path.replace(":.*", ""), each.method, each.operation, str(each.since))
        for each in router.routes
        if each.operation not in refused
    )
    lines = ["# Engine API", "", "Versions 1.40 to 1.51, with or without the prefix `/v1.N`.", ""]
    lines += ["| Method | Path | Operation | Since |", "| --- | --- | --- | --- |"]
    lines += [f"| {method} | `{path}` | {name} | {since} |" for path, method, name, since in served]
    for reason, operations in UNSERVED.items():
        lines += ["", f"## Answered 501: {reason}", ""]
        lines += [f"* {name} (`{place.replace(':.*', '')}`)" for name, place in operations.items()]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the pages."""
    for name, text in pages().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
