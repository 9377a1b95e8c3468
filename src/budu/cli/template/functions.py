"""The functions of templates: Go's own and Docker's, and how Go prints values."""

from __future__ import annotations

from budu.cli.template.lex import TemplateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def show(value: object) -> str:
    """A value as Go's fmt prints it with %v."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{show(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join("<nil>" if each is None else show(each) for each in value) + "]"
    return repr(value) if isinstance(value, float) else str(value)


def is_true(value: object) -> bool:
    """Go's truth: not zero, not empty, not nil."""
    return bool(value)


def _json(value: object) -> str:
    from budu.client.json import dumps

    return dumps(value).decode()


def _index(value: object, *keys: object) -> object:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, (list, str)) and isinstance(key, int):
            if not 0 <= key < len(value):
                raise TemplateError(f"error calling index: index out of range: {key}")
            value = value[key]
        elif value is None:
            raise TemplateError("error calling index: index of untyped nil")
        else:
            raise TemplateError(f"error calling index: cannot index slice/array with type {key!r}")
    return value


def _slice(value: object, *bounds: object) -> object:
    if not isinstance(value, (str, list)):
        raise TemplateError("error calling slice: can't slice item")
    numbers = [bound for bound in bounds if isinstance(bound, int)]
    return value[numbers[0] if numbers else 0 : numbers[1] if len(numbers) > 1 else None]


def _length(value: object) -> int:
    if isinstance(value, (str, list, dict)):
        return len(value)
    if value is None:
        raise TemplateError("error calling len: len of nil pointer")
    raise TemplateError("error calling len: len of a value without length")


def _split(text: object, separator: object) -> list[str]:
    return list(str(text)) if separator == "" else str(text).split(str(separator))


def _join(items: object, separator: object) -> str:
    if isinstance(items, (list, tuple)):
        return str(separator).join(show(each) for each in items)
    if items is None:
        return ""
    raise TemplateError("error calling join: wrong type for value")


def _pad(text: object, before: object, after: object) -> str:
    return f"{' ' * int(str(before))}{show(text)}{' ' * int(str(after))}" if text else ""


def _truncate(text: object, length: object) -> str:
    return show(text)[: int(str(length))]


def _printf(form: object, *values: object) -> str:
    out, index, text = [], 0, str(form)
    position = 0
    while position < len(text):
        if text[position] != "%" or position + 1 >= len(text):
            out.append(text[position])
            position += 1
            continue
        end = position + 1
        while end < len(text) and text[end] in "+-# 0123456789.":
            end += 1
        flags, verb = text[position + 1 : end], text[end : end + 1]
        position = end + 1
        if verb == "%":
            out.append("%")
            continue
        value = values[index] if index < len(values) else None
        index += 1
        out.append(_format_one(flags, verb, value))
    return "".join(out)


def _format_one(flags: str, verb: str, value: object) -> str:
    if verb == "q":
        return f"%{flags}s" % _json(show(value))
    if verb in "dxXob" and isinstance(value, int):
        return f"%{flags}{verb}" % value if verb != "b" else bin(value)[2:]
    if verb in "feg" and isinstance(value, (int, float)):
        return f"%{flags}{verb}" % value
    if verb == "t":
        return show(value)
    return f"%{flags}s" % show(value)


def _compare(name: str, test: Callable[[object, object], bool]) -> Callable[[object, object], bool]:
    def compare(left: object, right: object) -> bool:
        try:
            return test(left, right)
        except TypeError:
            raise TemplateError(
                f"error calling {name}: incompatible types for comparison"
            ) from None

    return compare


def _print(*values: object) -> str:
    return " ".join(show(value) for value in values)


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
    "title": lambda text: show(text).title(),
    "lower": lambda text: show(text).lower(),
    "upper": lambda text: show(text).upper(),
    "pad": _pad,
    "truncate": _truncate,
    "print": _print,
    "println": lambda *values: _print(*values) + "\n",
    "printf": _printf,
    "html": _escape_html,
    "index": _index,
    "slice": _slice,
    "len": _length,
    "not": lambda value: not is_true(value),
    "eq": lambda left, *rest: any(left == each for each in rest),
    "ne": lambda left, right: left != right,
    "lt": _compare("lt", lambda left, right: left < right),  # type: ignore[operator]
    "le": _compare("le", lambda left, right: left <= right),  # type: ignore[operator]
    "gt": _compare("gt", lambda left, right: left > right),  # type: ignore[operator]
    "ge": _compare("ge", lambda left, right: left >= right),  # type: ignore[operator]
}
"""By name. `and` and `or` are evaluated lazily by `evaluate`."""
