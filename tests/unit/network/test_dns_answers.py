"""Who gets which answer: containers' names, other types, reverse names, and what goes outside."""

import socket

from budu.network.dns import message
from budu.network.dns.answers import local_answer
from budu.network.dns.directory import Addresses, Server
from budu.network.dns.message import AAAA, NOTIMP, PTR, A, Query

MX = 15
WEB = (socket.inet_aton("10.9.0.2"), socket.inet_aton("10.9.0.3"))
WEB6 = socket.inet_pton(socket.AF_INET6, "fd00::2")


class Names:
    """Two containers that share a name, seen by `asker` alone."""

    def addresses(self, asker: str, name: str) -> Addresses | None:
        if asker != "asker":
            return None
        return {"web": Addresses(WEB, (WEB6,)), "old": Addresses(WEB[:1])}.get(name)

    def name_of(self, asker: str, address: bytes) -> str | None:
        return "web.net" if asker == "asker" and address in WEB else None

    def servers(self, asker: str) -> tuple[Server, ...]:
        return ()


def ask(name: str, kind: int = A, *, asker: str = "asker", flags: int = 0x0100) -> bytes | None:
    question = message.encode_name(name) + kind.to_bytes(2, "big") + b"\0\1"
    query = Query(7, flags, name, kind, question, 512, has_edns=False)
    return local_answer(query, Names(), asker, lambda records: records.reverse())


def records(reply: bytes | None) -> int:
    assert reply is not None
    return int.from_bytes(reply[6:8], "big")


def test_a_name_has_all_its_addresses_in_another_order() -> None:
    reply = ask("web")
    assert records(reply) == 2
    assert reply is not None
    assert reply.index(WEB[1]) < reply.index(WEB[0])


def test_the_other_family() -> None:
    reply = ask("web", AAAA)
    assert reply is not None and reply.endswith(WEB6)
    assert records(ask("old", AAAA)) == 0


def test_other_types_of_a_name_of_ours_are_empty() -> None:
    assert records(ask("web", MX)) == 0


def test_a_name_of_nobody_is_asked_outside() -> None:
    assert ask("example.org") is None
    assert ask("web", asker="stranger") is None


def test_reverse() -> None:
    reply = ask("2.0.9.10.in-addr.arpa", PTR)
    assert reply is not None and reply.endswith(b"\3web\3net\0")
    assert ask("9.9.9.9.in-addr.arpa", PTR) is None
    assert ask("web", PTR) is None


def test_an_update_is_not_implemented() -> None:
    reply = ask("web", flags=0x2900)
    assert reply is not None
    assert message.code_of(reply) == NOTIMP
