"""The program `budu`: finds the command, runs it, and turns errors into messages and statuses.

The way to a command is short on purpose: the interpreter runs `-I -S`, and nothing is imported
that the command does not need (a test counts the modules). Light.
"""

from __future__ import annotations

import posix
import sys

from budu.base.environment import environment
from budu.base.errors import BuduError, Hint
from budu.cli.failures import PROGRAM, Exit
from budu.cli.index import COMMANDS, GROUPS, MISSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from budu.cli.context import Context
    from budu.cli.declare import Call, Command

INTERRUPTED = 130
PIPE_BROKEN = 141
"""As if SIGPIPE had ended the program."""


def entry(front: bool = False) -> None:
    """Run the program and leave without the interpreter's tidying up.

    `front`: the script is run by `front`, so it can have a resident (`cli.resident`).
    """
    environ = environment()
    if front and environ.get("BUDU_RESIDENT") == "serve":
        from budu.cli.resident import serve

        serve(sys.argv[0])
        posix._exit(0)
    status = flush(main(sys.argv[1:], environ))
    if front and environ.get("BUDU_RESIDENT") != "no":
        from budu.cli.resident import is_served, start_resident

        if is_served(sys.argv[1:]):
            start_resident(sys.argv[0])
    posix._exit(status)


def flush(status: int) -> int:
    """Write out what is buffered; the exit status after that."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            status = status or PIPE_BROKEN
        except (OSError, ValueError):
            status = status or 1
    return status


def main(words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command line and return its exit status."""
    if list(words) in (["--version"], ["-v"]):
        return _print_version()
    try:
        context, rest = _read_root(words, environ)
    except Exit as error:
        return _leave(error, environ)
    if not rest:
        return 0
    try:
        return _run(context, rest)
    except Exit as error:
        return _show(context, error)
    except BuduError as error:
        context.out.flush()
        context.report(error)
        return 1
    except BrokenPipeError:
        return _silence_output()
    except KeyboardInterrupt:
        return INTERRUPTED


def find_command(words: Sequence[str]) -> tuple[Command, str, int]:
    """The command that the first words name, those words, and how many they are.

    Raises: Exit for a word that is no command; a group alone is found by the caller.
    """
    first = words[0]
    pair = " ".join(words[:2])
    if pair in COMMANDS and (len(words) > 3 or words[2:3] == ["--help"]):
        return load_command(COMMANDS[pair]), f"{PROGRAM} {pair}", 2
    if first in COMMANDS:
        return load_command(COMMANDS[first]), f"{PROGRAM} {first}", 1
    group = GROUPS.get(first)
    if group is None or len(words) < 2:
        raise _unknown(f"{PROGRAM} {first}", first, "", COMMANDS)
    second = words[1]
    if second not in group:
        raise _unknown(f"{PROGRAM} {first} {second}", second, first, group)
    return load_command(group[second]), f"{PROGRAM} {first} {second}", 2


def _run(context: Context, words: list[str]) -> int:
    if words[0] == "help" or _asks_group_help(words):
        from budu.cli.help import show_help

        return show_help(context, [word for word in words if word not in ("help", "--help", "-h")])
    command, path, used = find_command(words)
    from budu.cli.parser import parse

    call = parse(command, path, words[used:])
    if call is None:
        from budu.cli.help import show_command

        return show_command(context, command, path)
    _check_given(context, call)
    return command.run(context, call)


def _check_given(context: Context, call: Call) -> None:
    """Say which of the flags do nothing; refuse those that budu does not have. Raises: Exit."""
    for flag in call.command.flags:
        if flag.name not in call.given:
            continue
        if flag.missing:
            raise Exit(1, f"--{flag.name} is not available in budu: it belongs to {flag.missing}")
        if flag.deprecated:
            context.say(f"Flag --{flag.name} has been deprecated, {flag.deprecated}")


def _asks_group_help(words: list[str]) -> bool:
    return words[0] in GROUPS and (len(words) == 1 or words[1] in ("--help", "-h", "help"))


def _read_root(words: Sequence[str], environ: Mapping[str, str]) -> tuple[Context, list[str]]:
    """The context, and the words from the command on; without words when all was said."""
    if words and not words[0].startswith("-"):
        from budu.cli.context import Context

        return Context(environ), list(words)
    from budu.cli.parser import parse_root
    from budu.cli.root import ROOT_FLAGS, make_context

    root = parse_root(ROOT_FLAGS, words, PROGRAM)
    context = make_context(root, environ)
    if root.values["version"]:
        _print_version()
        return context, []
    if root.wants_help or not root.words:
        from budu.cli.help import show_overview

        show_overview(context)
        return context, []
    return context, root.words


def load_command(place: str) -> Command:
    """The command that a place of the index names."""
    module, _, name = place.partition(":")
    loaded = __import__(f"budu.cli.commands.{module}", None, None, (name,))
    command: Command = getattr(loaded, name)
    return command


def _print_version() -> int:
    from budu import __version__

    sys.stdout.write(f"budu version {__version__}\n")
    return 0


def _unknown(path: str, word: str, group: str, known: Mapping[str, str]) -> Exit:
    above = f"{PROGRAM} {group}".rstrip()
    more = f"Run '{above} --help' for more information"
    if word in MISSING.get(group, "").split():
        return Exit(
            1, f"{PROGRAM}: {path!r} is not available yet in this version of budu\n\n{more}"
        )
    from budu.base.suggest import nearest

    names = [*known, *GROUPS] if not group else list(known)
    near = nearest(word, names)
    hint = Hint("cli.command-near", command=f"{above} {near}") if near else None
    usage = f"Usage:  {above} COMMAND\n\n" if group else ""
    return Exit(1, f"{PROGRAM}: unknown command: {path}\n\n{usage}{more}", hint=hint)


def _leave(error: Exit, environ: Mapping[str, str]) -> int:
    """Show an error of the root flags; their context could not be made."""
    from budu.cli.context import Context

    return _show(Context(environ), error)


def _show(context: Context, error: Exit) -> int:
    context.out.flush()
    if error.message:
        context.say(error.message)
    if error.hint is not None:
        context.hint(error.hint)
    return error.status


def _silence_output() -> int:
    """Whoever read our output is gone; keep the last flush from failing, too."""
    posix.dup2(posix.open("/dev/null", posix.O_WRONLY), 1)
    return PIPE_BROKEN


if __name__ == "__main__":
    entry()
