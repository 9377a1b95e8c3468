"""What the resolver must be told about containers and servers. The engine implements it."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Addresses(msgspec.Struct, frozen=True):
    """Where a name leads: packed addresses, 4 and 16 bytes each. Both may be empty."""

    v4: tuple[bytes, ...] = ()
    v6: tuple[bytes, ...] = ()


class Server(msgspec.Struct, frozen=True):
    """A name server that may be asked.

    `address` is its IP address; `from_host` says to ask from the host's network instead of the
    container's: for servers on the host's loopback, and where the container lacks the family.
    """

    address: str
    from_host: bool


class Directory(Protocol):
    """Names as one container, `asker` (its id), sees them. Names are in lower case, no last dot."""

    def addresses(self, asker: str, name: str) -> Addresses | None:
        """Where `name` leads; None when it is none of ours."""

    def name_of(self, asker: str, address: bytes) -> str | None:
        """The name of a packed address that shares a network with the asker."""

    def servers(self, asker: str) -> tuple[Server, ...]:
        """Who is asked about other names, in order; none for a container without a way out."""
