"""Percent-encoding and query strings, without `urllib`. Light."""

from __future__ import annotations

from budu.client.json import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def quote(text: str, *, safe: str = "") -> str:
    """Percent-encode everything that is not unreserved or in `safe`.

    Source: RFC 3986, section 2.3.
    """
    allowed = _PLAIN.union(safe.encode())
    return "".join(
        chr(byte) if byte in allowed else f"%{byte:02X}"
        for byte in text.encode("utf-8", "surrogateescape")
    )


def unquote(text: str) -> str:
    """The text that was percent-encoded."""
    first, *rest = text.split("%")
    data = first.encode()
    for part in rest:
        data += bytes.fromhex(part[:2]) + part[2:].encode()
    return data.decode("utf-8", "replace")


def encode(query: Mapping[str, object]) -> str:
    """A query string as the Engine API reads it.

    None and False are left out, True is 1, a list of text repeats its name, a mapping is JSON
    (`filters`). An empty text stays: it means something in some calls.
    """
    parts: list[str] = []
    for name, value in query.items():
        parts += (f"{quote(name)}={quote(text)}" for text in _texts(value))
    return "&".join(parts)


def _texts(value: object) -> list[str]:
    if value is None or value is False:
        return []
    if value is True:
        return ["1"]
    if isinstance(value, dict):
        return [dumps(value).decode()]
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return [str(value)]
