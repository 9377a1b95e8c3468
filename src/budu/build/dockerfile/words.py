"""Words of instructions: splitting, quotes, escapes and variables. Pure.

Source: Dockerfile reference, "Environment replacement" and "escape"; buildkit 0.23,
frontend/dockerfile/parser/line_parsers.go (words) and shell/lex.go (variables).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec

from budu.base.errors import InvalidArgument
from budu.base.quoting import quote
from budu.build.dockerfile import patterns

ESCAPE = "\\"
"""Takes the special meaning from the character after it, where no directive names another."""
SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"  # fmt: skip # noqa: E501
"""White space as Go's unicode.IsSpace has it."""
LARGEST = 1 << 20
"""How many characters the variables of one text may add to it."""

_DEEPEST = 50
_QUOTES = "'\""
_NAME = re.compile(r"\d+|[@*#?$!-]|\w+")
_BLANKS = re.compile(r"[\t\r ]*")
_GAPS = re.compile(f"[{SPACE}]+")
_Pieces = list[tuple[str, bool]]  # Text, and whether spaces in it divide words.


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How a text is to be read."""

    escape: str = ESCAPE
    keeps_quotes: bool = False
    keeps_escapes: bool = False
    keeps_unset: bool = False
    """Variables that are not set stay as they are written."""
    has_quotes: bool = True
    """Whether quotes are special."""


class Expansion(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a text."""

    text: str
    words: tuple[str, ...]
    """The text divided at the spaces that no quote and no escape holds."""
    found: frozenset[str]
    """Names of the variables that it used and that were set."""
    unset: frozenset[str]
    """Those that were not."""


def split_words(text: str, *, escape: str = ESCAPE) -> tuple[str, ...]:
    """Words between spaces; quotes hold words together and stay, escapes too."""
    words: list[str] = []
    word: list[str] = []
    quoting = ""
    letters = iter(text)
    for letter in letters:
        if letter in SPACE and not quoting:
            words += ["".join(word)] if word else []
            word = []
            continue
        if letter == escape and quoting != "'":
            following = next(letters, "")
            word += (letter, following) if following else ()
            continue
        quoting = _quoting_after(quoting, letter)
        word.append(letter)
    return (*words, "".join(word)) if word else tuple(words)


def _quoting_after(quoting: str, letter: str) -> str:
    if quoting:
        return "" if letter == quoting else quoting
    return letter if letter in _QUOTES else ""


def expand_word(text: str, variables: Mapping[str, str], *, escape: str = ESCAPE) -> str:
    """The text without quotes and escapes, its variables replaced; unknown ones are empty.

    Understands `$NAME`, `${NAME}`, and in braces `:-` `-` (else), `:+` `+` (if set), `:?` `?` (must
    be set), `#` `##` `%` `%%` (without a beginning, an end) and `/` `//` (replace).
    Raises: InvalidArgument for an open quote or brace, for what must be set, and for results
    without measure.
    """
    return read(text, variables, Manner(escape=escape)).text


def read(text: str, variables: Mapping[str, str], manner: Manner) -> Expansion:
    """Read a text in a manner. Raises: InvalidArgument, see `expand_word`."""
    reader = _Reader(text, variables, manner)
    try:
        pieces = reader.read_until("", keeps_escapes=manner.keeps_escapes)
    except InvalidArgument as error:
        raise error.after(f"failed to process {quote(text)}: ") from None
    return Expansion(
        text=_joined(pieces),
        words=tuple(_divided(pieces)),
        found=frozenset(reader.found),
        unset=frozenset(reader.unset),
    )


def _joined(pieces: _Pieces) -> str:
    return "".join(text for text, _ in pieces)


def _divided(pieces: _Pieces) -> Iterable[str]:
    word: list[str] = []
    for text, divides in pieces:
        parts = _GAPS.split(text) if divides else [text]
        word.append(parts[0])
        for part in parts[1:]:
            if whole := "".join(word):
                yield whole
            word = [part]
    if whole := "".join(word):
        yield whole


@lru_cache(maxsize=64)
def _plain(special: str) -> re.Pattern[str]:
    return re.compile(f"[^{re.escape(special)}]+")


class _Reader:
    """Reads one text from the left."""

    def __init__(self, text: str, variables: Mapping[str, str], manner: Manner) -> None:
        self._text, self._variables, self._manner = text, variables, manner
        self._special = "$<" + manner.escape + (_QUOTES if manner.has_quotes else "")
        self._at = self._depth = self._added = 0
        self.found: set[str] = set()
        self.unset: set[str] = set()

    @property
    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        letter = self._next
        self._at += len(letter)
        return letter

    def _take_run(self, stops: str) -> str:
        run = _plain(stops).match(self._text, self._at)
        self._at = run.end() if run else self._at
        return run[0] if run else ""

    def read_until(self, end: str, *, keeps_escapes: bool) -> _Pieces:
        """What stands before the character `end` (empty: the text's end), and takes that too."""
        pieces: _Pieces = []
        special = self._special + end
        while letter := self._next:
            if letter == end:
                self._at += 1
                return pieces
            if letter not in special:
                pieces.append((self._take_run(special), True))
            elif letter == "$":
                pieces.append((self._variable(), True))
            elif letter == "<":
                pieces.append((self._less(), False))
            elif letter == self._manner.escape:
                pieces.append((self._escaped(keeps=keeps_escapes), False))
            else:
                pieces.append((self._quoted(keeps_escapes=keeps_escapes), False))
        if end:
            raise InvalidArgument(f"unexpected end of statement while looking for matching {end}")
        return pieces

    def _less(self) -> str:
        """`<`, or `<<` with the blanks after it, which belong to a here-document's name."""
        if not self._text.startswith("<<", self._at):
            return self._take()
        blanks = _BLANKS.match(self._text, self._at + 2)
        assert blanks is not None
        start, self._at = self._at, blanks.end()
        return self._text[start : self._at]

    def _escaped(self, *, keeps: bool) -> str:
        escape = self._take()
        return (escape if keeps else "") + self._take()

    def _quoted(self, *, keeps_escapes: bool) -> str:
        kind = self._take()
        inner = self._single() if kind == "'" else self._double(keeps_escapes=keeps_escapes)
        return f"{kind}{inner}{kind}" if self._manner.keeps_quotes else inner

    def _single(self) -> str:
        inner = self._take_run("'")
        if not self._take():
            raise InvalidArgument(
                "unexpected end of statement while looking for matching single-quote"
            )
        return inner

    def _double(self, *, keeps_escapes: bool) -> str:
        done: list[str] = []
        escape = self._manner.escape
        while letter := self._next:
            if letter == '"':
                self._at += 1
                return "".join(done)
            if letter == "$":
                done.append(self._variable())
            elif letter != escape:
                done.append(self._take_run(f'"${escape}'))
            else:
                self._at += 1
                takes = self._next in ('"', "$", escape)
                done += (escape if keeps_escapes else "", self._take() if takes else escape)
        raise InvalidArgument("unexpected end of statement while looking for matching double-quote")

    def _name(self) -> str:
        name = _NAME.match(self._text, self._at)
        self._at = name.end() if name else self._at
        return name[0] if name else ""

    def _variable(self) -> str:
        start = self._at
        self._at += 1
        if self._next != "{":
            name = self._name()
            return self._kept(start, name, self._value(name) or "") if name else "$"
        self._at += 1
        if not self._next:
            raise InvalidArgument("syntax error: missing '}'")
        if self._next in "{}:":
            raise InvalidArgument("syntax error: bad substitution")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise InvalidArgument("syntax error: substitutions are nested too deeply")
        name = self._name()
        value = self._braced(name)
        self._depth -= 1
        return self._kept(start, name, value)

    def _kept(self, start: int, name: str, value: str) -> str:
        if self._manner.keeps_unset and name not in self._variables:
            return self._text[start : self._at]
        self._added += len(value)
        if self._added > LARGEST:
            raise InvalidArgument(f"variables add more than {LARGEST} characters to it")
        return value

    def _value(self, name: str) -> str | None:
        value = self._variables.get(name)
        (self.unset if value is None else self.found).add(name)
        return value

    def _braced(self, name: str) -> str:
        """The value of a variable in braces, from what follows its name."""
        operator = self._take()
        if operator == "}":
            return self._value(name) or ""
        if operator == ":":
            operator += self._take()
        match operator:
            case "" | ":":
                raise InvalidArgument("syntax error: missing '}'")
            case "#" | "%":
                return self._stripped(name, operator)
            case "/":
                return self._replaced(name)
            case "-" | "+" | "?" | ":-" | ":+" | ":?":
                word = self._operand("}")
                return _substitute(name, operator, word, self._value(name))
            case _:
                if operator[0] == ":" and operator[1] not in "#%":
                    self._operand("}")
                raise InvalidArgument(f"unsupported modifier ({operator}) in substitution")

    def _operand(self, end: str, *, keeps_escapes: bool = False) -> str:
        try:
            return _joined(self.read_until(end, keeps_escapes=keeps_escapes))
        except InvalidArgument:
            if self._next:
                raise
            where = "" if end == "}" else " in ${}"
            raise InvalidArgument(f"syntax error: missing '{end}'{where}") from None

    def _stripped(self, name: str, operator: str) -> str:
        pattern = self._operand("}", keeps_escapes=True)
        value = self._value(name) or ""
        longest = pattern.startswith(operator)
        strip = patterns.strip_prefix if operator == "#" else patterns.strip_suffix
        return strip(value, pattern[1:] if longest else pattern, longest=longest)

    def _replaced(self, name: str) -> str:
        every = self._next == "/"
        self._at += every
        pattern = self._operand("/", keeps_escapes=True)
        replacement = self._operand("}", keeps_escapes=True)
        value = self._value(name) or ""
        return patterns.replace(value, pattern, replacement, every=every, limit=LARGEST)


def _substitute(name: str, operator: str, word: str, value: str | None) -> str:
    is_set = bool(value) if operator.startswith(":") else value is not None
    match operator[-1]:
        case "-":
            return value or "" if is_set else word
        case "+":
            return word if is_set else ""
        case _:
            if is_set:
                return value or ""
            state = "unset" if value is None else "empty"
            raise InvalidArgument(f"{name}: {word or f'is not allowed to be {state}'}")
