"""One instruction as text: its name, its flags, and its arguments in the form that it takes. Pure.

Source: buildkit 0.23 parser/split_command.go, parser/line_parsers.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from budu.base.errors import InvalidArgument
from budu.base.quoting import quote
from budu.build.dockerfile.words import SPACE, split_words

_GAP = re.compile(r"[\t\v\f\r ]+")
_strings = msgspec.json.Decoder(list[str])
_values = msgspec.json.Decoder(list[object])


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A name and a value of ENV and LABEL."""

    name: str
    value: str
    is_legacy: bool = False
    """Written `NAME value`, without an equals sign."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction that is not understood yet."""

    name: str
    """As written."""
    flags: tuple[str, ...] = ()
    """The words with two dashes before the arguments, without quotes."""
    arguments: tuple[str, ...] = ()
    is_json: bool = False
    pairs: tuple[Pair, ...] = ()
    inner: Statement | None = None
    """What ONBUILD is followed by."""

    @property
    def keyword(self) -> str:
        """The name in capital letters."""
        return self.name.upper()

    @property
    def takes_documents(self) -> bool:
        """Whether here-documents may follow."""
        if self.keyword == "ONBUILD" and self.inner is not None:
            return self.inner.keyword != "ONBUILD" and self.inner.takes_documents
        return self.keyword in ("ADD", "COPY", "RUN") and not self.is_json


def parse_statement(text: str, *, escape: str) -> Statement:
    """The instruction in a text without line breaks.

    Raises: InvalidArgument for arguments that the instruction cannot have.
    """
    name, _, rest = _cut(text.strip(SPACE))
    flags, start = _flags(rest, escape)
    rest = rest[start:].strip(SPACE)
    form = _FORMS.get(name.upper())
    if form is None:
        return Statement(name=name, flags=flags)
    return form(Statement(name=name, flags=flags), rest, escape)


def _cut(text: str) -> tuple[str, str, str]:
    gap = _GAP.search(text)
    return (text[: gap.start()], gap[0], text[gap.end() :]) if gap else (text, "", "")


def _flags(text: str, escape: str) -> tuple[tuple[str, ...], int]:
    """The flags that a text begins with, and where the rest of it begins."""
    flags: list[str] = []
    at = 0
    while True:
        at = len(text) - len(text[at:].lstrip(SPACE))
        if not text.startswith("--", at):
            return tuple(flags), at
        word, at = _flag(text, at, escape)
        if word == "--":
            return tuple(flags), at
        flags.append(word)


def _flag(text: str, at: int, escape: str) -> tuple[str, int]:
    """The word at a place, without quotes and escapes, and where it ends."""
    word: list[str] = []
    quoting = ""
    while at < len(text):
        letter = text[at]
        if not quoting and letter in SPACE:
            break
        at += 1
        if letter == quoting or (not quoting and letter in "'\""):
            quoting = "" if quoting else letter
        elif letter == escape:
            word.append(text[at : at + 1])
            at += 1
        else:
            word.append(letter)
    return "".join(word), min(at, len(text))


# Forms of arguments


def json_words(text: str) -> tuple[str, ...] | None:
    """The words of a JSON array, None when the text is none.

    Raises: InvalidArgument for an array of other values.
    """
    if not text.startswith("["):
        return None
    try:
        return tuple(_strings.decode(text))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        _values.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    raise InvalidArgument("when using JSON array syntax, arrays must be comprised of strings only")


def _with(statement: Statement, *arguments: str, is_json: bool = False) -> Statement:
    return msgspec.structs.replace(statement, arguments=arguments, is_json=is_json)


def _text(statement: Statement, rest: str, escape: str) -> Statement:
    return _with(statement, *([rest] if rest else []))


def _text_or_json(statement: Statement, rest: str, escape: str) -> Statement:
    words = json_words(rest)
    return (
        _text(statement, rest, escape) if words is None else _with(statement, *words, is_json=True)
    )


def _spaced(statement: Statement, rest: str, escape: str) -> Statement:
    return _with(statement, *(_GAP.split(rest) if rest else []))


def _spaced_or_json(statement: Statement, rest: str, escape: str) -> Statement:
    words = json_words(rest)
    if words is None:
        return _spaced(statement, rest, escape)
    return _with(statement, *words, is_json=True)


def _words(statement: Statement, rest: str, escape: str) -> Statement:
    return _with(statement, *split_words(rest, escape=escape))


def _pairs(statement: Statement, rest: str, escape: str) -> Statement:
    words = split_words(rest, escape=escape)
    if words and "=" not in words[0]:
        name, gap, value = _cut(rest)
        if not gap:
            raise InvalidArgument(f"{statement.keyword} must have two arguments")
        pairs: tuple[Pair, ...] = (Pair(name=name, value=value, is_legacy=True),)
    else:
        pairs = tuple(_pair(word) for word in words)
    return msgspec.structs.replace(statement, pairs=pairs)


def _pair(word: str) -> Pair:
    name, equals, value = word.partition("=")
    if not equals:
        raise InvalidArgument(
            f"Syntax error - can't find = in {quote(word)}. Must be of the form: name=value"
        )
    return Pair(name=name, value=value)


def _health(statement: Statement, rest: str, escape: str) -> Statement:
    kind, rest = _first_word(rest)
    if not kind:
        return statement
    command = _text_or_json(statement, rest, escape)
    return _with(command, kind, *command.arguments, is_json=command.is_json)


def _first_word(text: str) -> tuple[str, str]:
    end = next((at for at, letter in enumerate(text) if letter in SPACE), len(text))
    return text[:end], text[end:].lstrip(SPACE)


def _trigger(statement: Statement, rest: str, escape: str) -> Statement:
    if not rest:
        return statement
    name = _cut(rest)[0]
    # A chain is refused later; to follow it here would be endless.
    is_chain = name.upper() == "ONBUILD"
    inner = Statement(name=name) if is_chain else parse_statement(rest, escape=escape)
    return msgspec.structs.replace(_with(statement, rest), inner=inner)


_FORMS: dict[str, Callable[[Statement, str, str], Statement]] = {
    "ADD": _spaced_or_json,
    "ARG": _words,
    "CMD": _text_or_json,
    "COPY": _spaced_or_json,
    "ENTRYPOINT": _text_or_json,
    "ENV": _pairs,
    "EXPOSE": _spaced,
    "FROM": _spaced,
    "HEALTHCHECK": _health,
    "LABEL": _pairs,
    "MAINTAINER": _text,
    "ONBUILD": _trigger,
    "RUN": _text_or_json,
    "SHELL": _text_or_json,
    "STOPSIGNAL": _text,
    "USER": _text,
    "VOLUME": _spaced_or_json,
    "WORKDIR": _text,
}
KEYWORDS = tuple(_FORMS)
"""All instructions that there are."""
