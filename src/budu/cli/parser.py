"""Docker's grammar of a command line. Light.

`-it`, `-e=x`, `-ex`, `-e x`, `--flag=value`, `--flag value`, `--rm=false`, `--` and, for commands
with `options_first`, nothing after the first argument. Errors are spf13/pflag's sentences.
Source: spf13/pflag `flag.go` (parseLongArg, parseShortArg); docker/cli `cli/required.go`.
"""

from __future__ import annotations

from budu.base.errors import Hint, InvalidArgument
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import USAGE_ERROR, Exit
from budu.cli.values import READERS, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HELP = Flag("help", help=("Print usage", "사용법을 보여 줍니다"))


class _FlagError(Exception):
    """A sentence about a flag, and the word to look for near ones."""

    def __init__(self, message: str, unknown: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.unknown = unknown


class _Parser:
    """The state of one parse: what is left, and what was found."""

    def __init__(self, flags: Sequence[Flag], words: list[str], *, options_first: bool) -> None:
        self.long: dict[str, Flag] = {"help": HELP}
        self.short: dict[str, Flag] = {}
        for flag in flags:
            self.long[flag.name] = flag
            if flag.also:
                self.long[flag.also] = flag
            if flag.short:
                self.short[flag.short] = flag
        self.values: dict[str, object] = {flag.name: flag.initial for flag in flags}
        self.given: list[Flag] = []
        self.args: list[str] = []
        self.words = words
        self.options_first = options_first
        self.wants_help = False

    def run(self) -> None:
        words = self.words
        while words:
            word = words.pop(0)
            if word == "--":
                self.args += words
                return
            if len(word) > 1 and word[0] == "-":
                if word[1] == "-":
                    self.parse_long(word)
                else:
                    self.parse_cluster(word)
                if self.wants_help:
                    return
            else:
                self.args.append(word)
                if self.options_first:
                    self.args += words
                    return

    def parse_long(self, word: str) -> None:
        name, separator, value = word[2:].partition("=")
        if not name or name[0] == "-":
            raise _FlagError(f"bad flag syntax: {word}")
        flag = self.long.get(name)
        if flag is None:
            raise _FlagError(f"unknown flag: --{name}", unknown=name)
        if separator:
            self.take(flag, value, f"--{name}")
        elif flag.kind == "bool":
            self.take(flag, "true", f"--{name}")
        elif self.words:
            self.take(flag, self.words.pop(0), f"--{name}")
        else:
            raise _FlagError(f"flag needs an argument: --{name}")

    def parse_cluster(self, word: str) -> None:
        rest = word[1:]
        while rest:
            letter, rest = rest[0], rest[1:]
            flag = self.short.get(letter)
            if flag is None and letter == "h":
                flag = HELP
            if flag is None:
                raise _FlagError(f"unknown shorthand flag: '{letter}' in -{letter}{rest}")
            if rest[:1] == "=":
                self.take(flag, rest[1:], f"-{letter}")
                return
            if flag.kind == "bool":
                self.take(flag, "true", f"-{letter}")
                if self.wants_help:
                    return
            elif rest:
                self.take(flag, rest, f"-{letter}")
                return
            elif self.words:
                self.take(flag, self.words.pop(0), f"-{letter}")
            else:
                raise _FlagError(f"flag needs an argument: '{letter}' in -{letter}")

    def take(self, flag: Flag, text: str, spelled: str) -> None:
        read: Callable[[str], object] = flag.read or READERS[flag.kind]
        try:
            value = read(text)
        except InvalidArgument as error:
            named = flag.spelling if spelled[2:] != flag.also or not flag.also else spelled
            raise _FlagError(
                f'invalid argument {quoted(text)} for "{named}" flag: {error.message}'
            ) from None
        if flag is HELP:
            self.wants_help = bool(value)
            return
        self.given.append(flag)
        self.store(flag, value)

    def store(self, flag: Flag, value: object) -> None:
        old = self.values[flag.name]
        if flag.kind == "strings" and isinstance(value, list):
            before = old if isinstance(old, list) and flag in self.given[:-1] else []
            self.values[flag.name] = [*before, *value]
        elif isinstance(old, list) and flag.is_list:
            self.values[flag.name] = [*old, value]
        elif isinstance(old, dict) and isinstance(value, dict):
            self.values[flag.name] = {**old, **value}
        else:
            self.values[flag.name] = value


def parse(command: Command, path: str, words: Sequence[str]) -> Call | None:
    """Read the words after a command's name; None when help was asked for.

    Raises: Exit with Docker's sentence, the usage line and Docker's status.
    """
    parser = _Parser(command.flags, list(words), options_first=command.options_first)
    try:
        parser.run()
    except _FlagError as error:
        raise _flag_exit(error, parser, path, command.usage) from None
    if parser.wants_help:
        return None
    try:
        check_count(command, path, len(parser.args), least=command.least)
    except Exit as error:
        error.hint = command.advise(parser.args) if command.advise else None
        raise
    return Call(
        command,
        path,
        values=parser.values,
        given=frozenset(flag.name for flag in parser.given),
        args=parser.args,
    )


def parse_root(flags: Sequence[Flag], words: Sequence[str], program: str) -> RootCall:
    """Read the flags before the command's name.

    Raises: Exit as `parse` does.
    """
    parser = _Parser(flags, list(words), options_first=True)
    try:
        parser.run()
    except _FlagError as error:
        raise _flag_exit(error, parser, program, "[OPTIONS] COMMAND [ARG...]") from None
    given = frozenset(flag.name for flag in parser.given)
    return RootCall(parser.values, given, parser.args, wants_help=parser.wants_help)


class RootCall:
    """The flags before a command's name, and the words from it on."""

    __slots__ = ("given", "values", "wants_help", "words")

    def __init__(
        self,
        values: dict[str, object],
        given: frozenset[str],
        words: list[str],
        *,
        wants_help: bool,
    ) -> None:
        self.values = values
        self.given = given
        self.words = words
        self.wants_help = wants_help

    def text(self, name: str) -> str:
        """The text of a flag."""
        return str(self.values[name])


def _flag_exit(error: _FlagError, parser: _Parser, path: str, usage: str) -> Exit:
    more = f"Run '{path} --help' for more information"
    message = f"{error.message}\n\nUsage:  {path} {usage}\n\n{more}"
    if not error.unknown:
        return Exit(USAGE_ERROR, message)
    from budu.base.suggest import nearest

    near = nearest(error.unknown, (name for name, flag in parser.long.items() if not flag.hidden))
    hint = Hint("cli.flag-near", flag=f"--{near}") if near else None
    return Exit(USAGE_ERROR, message, hint=hint)


def check_count(command: Command, path: str, count: int, *, least: int) -> None:
    """Refuse fewer arguments than `least` or more than the command takes. Raises: Exit."""
    most = command.most
    if count >= least and (most is None or count <= most):
        return
    program = path.partition(" ")[0]
    verb = "See" if most is None else "Run"
    message = (
        f"{program}: '{path}' {_demand(least, most)}\n\n"
        f"Usage:  {path} {command.usage}\n\n{verb} '{path} --help' for more information"
    )
    raise Exit(1, message)


def _demand(least: int, most: int | None) -> str:
    def arguments(count: int) -> str:
        return f"{count} argument" + ("" if count == 1 else "s")

    if most == 0:
        return "accepts no arguments"
    if most is None:
        return f"requires at least {arguments(least)}"
    if least == most:
        return f"requires {arguments(least)}"
    if least == 0:
        return f"requires at most {arguments(most)}"
    return f"requires at least {least} and at most {arguments(most)}"
