"""Ports of EXPOSE. Pure.

Source: go-connections 0.5 nat.ParsePortSpecs (forms and sentences), as buildkit 0.23 uses it.
"""

from __future__ import annotations

import re

from budu.base.errors import InvalidArgument

PROTOCOLS = ("tcp", "udp", "sctp")
"""Those that a port may have."""
_PORT = re.compile(r"(?:.*:)?([0-9]{1,9})(?:-([0-9]{1,9}))?(?:/([A-Za-z]+))?\Z")
_LAST = (1 << 16) - 1


def exposed_ports(text: str) -> tuple[str, ...]:
    """`80`, `80/udp` or `8000-8002/tcp`, one by one. What stands before a colon does not count.

    Raises: InvalidArgument.
    """
    match = _PORT.match(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if match is None or not 0 < first <= last <= _LAST:
        raise InvalidArgument(f"invalid containerPort: {text}", reference=text)
    protocol = (match[3] or "tcp").lower()
    if protocol not in PROTOCOLS:
        raise InvalidArgument(f"invalid proto: {match[3]}", reference=text)
    return tuple(f"{port}/{protocol}" for port in range(first, last + 1))
