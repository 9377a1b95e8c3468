"""The resolver in real sandboxes, asked by another DNS library over udp and tcp."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest
from network_lab import OUTSIDE_ADDRESS, Lab, nft

from budu.linux.netlink import route
from budu.linux.netlink.sockets import connect_in
from budu.linux.netlink.wire import NETLINK_ROUTE
from budu.network import hosts
from budu.network.dns.directory import Addresses, Server
from budu.network.dns.forward import Forwarder
from budu.network.dns.server import MAX_CONNECTIONS, MAX_FORWARDED, SandboxResolver
from budu.network.dns.sockets import ADDRESS, PORT, open_sockets

pytestmark = pytest.mark.host
PATIENCE_S = 5.0
SO_NO_CHECK = 11  # <asm-generic/socket.h>
WEB = "10.9.0.2"
MANY = [f"10.9.{third}.{fourth}" for third in range(2) for fourth in range(1, 100)]


class Names:
    """`web`, `many`, and servers as the test sets them."""

    def __init__(self) -> None:
        self.outside: tuple[Server, ...] = ()

    def addresses(self, asker: str, name: str) -> Addresses | None:
        known = {"web": [WEB], "many": MANY}.get(name)
        return None if known is None else Addresses(tuple(map(socket.inet_aton, known)))

    def name_of(self, asker: str, address: bytes) -> str | None:
        return "web.net" if address == socket.inet_aton(WEB) else None

    def servers(self, asker: str) -> tuple[Server, ...]:
        return self.outside


class Sandbox:
    """A namespace with loopback up, its resolver, and clients in it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.names = Names()
        self.netns = lab.new_namespace()
        inside = connect_in(self.netns, NETLINK_ROUTE)
        inside.execute(route.set_link(route.LOOPBACK_INDEX, up=True))
        inside.close()
        self.resolver = self.serve()

    def serve(self) -> SandboxResolver:
        return SandboxResolver(
            "asker",
            *open_sockets(self.netns),
            directory=self.names,
            forwarder=Forwarder(self._outgoing),
        )

    async def _outgoing(self, server: Server, kind: socket.SocketKind) -> socket.socket:
        made = socket.socket(socket.AF_INET, kind)
        made.setblocking(False)
        return made

    def socket(self, kind: socket.SocketKind) -> socket.socket:
        with self.lab.inside(self.netns):
            made = socket.socket(socket.AF_INET, kind)
        made.setblocking(False)
        return made

    async def ask(self, query: dns.message.Message) -> dns.message.Message:
        loop = asyncio.get_running_loop()
        with self.socket(socket.SOCK_DGRAM) as client:
            await loop.sock_connect(client, (ADDRESS, PORT))
            await loop.sock_sendall(client, query.to_wire())
            async with asyncio.timeout(PATIENCE_S):
                return dns.message.from_wire(await loop.sock_recv(client, 65535))

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        client = self.socket(socket.SOCK_STREAM)
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.get_running_loop().sock_connect(client, (ADDRESS, PORT))
        return await asyncio.open_connection(sock=client)


async def ask_stream(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, query: dns.message.Message
) -> dns.message.Message:
    wire = query.to_wire()
    writer.write(len(wire).to_bytes(2, "big") + wire)
    async with asyncio.timeout(PATIENCE_S):
        length = int.from_bytes(await reader.readexactly(2), "big")
        return dns.message.from_wire(await reader.readexactly(length))


def addresses(reply: dns.message.Message) -> set[str]:
    return {str(record) for rrset in reply.answer for record in rrset}


@pytest.fixture
async def sandbox(lab: Lab) -> AsyncIterator[Sandbox]:
    made = Sandbox(lab)
    yield made
    made.resolver.close()


@contextmanager
def upstream(lab: Lab, where: int, address: str) -> Iterator[list[dns.message.Message]]:
    """A name server: knows `big` with many addresses, refuses nothing else; what it was asked."""
    loop = asyncio.get_running_loop()
    asked: list[dns.message.Message] = []
    datagrams = lab.udp(where, port=53, address=address)
    datagrams.setblocking(False)

    def answer() -> None:
        data, client = datagrams.recvfrom(4096)
        query = dns.message.from_wire(data)
        asked.append(query)
        reply = dns.message.make_response(query)
        if str(query.question[0].name) == "big.example.":
            reply.flags |= dns.flags.TC
        elif str(query.question[0].name) == "sick.example.":
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif str(query.question[0].name) == "silent.example.":
            return
        else:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        datagrams.sendto(b"\xff\xff" + reply.to_wire()[2:], client)  # a forged id is ignored
        datagrams.sendto(reply.to_wire(), client)

    loop.add_reader(datagrams.fileno(), answer)
    try:
        yield asked
    finally:
        loop.remove_reader(datagrams.fileno())


async def test_names_over_datagrams_and_streams(sandbox: Sandbox) -> None:
    query = dns.message.make_query("WEB", "A")
    assert addresses(await sandbox.ask(query)) == {WEB}
    reader, writer = await sandbox.connect()
    for _ in range(3):
        assert addresses(await ask_stream(reader, writer, query)) == {WEB}
    writer.close()
    reverse = dns.message.make_query("2.0.9.10.in-addr.arpa", "PTR")
    assert addresses(await sandbox.ask(reverse)) == {"web.net."}
    assert (await sandbox.ask(dns.message.make_query("web", "AAAA"))).answer == []


async def test_a_long_answer_needs_a_stream_or_edns(sandbox: Sandbox) -> None:
    plain = await sandbox.ask(dns.message.make_query("many", "A"))
    assert plain.flags & dns.flags.TC
    assert plain.answer == []
    large = await sandbox.ask(dns.message.make_query("many", "A", use_edns=True, payload=4096))
    assert addresses(large) == set(MANY)
    assert large.edns == 0
    reader, writer = await sandbox.connect()
    reply = await ask_stream(reader, writer, dns.message.make_query("many", "A"))
    writer.close()
    assert addresses(reply) == set(MANY)


async def test_a_name_server_of_the_container_itself(sandbox: Sandbox) -> None:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with sandbox.socket(kind) as own:
            own.bind(("0.0.0.0", PORT))
            assert addresses(await sandbox.ask(dns.message.make_query("web", "A"))) == {WEB}


async def test_the_kernel_tracks_no_connection_of_the_container(sandbox: Sandbox, lab: Lab) -> None:
    """Tracking would cost every packet of the container, not only questions."""
    query = dns.message.make_query("web", "A")
    server = lab.listen(sandbox.netns, 80)
    with sandbox.socket(socket.SOCK_STREAM) as client:
        await asyncio.get_running_loop().sock_connect(client, server.getsockname())
        assert addresses(await sandbox.ask(query)) == {WEB}
        reader, writer = await sandbox.connect()
        assert addresses(await ask_stream(reader, writer, query)) == {WEB}
        with lab.inside(sandbox.netns):
            assert hosts.conntrack().count == 0
        writer.close()


async def test_a_container_that_tracks_connections_itself(sandbox: Sandbox, lab: Lab) -> None:
    rules = "ct state invalid drop; ct state established accept;"
    chains = [
        f"chain {hook} {{ type filter hook {hook} priority 0; {rules} }}\n"
        for hook in ("output", "input")
    ]
    with lab.inside(sandbox.netns):
        nft(f"table ip own {{\n{''.join(chains)}}}\n")
    query = dns.message.make_query("web", "A")
    assert addresses(await sandbox.ask(query)) == {WEB}
    reader, writer = await sandbox.connect()
    assert addresses(await ask_stream(reader, writer, query)) == {WEB}
    writer.close()


@pytest.mark.parametrize("no_check", [False, True])
async def test_a_question_whose_checksum_the_sender_made(sandbox: Sandbox, no_check: bool) -> None:
    """One sent in pieces has its whole checksum already when the port is written over, and may
    have none at all."""
    wire = dns.message.make_query("web", "A").to_wire()
    with sandbox.socket(socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, no_check)
        client.connect((ADDRESS, PORT))
        client.send(wire[:9], socket.MSG_MORE)
        client.send(wire[9:])
        async with asyncio.timeout(PATIENCE_S):
            reply = await asyncio.get_running_loop().sock_recv(client, 65535)
    assert addresses(dns.message.from_wire(reply)) == {WEB}


async def test_questions_wait_in_the_sockets_while_nobody_answers(sandbox: Sandbox) -> None:
    """What an engine's restart looks like from inside: kept sockets, another server."""
    kept = [sandbox.resolver._datagrams.dup(), sandbox.resolver._listener.dup()]
    sandbox.resolver.close()
    asking = asyncio.create_task(sandbox.ask(dns.message.make_query("web", "A")))
    connection = await sandbox.connect()
    await asyncio.sleep(0)
    sandbox.resolver = SandboxResolver(
        "asker", *kept, directory=sandbox.names, forwarder=Forwarder(sandbox._outgoing)
    )
    assert addresses(await asking) == {WEB}
    assert addresses(await ask_stream(*connection, dns.message.make_query("web", "A"))) == {WEB}
    connection[1].close()


async def test_sockets_made_anew_take_the_place_of_lost_ones(sandbox: Sandbox) -> None:
    sandbox.resolver.close()
    sandbox.resolver = sandbox.serve()
    assert addresses(await sandbox.ask(dns.message.make_query("web", "A"))) == {WEB}


async def test_other_names_are_asked_outside(sandbox: Sandbox, lab: Lab) -> None:
    sandbox.names.outside = (Server(OUTSIDE_ADDRESS, from_host=True),)
    with upstream(lab, lab.outside, OUTSIDE_ADDRESS) as asked:
        reply = await sandbox.ask(dns.message.make_query("nothing.example", "A"))
        assert reply.rcode() == dns.rcode.NXDOMAIN
        cut = await sandbox.ask(dns.message.make_query("big.example", "A"))
        assert cut.flags & dns.flags.TC
    assert [str(each.question[0].name) for each in asked] == ["nothing.example.", "big.example."]


async def test_servers_that_fail_or_are_not_there(sandbox: Sandbox, lab: Lab) -> None:
    nobody = await sandbox.ask(dns.message.make_query("nothing.example", "A"))
    assert nobody.rcode() == dns.rcode.SERVFAIL
    sandbox.names.outside = (
        Server("198.51.100.1", from_host=True),  # refuses: nobody listens there
        Server(OUTSIDE_ADDRESS, from_host=True),
    )
    with upstream(lab, lab.outside, OUTSIDE_ADDRESS) as asked:
        found = await sandbox.ask(dns.message.make_query("nothing.example", "A"))
        assert found.rcode() == dns.rcode.NXDOMAIN
        sick = await sandbox.ask(dns.message.make_query("sick.example", "A"))
        assert sick.rcode() == dns.rcode.SERVFAIL
        assert len(asked) == 2


async def test_a_flood_of_questions_is_refused(sandbox: Sandbox, lab: Lab) -> None:
    sandbox.names.outside = (Server(OUTSIDE_ADDRESS, from_host=True),)
    loop = asyncio.get_running_loop()
    with (
        upstream(lab, lab.outside, OUTSIDE_ADDRESS),
        sandbox.socket(socket.SOCK_DGRAM) as client,
    ):
        await loop.sock_connect(client, (ADDRESS, PORT))
        query = dns.message.make_query("silent.example", "A").to_wire()
        for _ in range(MAX_FORWARDED + 1):
            await loop.sock_sendall(client, query)
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE_S):
            reply = dns.message.from_wire(await loop.sock_recv(client, 65535))
        assert reply.rcode() == dns.rcode.REFUSED
        assert addresses(await sandbox.ask(dns.message.make_query("web", "A"))) == {WEB}


async def test_rubbish_and_too_many_connections(sandbox: Sandbox) -> None:
    loop = asyncio.get_running_loop()
    with sandbox.socket(socket.SOCK_DGRAM) as client:
        await loop.sock_connect(client, (ADDRESS, PORT))
        await loop.sock_sendall(client, b"\xff" * 3)
        await loop.sock_sendall(client, b"\x12\x34\x01\x00" + bytes(8))
        async with asyncio.timeout(PATIENCE_S):
            reply = await loop.sock_recv(client, 65535)
    assert reply == bytes.fromhex("1234 8181 0000000000000000")
    held = [await sandbox.connect() for _ in range(MAX_CONNECTIONS)]
    query = dns.message.make_query("web", "A")
    assert addresses(await ask_stream(*held[-1], query)) == {WEB}
    reader, writer = await sandbox.connect()
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == b""
    for _, each in (*held, (reader, writer)):
        each.close()
