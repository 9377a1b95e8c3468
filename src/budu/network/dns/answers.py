"""What a question gets: an answer of ours, or None to ask the servers. Pure.

A name that is ours is never asked outside, whatever the type: nobody else can know it, and the
outside need not hear of it. It has an empty answer then.
Source: moby 28.3, libnetwork/resolver.go (order of steps).
"""

from __future__ import annotations

from collections.abc import Callable

from budu.network.dns import message
from budu.network.dns.directory import Addresses, Directory
from budu.network.dns.message import AAAA, NOTIMP, PTR, A, Query

TTL_S = 10
"""How long clients may keep an answer of ours: a restarted container may have another address."""

Shuffle = Callable[[list[bytes]], None]


def local_answer(query: Query, directory: Directory, asker: str, shuffle: Shuffle) -> bytes | None:
    """The answer when the question is about a container or the host; None for all others.

    `shuffle` brings several addresses into another order each time, to spread the load.
    """
    if not message.is_standard(query):
        return message.answer(query, (), ttl=0, code=NOTIMP)
    if query.type == PTR:
        return _answer_reverse(query, directory, asker)
    found = directory.addresses(asker, query.name)
    if found is None:
        return None
    records = list(_records(query.type, found))
    if len(records) > 1:
        shuffle(records)
    return message.answer(query, records, ttl=TTL_S)


def _records(kind: int, found: Addresses) -> tuple[bytes, ...]:
    if kind == A:
        return found.v4
    return found.v6 if kind == AAAA else ()


def _answer_reverse(query: Query, directory: Directory, asker: str) -> bytes | None:
    address = message.reversed_address(query.name)
    name = None if address is None else directory.name_of(asker, address)
    if name is None:
        return None
    return message.answer(query, (message.encode_name(name),), ttl=TTL_S)
