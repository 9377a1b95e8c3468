"""nf_tables: tables, chains and rules as messages, for small rule sets that are made often.

A rule set of a sandbox has a few lines and is made at each start: this takes 70 microseconds, a run
of `nft` three milliseconds. Registers are the 16-byte ones, numbered from 1.

Light: standard library only. Neighbour: `nftables` (elements, and the transaction).
Source: linux/netfilter/nf_tables.h; `nft --debug=netlink`.
"""

from __future__ import annotations

import functools
import struct

from budu.linux.netlink.nftables import NFNL_SUBSYS_NFTABLES, NFPROTO_IPV4
from budu.linux.netlink.wire import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    Message,
    attribute,
    nested,
    string,
    u32_be,
)

NLM_F_APPEND = 0x800

NFT_MSG_NEWTABLE = 0
NFT_MSG_DELTABLE = 2
NFT_MSG_NEWCHAIN = 3
NFT_MSG_NEWRULE = 6

NFTA_TABLE_NAME = 1
NFTA_CHAIN_TABLE = 1
NFTA_CHAIN_NAME = 3
NFTA_CHAIN_HOOK = 4
NFTA_CHAIN_TYPE = 7
NFTA_HOOK_HOOKNUM = 1
NFTA_HOOK_PRIORITY = 2
NFTA_RULE_TABLE = 1
NFTA_RULE_CHAIN = 2
NFTA_RULE_EXPRESSIONS = 4
NFTA_LIST_ELEM = 1
NFTA_EXPR_NAME = 1
NFTA_EXPR_DATA = 2
NFTA_DATA_VALUE = 1

NF_INET_LOCAL_OUT = 3
NF_IP_PRI_RAW = -300

NETWORK_HEADER = 1
TRANSPORT_HEADER = 2

_NFT_CMP_EQ = 0
# Mends the checksum of whichever protocol the packet is of (nft_payload_l4csum_update).
_NFT_PAYLOAD_L4CSUM_PSEUDOHDR = 1
_KEPT = 64  # expressions: rules of one kind differ in a port
_NFGENMSG = struct.Struct(">BBH")  # family, version, resource id


def new_table(name: str, *, exclusive: bool = False) -> Message:
    """Make an IPv4 table; one that exists is fine, unless it has to be new."""
    flags = NLM_F_CREATE | (NLM_F_EXCL if exclusive else 0)
    called = string(NFTA_TABLE_NAME, name)
    return _message(NFT_MSG_NEWTABLE, flags, called, label=f"make table {name}")


def delete_table(name: str) -> Message:
    """Remove an IPv4 table with everything in it; one that is missing makes the batch fail."""
    return _message(NFT_MSG_DELTABLE, 0, string(NFTA_TABLE_NAME, name), label=f"delete {name}")


def new_chain(table: str, name: str, *, kind: str, hook: int, priority: int) -> Message:
    """Make a chain of type `kind` (`filter`, `nat`) that the kernel's hook calls."""
    return _message(
        NFT_MSG_NEWCHAIN,
        NLM_F_CREATE,
        string(NFTA_CHAIN_TABLE, table),
        string(NFTA_CHAIN_NAME, name),
        nested(
            NFTA_CHAIN_HOOK,
            u32_be(NFTA_HOOK_HOOKNUM, hook),
            u32_be(NFTA_HOOK_PRIORITY, priority & 0xFFFFFFFF),
        ),
        string(NFTA_CHAIN_TYPE, kind),
        label=f"make chain {table} {name}",
    )


def append_rule(table: str, chain: str, *expressions: bytes) -> Message:
    """Add a rule behind the others of its chain."""
    return _message(
        NFT_MSG_NEWRULE,
        NLM_F_CREATE | NLM_F_APPEND,
        string(NFTA_RULE_TABLE, table),
        string(NFTA_RULE_CHAIN, chain),
        nested(NFTA_RULE_EXPRESSIONS, *expressions),
        label=f"add a rule to {table} {chain}",
    )


@functools.lru_cache(maxsize=_KEPT)
def header_equals(header: int, offset: int, value: bytes) -> bytes:
    """Go on when these bytes of the packet's network or transport header are `value`."""
    loaded = _expression(
        "payload",
        u32_be(1, 1),  # NFTA_PAYLOAD_DREG
        u32_be(2, header),  # NFTA_PAYLOAD_BASE
        u32_be(3, offset),  # NFTA_PAYLOAD_OFFSET
        u32_be(4, len(value)),  # NFTA_PAYLOAD_LEN
    )
    compared = _expression(
        "cmp",
        u32_be(1, 1),  # NFTA_CMP_SREG
        u32_be(2, _NFT_CMP_EQ),  # NFTA_CMP_OP
        nested(3, attribute(NFTA_DATA_VALUE, value)),  # NFTA_CMP_DATA
    )
    return loaded + compared


@functools.lru_cache(maxsize=_KEPT)
def write_port(offset: int, port: int) -> bytes:
    """Write a port into the tcp or udp header, at this offset, and mend the checksum."""
    written = _expression(
        "payload",
        u32_be(2, TRANSPORT_HEADER),  # NFTA_PAYLOAD_BASE
        u32_be(3, offset),  # NFTA_PAYLOAD_OFFSET
        u32_be(4, 2),  # NFTA_PAYLOAD_LEN
        u32_be(5, 1),  # NFTA_PAYLOAD_SREG
        u32_be(8, _NFT_PAYLOAD_L4CSUM_PSEUDOHDR),  # NFTA_PAYLOAD_CSUM_FLAGS
    )
    return _immediate(1, port.to_bytes(2, "big")) + written


@functools.cache
def leave_untracked() -> bytes:
    """Keep connection tracking from looking at the packet."""
    return _expression("notrack")


def _immediate(register: int, value: bytes) -> bytes:
    """NFTA_IMMEDIATE_DREG and NFTA_IMMEDIATE_DATA."""
    return _expression(
        "immediate", u32_be(1, register), nested(2, attribute(NFTA_DATA_VALUE, value))
    )


def _expression(name: str, *parts: bytes) -> bytes:
    return nested(NFTA_LIST_ELEM, string(NFTA_EXPR_NAME, name), nested(NFTA_EXPR_DATA, *parts))


def _message(kind: int, flags: int, *parts: bytes, label: str) -> Message:
    header = _NFGENMSG.pack(NFPROTO_IPV4, 0, 0)
    return Message(NFNL_SUBSYS_NFTABLES << 8 | kind, flags, header, *parts, label=label)
