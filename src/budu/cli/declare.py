"""What a command is: a record with its flags, from which parsing, help and completion come. Light.

A flag's `kind` is the word that help shows for its value (`string`, `list`, `bytes` …) and selects
how the value is read (`cli.values`); `read` replaces that by a function of its own, which returns
the value to keep and raises `InvalidArgument` with Docker's sentence.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from budu.base.errors import Hint
    from budu.cli.context import Context

    Text = tuple[str, str]
    """The same text in English and in Korean."""

LISTS = frozenset(("list", "filter", "mount", "network", "gpu-request", "strings"))
"""Kinds of which every occurrence counts."""


class Flag:
    """One option of a command. Values are found under `name`."""

    __slots__ = (
        "also", "default", "deprecated", "help", "hidden", "kind", "missing", "name", "read",
        "short",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        kind: str = "bool",
        *,
        help: Text,
        short: str = "",
        default: object = None,
        also: str = "",
        read: Callable[[str], object] | None = None,
        hidden: bool = False,
        deprecated: str = "",
        missing: str = "",
    ) -> None:
        self.name = name
        """The long spelling without dashes."""
        self.kind = kind
        """`bool`, or the kind of value."""
        self.help = help
        """One line, without a full stop."""
        self.short = short
        """The one-letter spelling, or empty."""
        self.default = default
        """The value when the flag is absent; None stands for the kind's empty value."""
        self.also = also
        """A second long spelling that help does not show."""
        self.read = read
        """Reads one value; None for the kind's own way."""
        self.hidden = hidden
        """Accepted, but not shown."""
        self.deprecated = deprecated
        """Why the flag does nothing any more; said once when it is used."""
        self.missing = missing
        """What Docker has behind the flag and budu has not; the command refuses it."""

    @property
    def is_list(self) -> bool:
        """Whether the flag may be repeated."""
        return self.kind in LISTS

    @property
    def spelling(self) -> str:
        """`-m, --memory`, as Docker names a flag in errors."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"

    @property
    def initial(self) -> object:
        """The value before anything was parsed."""
        if self.default is not None:
            return self.default
        if self.is_list:
            return []
        return {"bool": False, "string": "", "map": {}, "ulimit": {}}.get(self.kind, 0)


class Call:
    """One use of a command: parsed flags and the arguments left."""

    __slots__ = ("args", "command", "given", "path", "values")

    def __init__(
        self,
        command: Command,
        path: str,
        *,
        values: dict[str, object],
        given: frozenset[str],
        args: list[str],
    ) -> None:
        self.command = command
        """The record that was selected."""
        self.path = path
        """The words that selected it: `budu container run`."""
        self.values = values
        """A value for every flag, by name."""
        self.given = given
        """Names of the flags that stood on the command line."""
        self.args = args
        """What is left after the flags."""

    def on(self, name: str) -> bool:
        """Whether a boolean flag is true."""
        return bool(self.values[name])

    def text(self, name: str) -> str:
        """The text of a flag."""
        return str(self.values[name])

    def number(self, name: str) -> int:
        """The number of a flag."""
        value = self.values[name]
        return value if isinstance(value, int) else 0

    def texts(self, name: str) -> list[str]:
        """The texts of a repeatable flag."""
        value = self.values[name]
        return [str(item) for item in value] if isinstance(value, list) else []


class Command:
    """One command. `usage` is what follows its name; at most `most` arguments, None for any."""

    __slots__ = (
        "advise", "examples", "flags", "help", "least", "most", "options_first", "run", "usage",
    )  # fmt: skip

    def __init__(
        self,
        run: Callable[[Context, Call], int],
        *,
        usage: str,
        help: Text,
        flags: tuple[Flag, ...] = (),
        least: int = 0,
        most: int | None = None,
        options_first: bool = False,
        examples: tuple[str, ...] = (),
        advise: Callable[[list[str]], Hint | None] | None = None,
    ) -> None:
        self.run = run
        """Does it, and returns the exit status."""
        self.usage = usage
        """`[OPTIONS] IMAGE [COMMAND] [ARG...]`."""
        self.help = help
        """One line."""
        self.flags = flags
        """Every flag; `--help` is understood besides."""
        self.least = least
        """The fewest arguments."""
        self.most = most
        """The most arguments."""
        self.options_first = options_first
        """Whether flags end at the first argument (the rest belongs to a program)."""
        self.examples = examples
        """Lines for the end of the help, without the program's name."""
        self.advise = advise
        """A hint for whoever gave these arguments, which are too few or too many."""
