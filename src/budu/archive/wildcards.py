"""Go's wildcards for paths: `filepath.Match`, as COPY, ADD and `.dockerignore` have them. Pure.

`*` and `?` stand for no slash; `[a-z]` and `[^a-z]` for one character, perhaps a slash; `\\` takes
the next character as it is. A pattern is read once, into tokens. Patterns may be hostile: the time
that matching takes grows no faster than the product of the lengths, but for one more factor where
ignore files have folders at the end. Source: Go 1.24 path/filepath, Match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from budu.base.errors import InvalidArgument

_MAGIC = frozenset("*?[")


class TokenKind(Enum):
    """What a part of a pattern stands for."""

    ONE = auto()
    """One character that `Token.regex` matches."""
    STAR = auto()
    """Any number of characters but slashes."""
    FOLDERS = auto()
    """Nothing, or anything that ends with a slash. Only in patterns of ignore files."""
    REST = auto()
    """Anything. Only in patterns of ignore files."""


class Token(NamedTuple):
    """A part of a pattern. `regex` matches one character of it; `crosses`: a slash, too, although
    the pattern does not name one."""

    kind: TokenKind
    regex: str = ""
    crosses: bool = False


STAR = Token(TokenKind.STAR)
FOLDERS = Token(TokenKind.FOLDERS)
REST = Token(TokenKind.REST)
_ANY = Token(TokenKind.ONE, r"[^/]")


def has_wildcards(pattern: str) -> bool:
    """Whether a name is a pattern: one with `*`, `?` or `[` that no backslash stands before."""
    escaped = False
    for character in pattern:
        if not escaped and character in _MAGIC:
            return True
        escaped = character == "\\" and not escaped
    return False


def escaped(name: str) -> str:
    """What names this very file where a name with wildcards is a pattern and any other is not."""
    if not has_wildcards(name):
        return name
    classes = {each: f"[{each}]" for each in _MAGIC} | {"\\": "\\\\"}
    return "".join(classes.get(each, each) for each in name)


def matches(pattern: str, name: str) -> bool:
    """Whether a whole name is of the pattern. Raises: InvalidArgument for a broken pattern."""
    return _compiled(pattern)(name)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Callable[[str], bool]:
    return matcher(tokens(pattern))


def tokens(pattern: str) -> list[Token]:
    """The parts of a pattern. Raises: InvalidArgument for a broken one, with Go's sentence."""
    found = []
    at = 0
    while at < len(pattern):
        match pattern[at]:
            case "*":
                found.append(STAR)
                at += 1
            case "?":
                found.append(_ANY)
                at += 1
            case "[":
                token, at = _read_class(pattern, at + 1)
                found.append(token)
            case _:
                character, at = _read_character(pattern, at)
                found.append(literal(character))
    return found


def literal(character: str) -> Token:
    """The token that stands for one character."""
    return Token(TokenKind.ONE, re.escape(character))


def broken(pattern: str) -> InvalidArgument:
    """The error for a pattern that breaks the grammar; Go's sentence."""
    return InvalidArgument("syntax error in pattern", reference=pattern)


def matcher(parts: Sequence[Token]) -> Callable[[str], bool]:
    """What tells whether a whole text is of the tokens."""
    if _is_plain(parts):
        return _regex_matcher(parts)
    return _states_matcher(parts)


def _read_character(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at] == "\\":
        at += 1
        if at == len(pattern):
            raise broken(pattern)
    return pattern[at], at + 1


def _read_class(pattern: str, at: int) -> tuple[Token, int]:
    """A class from behind its bracket; and where it ends."""
    is_negated = pattern[at : at + 1] == "^"
    at += is_negated
    ranges: list[tuple[str, str]] = []
    while not (ranges and pattern[at : at + 1] == "]"):
        low, at = _read_class_character(pattern, at)
        high = low
        if pattern[at : at + 1] == "-":
            high, at = _read_class_character(pattern, at + 1)
        ranges.append((low, high))
    inner = "".join(f"{re.escape(a)}-{re.escape(b)}" for a, b in ranges if a <= b)
    has_slash = any(low <= "/" <= high for low, high in ranges)
    if not inner:
        return Token(TokenKind.ONE, r"[\s\S]" if is_negated else r"[^\s\S]", is_negated), at + 1
    caret = "^" if is_negated else ""
    return Token(TokenKind.ONE, f"[{caret}{inner}]", has_slash != is_negated), at + 1


def _read_class_character(pattern: str, at: int) -> tuple[str, int]:
    if at >= len(pattern) or pattern[at] in "-]":
        raise broken(pattern)
    return _read_character(pattern, at)


# Matching


def _is_plain(parts: Sequence[Token]) -> bool:
    """Whether the first place where a stretch between two stars fits is as good as any later one.

    It is unless a class may swallow a slash, or folders may end where no component begins.
    """
    if any(part.crosses for part in parts):
        return False
    begins = (None, literal("/"), FOLDERS)
    before = [None, *parts]
    return all(
        part.kind is not TokenKind.FOLDERS or before[at] in begins for at, part in enumerate(parts)
    )


def _regex_matcher(parts: Sequence[Token]) -> Callable[[str], bool]:
    """By an expression whose groups never give back what they took, but the last ones."""
    units: list[list[Token]] = [[]]
    for part in parts:
        if part.kind is TokenKind.FOLDERS:
            units.append([])
        units[-1].append(part)
    whole = "".join(
        f"(?>{_regex(unit, is_last=False)})"
        if unit is not units[-1]
        else _regex(unit, is_last=True)
        for unit in units
    )
    match = re.compile(whole, re.DOTALL).fullmatch
    return lambda text: match(text) is not None


def _regex(unit: Sequence[Token], *, is_last: bool) -> str:
    """One unit: perhaps folders first, then stretches with stars between them."""
    chunks = [""]
    head = ""
    for part in unit:
        match part.kind:
            case TokenKind.FOLDERS:
                head = "(?:.*?/)??"
            case TokenKind.STAR:
                chunks.append("")
            case TokenKind.REST:
                chunks[-1] += ".*"
            case TokenKind.ONE:
                chunks[-1] += part.regex
    first, *others = chunks
    if not others:
        return head + first
    *middle, last = others
    inner = "".join(f"(?>[^/]*?{chunk})" for chunk in middle)
    return head + first + inner + (f"[^/]*{last}" if is_last else f"(?>[^/]*?{last})")


def _states_matcher(parts: Sequence[Token]) -> Callable[[str], bool]:
    """By following all the places in the pattern where a reader of the text may stand."""
    tests = [re.compile(part.regex or ".", re.DOTALL).fullmatch for part in parts]

    def settle(places: set[int]) -> set[int]:
        """The places, and those behind parts that may be empty."""
        pending, settled = list(places), set(places)
        while pending:
            place = pending.pop()
            may_be_empty = 0 <= place < len(parts) and parts[place].kind is not TokenKind.ONE
            if may_be_empty and place + 1 not in settled:
                settled.add(place + 1)
                pending.append(place + 1)
        return settled

    def fits(text: str) -> bool:
        # A place is an index; inside folders, which cannot end there, it is ~index.
        places = settle({0})
        for character in text:
            following: set[int] = set()
            for place in places:
                at = place if place >= 0 else ~place
                if at == len(parts):
                    continue
                match parts[at].kind:
                    case TokenKind.ONE if tests[at](character):
                        following.add(at + 1)
                    case TokenKind.STAR if character != "/":
                        following.add(at)
                    case TokenKind.REST:
                        following.add(at)
                    case TokenKind.FOLDERS:
                        following.add(~at)
                        if character == "/":
                            following.add(at + 1)
                    case _:
                        continue
            places = settle(following)
        return len(parts) in places

    return fits
