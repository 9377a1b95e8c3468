"""The functions of templates: Go's own and Docker's, and how Go prints values."""

from __future__ import annotations

from budu.cli.template.printf import format_text, type_name
from budu.cli.template.structs import NilMap, as_raw, is_set, struct_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class CallError(Exception):
    """A function refuses its arguments; `evaluate` adds where."""


def show(value: object) -> str:
    """A value as Go's templates print it: with %v, but for nil."""
    return "<no value>" if value is None else go_text(value)


def go_text(value: object) -> str:
    """A value as Go's fmt prints it with %v."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case dict():
            return _map_text(value)
        case list() | tuple():
            return "[" + " ".join(map(go_text, value)) + "]"
        case float():
            return _float_text(value)
        case _:
            return str(value)


def _map_text(value: dict[str, object]) -> str:
    fields = struct_values(value)
    if fields is not None:
        return "{" + " ".join(map(go_text, fields)) + "}"
    empty = "{}" if is_set(value) else ""
    return "map[" + " ".join(f"{key}:{empty or go_text(value[key])}" for key in sorted(value)) + "]"


def _float_text(value: float) -> str:
    """The shortest digits; an exponent from 1e21 on and below 1e-4."""
    text = repr(value)
    if "e" not in text and abs(value) < 1e16:
        return text.removesuffix(".0")
    return text if value == 0 or not 1e-4 <= abs(value) < 1e21 else f"{value:.0f}"


def is_true(value: object) -> bool:
    """Go's truth: not zero, not empty, not nil."""
    return bool(value)


def _json(value: object) -> str:
    from budu.client.json import dumps

    if isinstance(value, NilMap):
        return "null"
    return dumps(value).decode()


def _index(value: object, *keys: object) -> object:
    for key in keys:
        if value is None:
            raise CallError("index of untyped nil")
        if isinstance(value, dict):
            value = as_raw(value.get(key)) if "/" in str(key) else value.get(key)
        elif isinstance(value, (list, str)):
            value = value[_position(key, len(value), "index")]
        else:
            raise CallError(f"can't index item of type {type_name(value)}")
    return value


def _position(key: object, limit: int, verb: str) -> int:
    if not isinstance(key, int) or isinstance(key, bool):
        raise CallError(f"cannot {verb} slice/array with type {type_name(key)}")
    if not 0 <= key < limit:
        raise CallError(f"index out of range: {key}")
    return key


def _slice(value: object, *bounds: object) -> object:
    if not isinstance(value, (str, list)):
        raise CallError(f"can't slice item of type {type_name(value)}")
    numbers = [_position(bound, len(value) + 1, "slice") for bound in bounds]
    start, end = [*numbers, *(0, len(value))[len(numbers) :]][:2]
    if start > end:
        raise CallError(f"invalid slice index: {start} > {end}")
    return value[start:end]


def _length(value: object) -> int:
    if isinstance(value, (str, list, dict)):
        return len(value)
    if value is None:
        raise CallError("len of nil pointer")
    raise CallError(f"len of type {type_name(value)}")


def _split(text: object, separator: object) -> list[str]:
    return list(str(text)) if separator == "" else str(text).split(str(separator))


def _join(items: object, separator: object) -> str:
    if isinstance(items, (list, tuple)):
        return str(separator).join(show(each) for each in items)
    if items is None:
        return ""
    raise CallError("wrong type for value")


def _title(text: str) -> str:
    """Each word's first letter in upper case; the rest stays."""
    return "".join(
        each.upper() if not index or text[index - 1].isspace() else each
        for index, each in enumerate(text)
    )


def _pad(text: object, before: object, after: object) -> str:
    return f"{' ' * int(str(before))}{show(text)}{' ' * int(str(after))}" if text else ""


def _truncate(text: object, length: object) -> str:
    return show(text)[: int(str(length))]


def _kind(value: object) -> str:
    """Values of one kind may be compared."""
    return "number" if type(value) in (int, float) else type_name(value)


def _equal(left: object, *rest: object) -> bool:
    for right in rest:
        if None not in (left, right) and _kind(left) != _kind(right):
            raise CallError("incompatible types for comparison")
        if left == right:
            return True
    return False


def _less(left: object, right: object) -> bool:
    match left, right:
        case str(), str():
            return left < right
        case ((int() | float()), (int() | float())) if _kind(left) == _kind(right) == "number":
            return left < right
    raise CallError("incompatible types for comparison")


def _print(*values: object) -> str:
    """Go's Sprint: a blank stands between two values when neither is a string."""
    out: list[str] = []
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            out.append(" ")
        out.append(go_text(value))
    return "".join(out)


def _escape_html(*values: object) -> str:
    text = _print(*values)
    for character, entity in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&#34;"),
        ("'", "&#39;"),
    ):
        text = text.replace(character, entity)
    return text


FUNCTIONS: dict[str, Callable[..., object]] = {
    "json": _json,
    "split": _split,
    "join": _join,
    "title": lambda text: _title(show(text)),
    "lower": lambda text: show(text).lower(),
    "upper": lambda text: show(text).upper(),
    "pad": _pad,
    "truncate": _truncate,
    "print": _print,
    "println": lambda *values: " ".join(map(go_text, values)) + "\n",
    "printf": lambda form, *values: format_text(str(form), values, go_text),
    "html": _escape_html,
    "index": _index,
    "slice": _slice,
    "len": _length,
    "not": lambda value: not is_true(value),
    "eq": _equal,
    "ne": lambda left, right: not _equal(left, right),
    "lt": _less,
    "le": lambda left, right: not _less(right, left),
    "gt": lambda left, right: _less(right, left),
    "ge": lambda left, right: not _less(left, right),
}
"""By name. `and` and `or` are evaluated lazily by `evaluate`."""
