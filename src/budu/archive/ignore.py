"""Patterns of `.dockerignore`, and of `--exclude` and `--parents`: which paths they mean. Pure.

The patterns are asked in order, each for the path and for the folders that it is in; one with `!`
takes back what those before it said, of a path as of a folder, and has no say where nothing was
said. So `*/x` and `!a` ignore `a/x`: of `a` nothing was said that could be taken back.

A walker asks `ignores` for everything it meets and `prunes` for folders: what is below one that is
pruned need not be looked at. Source: Dockerfile reference, ".dockerignore file"; moby
patternmatcher 0.6 (MatchesUsingParentResults, ignorefile). Characters that mean something in Go's
regular expressions only, such as `{`, are ordinary here, as documented.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable

from budu.archive import wildcards
from budu.archive.wildcards import FOLDERS, REST, Token, broken, matcher
from budu.base.errors import InvalidArgument

_SPACE = " \t\n\v\f\r\x85\xa0"
_KNOWN_MAX = 10_000


def read_patterns(text: str) -> tuple[str, ...]:
    """The patterns in the text of an ignore file: without comments, spaces and leading slashes."""
    found = []
    for line in text.removeprefix("\ufeff").split("\n"):
        if line.startswith("#"):
            continue
        pattern = line.strip(_SPACE)
        if not pattern:
            continue
        mark = "!" if pattern.startswith("!") else ""
        pattern = pattern.removeprefix("!").strip(_SPACE)
        if pattern:
            pattern = clean(pattern)
            pattern = pattern.removeprefix("/") or pattern
        found.append(mark + pattern)
    return tuple(found)


def clean(path: str) -> str:
    """The shortest name of a path, as Go's `filepath.Clean`."""
    cleaned = posixpath.normpath(path)
    return "/" + cleaned.lstrip("/") if cleaned.startswith("/") else cleaned


class Ignore:
    """A list of patterns; the last that matches decides. Paths have no slash at either end.

    Raises: InvalidArgument for a broken pattern, with Docker's sentence.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._rules = [_Rule(line) for each in patterns if (line := each.strip(_SPACE))]
        self._exceptions = [rule for rule in self._rules if rule.is_exception]
        self._known: dict[str, int] = {"": 0}

    def __bool__(self) -> bool:
        return bool(self._rules)

    def ignores(self, path: str) -> bool:
        """Whether the path is meant, itself or by a folder that it is in."""
        hits = self._judge(path, self._above(path))
        return hits > 0 and not self._rules[hits.bit_length() - 1].is_exception

    def prunes(self, folder: str) -> bool:
        """Whether a folder is ignored and everything below it, too."""
        return self.ignores(folder) and not any(
            rule.may_match_below(folder) for rule in self._exceptions
        )

    def may_match_below(self, folder: str) -> bool:
        """Whether a pattern without `!` may match something in the folder, at any depth."""
        return any(rule.may_match_below(folder) for rule in self._rules if not rule.is_exception)

    def _above(self, path: str) -> int:
        """What hit the folder that the path is in, kept for the next one in it."""
        folder = path.rpartition("/")[0]
        known = self._known.get(folder)
        if known is None:
            known = 0
            ends = [at for at, each in enumerate(folder) if each == "/"]
            for end in [*ends, len(folder)]:
                known = self._judge(folder[:end], known)
            if len(self._known) >= _KNOWN_MAX:
                self._known = {"": 0}
            self._known[folder] = known
        return known

    def _judge(self, path: str, above: int) -> int:
        """Which rules hit the path, a bit for each. `above`: those that hit the folder it is in."""
        hits = 0
        is_ignored = False
        for at, rule in enumerate(self._rules):
            if not above >> at & 1 and (rule.is_exception != is_ignored or not rule.matches(path)):
                continue
            hits |= 1 << at
            is_ignored = not rule.is_exception
        return hits


class _Rule:
    """One pattern."""

    __slots__ = ("_components", "is_exception", "matches")

    matches: Callable[[str], bool]
    """Whether it matches a path itself."""

    def __init__(self, line: str) -> None:
        pattern = clean(line)
        self.is_exception = pattern.startswith("!")
        if pattern == "!":
            raise InvalidArgument('illegal exclusion pattern: "!"')
        pattern = pattern.removeprefix("!")
        self.matches = _matcher(pattern)
        self._components = pattern.split("/")

    def may_match_below(self, folder: str) -> bool:
        """Whether it may match something in the folder; rather once too often."""
        names = folder.split("/") if folder else []
        for component, name in zip(self._components, names, strict=False):
            if "**" in component or "[" in component or "\\" in component:
                return True
            if not wildcards.matches(component, name):
                return False
        return len(self._components) > len(names)


def _matcher(pattern: str) -> Callable[[str], bool]:
    """What tells whether a path is of the pattern."""
    wildcards.tokens(pattern)  # refuses a broken one
    inner = pattern.replace("**", "")
    if not wildcards.has_wildcards(inner) and "\\" not in inner:
        start, mark, end = pattern.partition("**")
        if not mark:
            return pattern.__eq__
        if not start and "**" not in end:
            return lambda path: path.endswith(end) or "/" + path == end
        if not end:
            return lambda path: path.startswith(start)
    return matcher(_tokens(pattern))


def _tokens(pattern: str) -> list[Token]:
    """The parts of a pattern: `**/` and `**` are any folders, at the end anything."""
    found: list[Token] = []
    plain = ""
    at = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            plain += pattern[at : at + 2]
            at += 2
        elif pattern[at] == "[":
            end = _class_end(pattern, at)
            plain += pattern[at:end]
            at = end
        elif pattern.startswith("**", at):
            found += wildcards.tokens(plain)
            plain = ""
            at += 2 + pattern.startswith("/", at + 2)
            found.append(REST if at >= len(pattern) else FOLDERS)
        else:
            plain += pattern[at]
            at += 1
    return found + wildcards.tokens(plain)


def _class_end(pattern: str, at: int) -> int:
    """Behind the bracket that closes a class."""
    at += 2 if pattern.startswith("^", at + 1) else 1
    first = True
    while first or pattern[at] != "]":
        first = False
        at += 2 if pattern[at] == "\\" else 1
        if at >= len(pattern):
            raise broken(pattern)
    return at + 1
