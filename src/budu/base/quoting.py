"""Texts in quotes as Go's `%q` writes them. Light."""

from __future__ import annotations

_ESCAPES = {
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def quote(text: str) -> str:
    """`text` in double quotes. Source: Go, strconv.Quote."""
    return '"' + "".join('\\"' if each == '"' else _escaped(each) for each in text) + '"'


def quote_character(code: int) -> str:
    """The character with this number in single quotes. Source: Go, strconv.QuoteRune."""
    character = chr(code) if 0 <= code < 0x110000 else "\ufffd"
    return "'" + ("\\'" if character == "'" else _escaped(character)) + "'"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # A byte that was no UTF-8, as surrogateescape keeps it.
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
