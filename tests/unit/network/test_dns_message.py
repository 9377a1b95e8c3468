"""The wire format of DNS: queries of real clients, answers, and bytes that are neither."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.network.dns import message
from budu.network.dns.message import AAAA, NXDOMAIN, PTR, A, FormatError, parse_query

# What `dig +noedns web` and `dig web AAAA` send, with ids of ours.
PLAIN = bytes.fromhex("1234 0120 0001 0000 0000 0000 03 776562 00 0001 0001")
EDNS = bytes.fromhex(
    "abcd 0120 0001 0000 0000 0001 03 576542 02 6e65 00 001c 0001 00 0029 04d0 0000 0000 0000"
)


def test_a_plain_query() -> None:
    query = parse_query(PLAIN)
    assert (query.id, query.name, query.type) == (0x1234, "web", A)
    assert (query.limit, query.has_edns) == (512, False)
    assert query.question == PLAIN[12:]


def test_a_query_with_edns_in_mixed_case() -> None:
    query = parse_query(EDNS)
    assert (query.name, query.type, query.limit, query.has_edns) == ("web.ne", AAAA, 1232, True)
    assert query.question == EDNS[12:24]


def test_a_buffer_of_one_byte_counts_as_the_smallest() -> None:
    tiny = EDNS[:-8] + bytes.fromhex("0001 0000 0000 0000")
    assert parse_query(tiny).limit == 512


def test_an_answer_repeats_the_question_and_names_it_by_pointer() -> None:
    query = parse_query(PLAIN)
    address = socket.inet_aton("172.17.0.2")
    reply = message.answer(query, (address,), ttl=10)
    assert reply == bytes.fromhex(
        "1234 8180 0001 0001 0000 0000 03 776562 00 0001 0001 c00c 0001 0001 0000000a 0004 ac110002"
    )


def test_an_answer_to_edns_has_edns() -> None:
    reply = message.answer(parse_query(EDNS), (), ttl=10, code=NXDOMAIN)
    assert reply[3] & 0xF == NXDOMAIN
    assert int.from_bytes(reply[10:12], "big") == 1
    assert reply.endswith(bytes.fromhex("00 0029 1000 00000000 0000"))


def test_a_large_answer_becomes_the_word_to_ask_by_stream() -> None:
    query = parse_query(PLAIN)
    reply = message.answer(query, [bytes(4)] * 40, ttl=10)
    assert message.fitted(query, reply, limit=len(reply)) == reply
    short = message.fitted(query, reply, limit=512)
    assert short[2] & 0x02  # TC: RFC 1035, 4.1.1
    assert int.from_bytes(short[6:8], "big") == 0
    assert message.is_reply_to(query, short)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:11],
        PLAIN[:-1],
        PLAIN[:4] + b"\0\2" + PLAIN[6:],
        PLAIN[:2] + b"\x81\x80" + PLAIN[4:],
        PLAIN[:-3] + b"\1\0\3",
        PLAIN[:12] + b"\xc0\x0c" + PLAIN[17:],
        PLAIN[:12] + (b"\x3f" + b"a" * 63) * 5 + b"\0\0\1\0\1",
    ],
    ids=["empty", "head", "cut", "two", "answer", "chaos", "pointer", "long"],
)
def test_what_is_no_query(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_query(data)


@given(st.binary(max_size=600))
def test_any_bytes_are_a_query_or_a_format_error(data: bytes) -> None:
    try:
        query = parse_query(data)
    except FormatError:
        assert len(message.refusal(data, message.FORMERR)) in (0, 12)
    else:
        assert message.is_reply_to(query, message.answer(query, (), ttl=0))


def test_a_refusal_keeps_the_id_and_is_not_given_to_answers() -> None:
    assert message.refusal(PLAIN[:12], message.FORMERR) == bytes.fromhex(
        "1234 8181 0000000000000000"
    )
    assert message.refusal(PLAIN[:2] + b"\x80\0" + PLAIN[4:], message.FORMERR) == b""


def test_whose_answer_it_is() -> None:
    query = parse_query(PLAIN)
    reply = message.answer(query, (), ttl=0)
    assert message.is_reply_to(query, reply.replace(b"web", b"WEB"))
    assert not message.is_reply_to(query, b"\0\0" + reply[2:])
    assert not message.is_reply_to(query, reply.replace(b"web", b"bad"))
    assert not message.is_reply_to(query, PLAIN)
    assert not message.is_reply_to(query, b"")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("2.0.17.172.in-addr.arpa", "172.17.0.2"),
        ("1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa", "2001:db8::1"),
    ],
)
def test_reversed_addresses(name: str, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    assert message.reversed_address(name) == socket.inet_pton(family, address)


@pytest.mark.parametrize(
    "name",
    ["1.2.3.in-addr.arpa", "1.2.3.256.in-addr.arpa", "x.2.3.4.in-addr.arpa", "a.ip6.arpa", "web"],
)
def test_names_that_are_no_reversed_address(name: str) -> None:
    assert message.reversed_address(name) is None


def test_a_name_as_data() -> None:
    assert message.encode_name("web.net") == b"\3web\3net\0"
    assert parse_query(PLAIN[:12] + b"\0" + PTR.to_bytes(2, "big") + b"\0\1").name == ""
