"""Splits a template into text and the tokens of its actions."""

from __future__ import annotations

_SPACE = " \t\r\n"
_NAME_START = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_NAME = _NAME_START + "0123456789"
_DIGITS = "0123456789._"
_HEX_DIGITS = "0123456789abcdefABCDEF_"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "a": "\a", "b": "\b"}
_CODE_SIZES = {"x": 2, "u": 4, "U": 8}


class TemplateError(Exception):
    """The template is malformed or cannot be applied to its value."""


class Token:
    """`kind` is text, field, variable, name, string, number, or the punctuation itself.

    `start` and `end` are its place in the template.
    """

    __slots__ = ("end", "kind", "start", "value")

    def __init__(self, kind: str, value: object, start: int, end: int) -> None:
        self.kind = kind
        self.value = value
        self.start = start
        self.end = end


def split(text: str) -> list[str | list[Token]]:
    """Text pieces and, for each action, its tokens. Comments vanish."""
    pieces: list[str | list[Token]] = []
    position, trim_next = 0, False
    while True:
        start = text.find("{{", position)
        literal = text[position:] if start < 0 else text[position:start]
        if trim_next:
            literal = literal.lstrip(_SPACE)
        if start < 0:
            pieces.append(literal)
            return pieces
        end = _find_end(text, start + 2)
        first, last = start + 2, end
        if last - first > 1 and text[first] == "-" and text[first + 1] in _SPACE:
            literal, first = literal.rstrip(_SPACE), first + 1
        trim_next = last - first > 1 and text[last - 1] == "-" and text[last - 2] in _SPACE
        if trim_next:
            last -= 1
        pieces.append(literal)
        if not text[first:last].lstrip(_SPACE).startswith("/*"):
            pieces.append(_tokens(text[:last], first))
        position = end + 2


def _find_end(text: str, position: int) -> int:
    """Where the action's `}}` begins; quotes and comments may hold braces and quotes."""
    if text[position:].lstrip("-" + _SPACE).startswith("/*"):
        position = text.find("*/", position)
        if position < 0:
            raise TemplateError("template: :1: unclosed comment")
    while position < len(text):
        character = text[position]
        if text.startswith("}}", position):
            return position
        if character in '"`':
            position = _string_end(text, position)
        position += 1
    raise TemplateError("template: :1: unclosed action")


def _string_end(text: str, start: int) -> int:
    quote, position = text[start], start + 1
    while position < len(text) and text[position] != quote:
        position += 2 if text[position] == "\\" and quote != "`" else 1
    if position >= len(text):
        raise TemplateError("template: :1: unterminated quoted string")
    return position


def _tokens(text: str, position: int) -> list[Token]:
    """The tokens from `position` to the end of `text`; a blank is a token too."""
    tokens = []
    while position < len(text):
        kind, value, end = _token(text, position)
        tokens.append(Token(kind, value, position, end))
        position = end
    return tokens


def _token(text: str, position: int) -> tuple[str, object, int]:
    """Kind, value and end of the token at `position`."""
    character = text[position]
    following = text[position + 1 : position + 2]
    if character in _SPACE:
        return " ", " ", position + 1
    if character in '"`':
        end = _string_end(text, position)
        raw = text[position + 1 : end]
        return "string", raw if character == "`" else _unescape(raw), end + 1
    if character == "'":
        end = _string_end(text, position)
        return "number", ord(_unescape(text[position + 1 : end])[:1] or "\0"), end + 1
    if character in "$." and following and following in _NAME_START:
        name, end = _take(text, position + 1, _NAME)
        return "variable" if character == "$" else "field", name, end
    if character in "0123456789" or (character in "-+" and following and following in "0123456789"):
        return _number(text, position)
    if character in _NAME_START:
        name, end = _take(text, position, _NAME)
        return "name", name, end
    if text.startswith(":=", position):
        return ":=", ":=", position + 2
    if character in ".$()|,=":
        return character, character, position + 1
    raise TemplateError(f"template: :1: unexpected {character!r} in command".replace("'", '"'))


def _take(text: str, start: int, characters: str) -> tuple[str, int]:
    end = start
    while end < len(text) and text[end] in characters:
        end += 1
    return text[start:end], end


def _number(text: str, start: int) -> tuple[str, object, int]:
    end = start + 1 if text[start] in "+-" else start
    if text[end : end + 2].lower() == "0x":
        end = _take(text, end + 2, _HEX_DIGITS)[1]
    else:
        end = _take(text, end, _DIGITS)[1]
        if text[end : end + 1] in ("e", "E"):
            sign = 1 if text[end + 1 : end + 2] in ("+", "-") else 0
            end = _take(text, end + 1 + sign, _DIGITS)[1]
    if end < len(text) and text[end] in _NAME:
        raise TemplateError(f'template: :1: bad number syntax: "{text[start : end + 1]}"')
    return "number", _value_of(text[start:end]), end


def _value_of(digits: str) -> int | float:
    for read in (lambda: int(digits, 0), lambda: float(digits)):
        try:
            return read()
        except ValueError:
            continue
    raise TemplateError(f'template: :1: bad number syntax: "{digits}"')


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out, position = [], 0
    while position < len(text):
        if text[position] == "\\" and position + 1 < len(text):
            position += 1
            size = _CODE_SIZES.get(text[position], 0)
            if size:
                out.append(chr(int(text[position + 1 : position + 1 + size], 16)))
                position += size
            else:
                out.append(_ESCAPES.get(text[position], "\\" + text[position]))
        else:
            out.append(text[position])
        position += 1
    return "".join(out)
