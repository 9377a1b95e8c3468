"""JSON by the interpreter's own accelerator, without importing `json` and `re`. Light.

The accelerator is an implementation detail of CPython; where it is missing or has changed, the
standard `json` module does the same work.
"""

from __future__ import annotations

from budu.base.errors import DataLoss

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BLANK = " \t\r\n"


class _Settings:
    """What `_json.make_scanner` reads from its decoder."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def _not_serialisable(value: object) -> object:
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _accelerated() -> tuple[Callable[[str, int], tuple[Any, int]], Callable[[object], str]] | None:
    try:
        from _json import encode_basestring, make_encoder, make_scanner

        settings: Any = _Settings()
        scan = make_scanner(settings)
        encoder = make_encoder(
            None, _not_serialisable, encode_basestring, None, ":", ",", False, False, True
        )
        encoder({}, 0)
    except (ImportError, TypeError, AttributeError):
        return None
    return scan, lambda value: "".join(encoder(value, 0))


_FAST = _accelerated()


def loads(data: bytes | str) -> Any:
    """Read one document.

    Raises: DataLoss when the text is not JSON.
    """
    try:
        text = data if isinstance(data, str) else bytes(data).decode("utf-8")
        return _loads(text)
    except (ValueError, StopIteration):
        raise DataLoss("the answer is not valid JSON") from None


def _loads(text: str) -> Any:
    if _FAST is None:
        import json

        return json.loads(text)
    start = len(text) - len(text.lstrip(_BLANK))
    value, end = _FAST[0](text, start)
    if text[end:].strip(_BLANK):
        raise ValueError(end)
    return value


def dumps(value: object) -> bytes:
    """Write one document, compact, as UTF-8."""
    if _FAST is None:
        import json

        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return _FAST[1](value).encode()
