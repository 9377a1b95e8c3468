"""Reads the values of flags by their kind, with the sentences of Docker and of Go. Light.

Source: spf13/pflag (flag types); Go strconv; docker/cli `opts/`.
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))


def read_bool(text: str) -> bool:
    """Go's booleans."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise InvalidArgument(f"strconv.ParseBool: parsing {quoted(text)}: invalid syntax")


def read_int(text: str) -> int:
    """A signed 64-bit number; decimal, 0x, 0o (or a leading 0), 0b."""
    return _number(text, "ParseInt", low=-(1 << 63), high=(1 << 63) - 1)


def read_uint16(text: str) -> int:
    """An unsigned 16-bit number."""
    return _number(text, "ParseUint", low=0, high=(1 << 16) - 1)


def read_uint(text: str) -> int:
    """An unsigned 64-bit number."""
    return _number(text, "ParseUint", low=0, high=(1 << 64) - 1)


def read_decimal_int(text: str) -> int:
    """Go's `strconv.Atoi`: decimal only; the error is its bare cause."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not (digits.isascii() and digits.isdecimal()):
        raise InvalidArgument("invalid syntax")
    return int(text)


def read_size(text: str) -> int:
    """Bytes with a binary unit."""
    from budu.base.units import parse_bytes

    return parse_bytes(text)


def read_swap(text: str) -> int:
    """Bytes, or -1 for no limit."""
    return -1 if text == "-1" else read_size(text)


def read_duration(text: str) -> int:
    """Nanoseconds."""
    from budu.base.units import parse_duration

    return parse_duration(text)


def read_filter(text: str) -> tuple[str, str]:
    """`name=value` of `--filter`; an empty text counts for nothing."""
    if not text:
        return ("", "")
    name, separator, value = text.partition("=")
    if not separator:
        raise InvalidArgument("bad format of filter (expected name=value)")
    return (name.strip().lower(), value.strip())


def filters_of(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """The `filters` parameter for the pairs that `read_filter` gave."""
    filters: dict[str, list[str]] = {}
    for name, value in pairs:
        if name:
            filters.setdefault(name, []).append(value)
    return filters


def quoted(text: str) -> str:
    """Go's `%q` for what people type."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'


def _number(text: str, function: str, *, low: int, high: int) -> int:
    signed = function == "ParseInt"
    body = text[1:] if signed and text[:1] in ("-", "+") else text
    try:
        if not body[:1].isdigit() or not body.isascii():
            raise ValueError(text)
        base = 8 if body[0] == "0" and body[1:2].isdigit() else 0
        value = int(body, base)
    except ValueError:
        raise InvalidArgument(
            f"strconv.{function}: parsing {quoted(text)}: invalid syntax"
        ) from None
    value = -value if text[:1] == "-" else value
    if not low <= value <= high:
        raise InvalidArgument(f"strconv.{function}: parsing {quoted(text)}: value out of range")
    return value


READERS: dict[str, Callable[[str], object]] = {
    "bool": read_bool,
    "string": str,
    "list": str,
    "int": read_int,
    "uint16": read_uint16,
    "uint": read_uint,
    "bytes": read_size,
    "duration": read_duration,
    "filter": read_filter,
    "strings": lambda text: text.split(","),
}
"""How each kind is read when the flag has no reader of its own."""
