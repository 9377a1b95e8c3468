"""Splits a template into text and the tokens of its actions."""

from __future__ import annotations

_SPACE = " \t\r\n"
_NAME_START = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_NAME = _NAME_START + "0123456789"
_NUMBER = "0123456789.xXabcdefABCDEF_"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "a": "\a", "b": "\b"}


class TemplateError(Exception):
    """The template is malformed or cannot be applied to its value."""


class Token:
    """`kind` is text, field, variable, name, string, number, or the punctuation itself."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: str, value: object) -> None:
        self.kind = kind
        self.value = value


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
        action = text[start + 2 : end]
        if len(action) > 1 and action[0] == "-" and action[1] in _SPACE:
            literal, action = literal.rstrip(_SPACE), action[1:]
        trim_next = len(action) > 1 and action[-1] == "-" and action[-2] in _SPACE
        if trim_next:
            action = action[:-1]
        pieces.append(literal)
        action = action.strip(_SPACE)
        if not (action.startswith("/*") and action.endswith("*/")):
            pieces.append(_tokens(action))
        position = end + 2


def _find_end(text: str, position: int) -> int:
    """Where the action's `}}` begins; quotes may hold braces."""
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
        position += 2 if text[position] == "\\" and quote == '"' else 1
    if position >= len(text):
        raise TemplateError("template: :1: unterminated quoted string")
    return position


def _tokens(action: str) -> list[Token]:
    tokens, position = [], 0
    while position < len(action):
        character = action[position]
        if character in _SPACE:
            position += 1
            tokens.append(Token(" ", " "))
            continue
        token, position = _token(action, position)
        tokens.append(token)
    return tokens


def _token(action: str, position: int) -> tuple[Token, int]:
    character = action[position]
    following = action[position + 1 : position + 2]
    if character in '"`':
        end = _string_end(action, position)
        raw = action[position + 1 : end]
        return Token("string", raw if character == "`" else _unescape(raw)), end + 1
    if character in "$." and following and following in _NAME_START:
        name, end = _take(action, position + 1, _NAME)
        return Token("variable" if character == "$" else "field", name), end
    if character in "0123456789" or (character in "-+" and following and following in "0123456789"):
        digits, end = _take(action, position + 1, _NUMBER)
        return Token("number", _number(character + digits)), end
    if character in _NAME_START:
        name, end = _take(action, position, _NAME)
        return Token("name", name), end
    if action.startswith(":=", position):
        return Token(":=", ":="), position + 2
    if character in ".$()|,=":
        return Token(character, character), position + 1
    raise TemplateError(f"template: :1: unexpected {character!r} in command".replace("'", '"'))


def _take(text: str, start: int, characters: str) -> tuple[str, int]:
    end = start
    while end < len(text) and text[end] in characters:
        end += 1
    return text[start:end], end


def _number(text: str) -> int | float:
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise TemplateError(f'template: :1: bad number syntax: "{text}"') from None


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out, position = [], 0
    while position < len(text):
        if text[position] == "\\" and position + 1 < len(text):
            position += 1
            out.append(_ESCAPES.get(text[position], "\\" + text[position]))
        else:
            out.append(text[position])
        position += 1
    return "".join(out)
