"""nf_tables: elements of maps in one batch, and what tables and chains there are.

Whole tables are written as text and given to `nft`; this module changes single elements, which
takes 25 microseconds, and looks. Keys and values come as bytes: the fields of a concatenation
one after the other, each in network order and filled to four bytes (`concatenate`).

Light: standard library only.
Source: linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h.
"""

from __future__ import annotations

import errno
import struct

from budu.linux.netlink.wire import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    Connection,
    Message,
    as_text,
    attribute,
    attributes,
    iterate_attributes,
    nested,
    pad,
    string,
)

NFPROTO_INET = 1
NFPROTO_IPV4 = 2
NFPROTO_IPV6 = 10
FAMILIES = {"inet": NFPROTO_INET, "ip": NFPROTO_IPV4, "ip6": NFPROTO_IPV6}
"""Families of tables by their names in `nft`."""

NFNL_SUBSYS_NFTABLES = 10
NFNL_MSG_BATCH_BEGIN = 16
NFNL_MSG_BATCH_END = 17
NFT_MSG_GETTABLE = 1
NFT_MSG_GETCHAIN = 4
NFT_MSG_GETRULE = 7
NFT_MSG_NEWSETELEM = 12
NFT_MSG_GETSETELEM = 13
NFT_MSG_DELSETELEM = 14

NFTA_TABLE_NAME = 1
NFTA_CHAIN_TABLE = 1
NFTA_CHAIN_NAME = 3
NFTA_CHAIN_HOOK = 4
NFTA_CHAIN_POLICY = 5
NFTA_HOOK_HOOKNUM = 1
NFTA_RULE_TABLE = 1
NFTA_SET_ELEM_LIST_TABLE = 1
NFTA_SET_ELEM_LIST_SET = 2
NFTA_SET_ELEM_LIST_ELEMENTS = 3
NFTA_LIST_ELEM = 1
NFTA_SET_ELEM_KEY = 1
NFTA_SET_ELEM_DATA = 2
NFTA_DATA_VALUE = 1

NF_INET_FORWARD = 2
NF_DROP = 0

# An attribute holds at most 65,535 bytes; an element of ours takes up to 96.
_ELEMENTS_PER_MESSAGE = 600

_NFGENMSG = struct.Struct(">BBH")  # family, version, resource id


class Element:
    """One element of a map: `value` is what `key` leads to, empty where only the key counts."""

    __slots__ = ("key", "value")

    def __init__(self, key: bytes, value: bytes = b"") -> None:
        self.key = key
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Element) and (other.key, other.value) == (self.key, self.value)

    def __hash__(self) -> int:
        return hash((self.key, self.value))

    def __repr__(self) -> str:
        return f"Element({self.key!r}, {self.value!r})"


class BaseChain:
    """A chain that the kernel's hook `hook` calls; `policy_drops` when nothing else accepts."""

    __slots__ = ("family", "hook", "name", "policy_drops", "table")

    def __init__(
        self, *, family: str, table: str, name: str, hook: int, policy_drops: bool
    ) -> None:
        self.family = family
        self.table = table
        self.name = name
        self.hook = hook
        self.policy_drops = policy_drops


def concatenate(*fields: bytes) -> bytes:
    """The key of `a . b . c`: every field filled to four bytes."""
    return b"".join(pad(field) for field in fields)


def add_elements(table: str, name: str, elements: list[Element]) -> list[Message]:
    """Messages that add elements to a set of an inet table; one that is there is an error."""
    return _element_messages(NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL, (table, name), elements)


def delete_elements(table: str, name: str, elements: list[Element]) -> list[Message]:
    """Messages that remove elements by key; one that is missing makes the batch fail."""
    return _element_messages(NFT_MSG_DELSETELEM, 0, (table, name), elements)


def commit(connection: Connection, changes: list[Message]) -> None:
    """Make all changes in one transaction.

    Raises: OSError: EEXIST (an element is there), ENOENT (the table, map or element is missing).
    Nothing has changed then.
    """
    if changes:
        begin, end = _batch_edge(NFNL_MSG_BATCH_BEGIN), _batch_edge(NFNL_MSG_BATCH_END)
        connection.execute_batch((begin, *changes, end))


def dump_elements(connection: Connection, table: str, name: str) -> list[Element]:
    """The elements of a set or map of an inet table.

    Raises: FileNotFoundError when the table or the map does not exist.
    """
    request = _message(
        NFT_MSG_GETSETELEM,
        0,
        string(NFTA_SET_ELEM_LIST_TABLE, table),
        string(NFTA_SET_ELEM_LIST_SET, name),
        label=f"list elements of {table} {name}",
    )
    return [
        _parse_element(payload)
        for reply in connection.dump(request)
        for kind, payload in iterate_attributes(
            attributes(reply.body, _NFGENMSG.size).get(NFTA_SET_ELEM_LIST_ELEMENTS, b"")
        )
        if kind == NFTA_LIST_ELEM
    ]


def has_table(connection: Connection, table: str) -> bool:
    """Whether the inet family has a table of this name."""
    request = _message(
        NFT_MSG_GETTABLE, 0, string(NFTA_TABLE_NAME, table), label=f"find table {table}"
    )
    return _exists(connection, request)


def has_chain(connection: Connection, table: str, name: str) -> bool:
    """Whether the inet table has a chain of this name."""
    request = _message(
        NFT_MSG_GETCHAIN,
        0,
        string(NFTA_CHAIN_TABLE, table),
        string(NFTA_CHAIN_NAME, name),
        label=f"find chain {name}",
    )
    return _exists(connection, request)


def count_rules(connection: Connection, table: str) -> int:
    """How many rules an inet table has; 0 without such a table."""
    request = _message(
        NFT_MSG_GETRULE, 0, string(NFTA_RULE_TABLE, table), label=f"list rules of {table}"
    )
    return len(connection.dump(request))


def base_chains(connection: Connection) -> list[BaseChain]:
    """The chains that hang on a hook, of all tables of the families inet, ip and ip6."""
    return [
        _parse_chain(family, chain)
        for family, number in FAMILIES.items()
        for chain in _chains(connection, number)
        if NFTA_CHAIN_HOOK in chain
    ]


def _chains(connection: Connection, family: int) -> list[dict[int, bytes]]:
    request = _message(NFT_MSG_GETCHAIN, 0, label="list chains", family=family)
    return [attributes(reply.body, _NFGENMSG.size) for reply in connection.dump(request)]


def _exists(connection: Connection, request: Message) -> bool:
    try:
        connection.get(request)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    return True


def _parse_chain(family: str, found: dict[int, bytes]) -> BaseChain:
    hook = attributes(found[NFTA_CHAIN_HOOK]).get(NFTA_HOOK_HOOKNUM, b"")
    policy = found.get(NFTA_CHAIN_POLICY)
    return BaseChain(
        family=family,
        table=as_text(found.get(NFTA_CHAIN_TABLE, b"")),
        name=as_text(found.get(NFTA_CHAIN_NAME, b"")),
        hook=int.from_bytes(hook, "big"),
        policy_drops=policy is not None and int.from_bytes(policy, "big") == NF_DROP,
    )


def _parse_element(payload: bytes) -> Element:
    found = attributes(payload)
    key = attributes(found.get(NFTA_SET_ELEM_KEY, b"")).get(NFTA_DATA_VALUE, b"")
    value = attributes(found.get(NFTA_SET_ELEM_DATA, b"")).get(NFTA_DATA_VALUE, b"")
    return Element(key, value)


def _encode_element(element: Element) -> bytes:
    parts = nested(NFTA_SET_ELEM_KEY, attribute(NFTA_DATA_VALUE, element.key))
    if element.value:
        parts += nested(NFTA_SET_ELEM_DATA, attribute(NFTA_DATA_VALUE, element.value))
    return nested(NFTA_LIST_ELEM, parts)


def _element_messages(
    kind: int, flags: int, where: tuple[str, str], elements: list[Element]
) -> list[Message]:
    table, name = where
    verb = "add" if kind == NFT_MSG_NEWSETELEM else "remove"
    return [
        _message(
            kind,
            flags,
            string(NFTA_SET_ELEM_LIST_TABLE, table),
            string(NFTA_SET_ELEM_LIST_SET, name),
            nested(
                NFTA_SET_ELEM_LIST_ELEMENTS,
                *map(_encode_element, elements[start : start + _ELEMENTS_PER_MESSAGE]),
            ),
            label=f"{verb} elements of {table} {name}",
        )
        for start in range(0, len(elements), _ELEMENTS_PER_MESSAGE)
    ]


def _message(
    kind: int, flags: int, *parts: bytes, label: str, family: int = NFPROTO_INET
) -> Message:
    return Message(
        NFNL_SUBSYS_NFTABLES << 8 | kind,
        flags,
        _NFGENMSG.pack(family, 0, 0),
        *parts,
        label=label,
    )


def _batch_edge(kind: int) -> Message:
    return Message(
        kind, 0, _NFGENMSG.pack(0, 0, NFNL_SUBSYS_NFTABLES), label="change the nftables table"
    )
