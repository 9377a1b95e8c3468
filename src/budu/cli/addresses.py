"""IP and MAC addresses as Go reads them, by the C library's own functions. Light."""

from __future__ import annotations

from _socket import AF_INET, AF_INET6, inet_ntop, inet_pton

_HEX = frozenset("0123456789abcdefABCDEF")


def normal_ip(text: str) -> str | None:
    """The usual spelling of an address; None when it is none.

    Leading zeros in IPv4 are refused, an IPv6 address that holds an IPv4 one becomes that.
    """
    try:
        if ":" not in text:
            return inet_ntop(AF_INET, inet_pton(AF_INET, text))
        packed = inet_pton(AF_INET6, text)
    except (OSError, ValueError):
        return None
    if packed[:12] == bytes(10) + b"\xff\xff":
        return inet_ntop(AF_INET, packed[12:])
    return inet_ntop(AF_INET6, packed)


def is_mac(text: str) -> bool:
    """Whether Go's `net.ParseMAC` takes it: 6, 8 or 20 bytes, with `:`, `-` or dots."""
    text = text.strip()
    for separator, width in ((":", 2), ("-", 2), (".", 4)):
        parts = text.split(separator)
        if len(parts) > 1:
            right = all(len(part) == width and _HEX.issuperset(part) for part in parts)
            return right and len(parts) * width // 2 in (6, 8, 20)
    return False
