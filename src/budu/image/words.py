"""Words of Dockerfile instructions: splitting, quotes, escapes and variables. Pure.

Source: Dockerfile reference, "Environment replacement" and "escape"; buildkit 0.23,
frontend/dockerfile/parser/line_parsers.go (words) and shell/lex.go (variables).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from budu.base.errors import InvalidArgument

ESCAPE = "\\"
"""Takes the special meaning from the character after it."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#]")
_OPERATORS = (":-", ":+", ":?", "-", "+", "?")


def split_words(text: str) -> list[str]:
    """Words between spaces; quotes hold words together and stay, escapes too."""
    words: list[str] = []
    word = quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace() and not quote:
            words += [word] if word else []
            word = ""
        else:
            takes_next = char == ESCAPE and quote != "'"
            piece = text[at : at + 2] if takes_next else char
            if not takes_next:
                quote = _quote_after(quote, char)
            word += piece if piece != ESCAPE else ""
            at += len(piece) - 1
        at += 1
    return words + ([word] if word else [])


def _quote_after(quote: str, char: str) -> str:
    if quote:
        return "" if char == quote else quote
    return char if char in "'\"" else ""


def expand(word: str, variables: Mapping[str, str]) -> str:
    """The word without quotes and escapes, its variables replaced; unknown ones are empty.

    Understands `$NAME`, `${NAME}` and in braces `:-` `-` (else), `:+` `+` (if set), `:?` `?` (must
    be set). Raises: InvalidArgument for an open quote or brace, and for what must be set.
    """
    text, rest = _expand_until(word, "", variables)
    return text + rest


def _expand_until(text: str, end: str, variables: Mapping[str, str]) -> tuple[str, str]:
    """Expands up to the character `end` (empty: to the text's end); the result and what follows."""
    done = ""
    while text:
        char = text[0]
        if end and char == end:
            return done, text[1:]
        if char == "'" and end != '"':
            inner, closed, text = text[1:].partition("'")
            if not closed:
                raise InvalidArgument("unexpected end of statement while looking for matching "
                                      "single-quote")  # fmt: skip
            done += inner
        elif char == '"' and end != '"':
            inner, text = _expand_until(text[1:], '"', variables)
            done += inner
        elif char == ESCAPE:
            kept = "" if end != '"' or text[1:2] in ('"', "$", ESCAPE) else ESCAPE
            done += kept + text[1:2]
            text = text[2:]
        elif char == "$":
            inner, text = _expand_variable(text[1:], variables)
            done += inner
        else:
            done += char
            text = text[1:]
    if end == '"':
        raise InvalidArgument("unexpected end of statement while looking for matching double-quote")
    if end:
        raise InvalidArgument("syntax error: missing '}'")
    return done, ""


def _expand_variable(text: str, variables: Mapping[str, str]) -> tuple[str, str]:
    """What follows a dollar sign: the value, and what follows the variable."""
    if not text.startswith("{"):
        match = _NAME.match(text)
        return (variables.get(match[0], ""), text[match.end() :]) if match else ("$", text)
    match = _NAME.match(text, 1)
    if match is None:
        raise InvalidArgument("syntax error: bad substitution")
    name, rest = match[0], text[match.end() :]
    if rest.startswith("}"):
        return variables.get(name, ""), rest[1:]
    operator = next((each for each in _OPERATORS if rest.startswith(each)), None)
    if operator is None:
        modifier = rest[:1]
        raise InvalidArgument(f"unsupported modifier ({modifier}) in substitution"
                              if modifier else "syntax error: missing '}'")  # fmt: skip
    word, rest = _expand_until(rest[len(operator) :], "}", variables)
    return _substitute(name, operator, word, variables), rest


def _substitute(name: str, operator: str, word: str, variables: Mapping[str, str]) -> str:
    value = variables.get(name)
    is_set = bool(value) if operator.startswith(":") else value is not None
    match operator[-1]:
        case "-":
            return value or "" if is_set else word
        case "+":
            return word if is_set else ""
        case _:
            if not is_set:
                reason = word or "is not allowed to be unset"
                raise InvalidArgument(f"{name}: {reason}")
            return value or ""
