"""`printf` as Go's fmt has it: verbs, flags, width, precision, and what it says of mistakes.

Source: pkg.go.dev/fmt, "Printing" and "Format errors". Explicit argument indexes and `*` are not
served.
"""

from __future__ import annotations

from budu.base.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FLAGS = "+-# 0123456789."


def type_name(value: object) -> str:
    """Go's name of a value's type."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float64"
        case str():
            return "string"
        case list() | tuple():
            return "[]interface {}"
        case _:
            return "map[string]interface {}"


def format_text(form: str, values: tuple[object, ...], text_of: Callable[[object], str]) -> str:
    """The text that `form` makes of `values`; `text_of` is %v."""
    out, used, position = [], 0, 0
    while (start := form.find("%", position)) >= 0:
        out.append(form[position:start])
        end = start + 1
        while end < len(form) and form[end] in _FLAGS:
            end += 1
        flags, verb = form[start + 1 : end], form[end : end + 1]
        position = end + 1
        if verb == "%" or not verb:
            out.append("%" if verb else "%!(NOVERB)")
        elif used == len(values):
            out.append(f"%!{verb}(MISSING)")
        else:
            out.append(_one(flags, verb, values[used], text_of))
            used += 1
    out.append(form[position:])
    if used < len(values):
        extra = ", ".join(f"{type_name(each)}={text_of(each)}" for each in values[used:])
        out.append(f"%!(EXTRA {extra})")
    return "".join(out)


def _one(flags: str, verb: str, value: object, text_of: Callable[[object], str]) -> str:
    if isinstance(value, (list, tuple)) and verb not in "vT":
        return "[" + " ".join(_one(flags, verb, each, text_of) for each in value) + "]"
    text = _verb(flags, verb, value, text_of)
    if text is None:
        return f"%!{verb}({type_name(value)}={text_of(value)})"
    return text


def _verb(flags: str, verb: str, value: object, text_of: Callable[[object], str]) -> str | None:
    """None when the verb does not fit the value."""
    match verb, value:
        case "v", _:
            return _padded(flags, text_of(value))
        case "T", _:
            return _padded(flags, type_name(value))
        case "t", bool():
            return _padded(flags, text_of(value))
        case "s", str():
            return f"%{flags.lstrip('+# ')}s" % value
        case "q", str():
            return _padded(flags, quote(value))
        case "x" | "X", str():
            digits = value.encode().hex()
            return _padded(flags, digits if verb == "x" else digits.upper())
        case _, bool():
            return None
        case "d" | "x" | "X" | "o", int():
            return f"%{flags}{verb}" % value
        case "b", int():
            return _padded(flags, f"{value:b}")
        case "c", int():
            return _padded(flags, chr(value))
        case "U", int():
            return _padded(flags, f"U+{value:04X}")
        case "e" | "E" | "f" | "F" | "g" | "G", float():
            return f"%{flags}{verb}" % value
    return None


def _padded(flags: str, text: str) -> str:
    width = flags.lstrip("+-# 0").partition(".")[0]
    return f"%{'-' if '-' in flags else ''}{width}s" % text
