"""nf_tables messages, read back by pyroute2."""

from __future__ import annotations

from typing import Any

from pyroute2.netlink.nfnetlink.nftsocket import nft_set_elem_list_msg

from budu.linux.netlink import nftables
from budu.linux.netlink.nftables import Element, concatenate

ELEMENT = Element(concatenate(b"\x06", b"\x1f\x90"), concatenate(bytes((172, 17, 0, 2)), b"\0\x50"))


def decode(data: bytes) -> Any:
    decoded = nft_set_elem_list_msg(data)
    decoded.decode()
    return decoded


def test_fields_of_a_key_are_filled_to_four_bytes() -> None:
    assert ELEMENT.key == b"\x06\0\0\0\x1f\x90\0\0"


def test_added_element_names_table_map_key_and_value() -> None:
    (message,) = nftables.add_elements("budu", "published", [ELEMENT])
    decoded = decode(message.encode(1))
    assert decoded["header"]["type"] == (10 << 8) | 12
    assert decoded["nfgen_family"] == 1
    assert decoded.get_attr("NFTA_SET_ELEM_LIST_TABLE") == "budu"
    assert decoded.get_attr("NFTA_SET_ELEM_LIST_SET") == "published"
    (element,) = decoded.get_attr("NFTA_SET_ELEM_LIST_ELEMENTS")
    key = element.get_attr("NFTA_SET_ELEM_KEY").get_attr("NFTA_DATA_VALUE")
    value = element.get_attr("NFTA_SET_ELEM_DATA").get_attr("NFTA_DATA_VALUE")
    assert (bytes(key), bytes(value)) == (ELEMENT.key, ELEMENT.value)


def test_many_elements_are_spread_over_messages_that_fit() -> None:
    elements = [
        Element(concatenate(b"\xff" * 4, b"\x06", port.to_bytes(2, "big")), ELEMENT.value)
        for port in range(2500)
    ]
    messages = nftables.add_elements("budu", "published_at", elements)
    counts = [
        len(decode(message.encode(1)).get_attr("NFTA_SET_ELEM_LIST_ELEMENTS"))
        for message in messages
    ]
    assert counts == [600, 600, 600, 600, 100]
    assert all(len(message.body) < 65536 for message in messages)
