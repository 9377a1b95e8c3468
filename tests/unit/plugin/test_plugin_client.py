"""Calls of plugins: answers, complaints, and peers that mean harm."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.fakes.plugin import PluginServer, Refused
from tests.fakes.tls import CERTIFICATE, server_context

from budu.base.errors import BuduError, DeadlineExceeded, Internal, NotFound, Unavailable
from budu.plugin.client import Patience, PluginClient, Reply, is_refusal
from budu.plugin.discovery import Address, PluginFolders, TlsFiles
from budu.plugin.registry import NETWORK_DRIVER, VOLUME_DRIVER, Plugins
from budu.plugin.wire import LARGEST_BODY, LARGEST_HEAD, MEDIA_TYPE

QUICK = Patience(total_s=0.2, first_step_s=0.05, short_s=0.5, long_s=0.5)
"""Soon has enough of a plugin that is silent."""
BRIEF = Patience(total_s=0.2, first_step_s=0.05, short_s=30, long_s=30)
"""Soon gives up on one that is not there, and waits for the answer of one that is slow."""
PATIENT = Patience(total_s=30, first_step_s=0.05, short_s=30, long_s=30)
"""Where the outcome does not depend on how long it takes: the machine may be busy."""


class Word(Reply, frozen=True, kw_only=True, rename="pascal"):
    word: str = ""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PluginServer]:
    calls = {"Say.It": lambda request: {"Word": request.get("Word")}}
    server = PluginServer(tmp_path / "run" / "it.sock", ["VolumeDriver"], calls)
    await server.start()
    yield server
    await server.stop()


def client_of(path: Path, patience: Patience = PATIENT) -> PluginClient:
    return PluginClient("it", Address(scheme="unix", path=str(path)), patience=patience)


async def test_a_call_is_json_both_ways(server: PluginServer) -> None:
    reply = await client_of(server.socket).call("Say.It", {"Word": "hi"}, Word)
    assert (reply.word, server.accepts) == ("hi", [MEDIA_TYPE])


async def test_null_is_as_nothing(server: PluginServer) -> None:
    assert (await client_of(server.socket).call("Say.It", {}, Word)).word == ""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Refused("no room"), "no room"),
        (Refused("no room", 500), "Say.It: no room"),
        (Refused("a\x1b[31m\nb"), "a [31m b"),
    ],
)
async def test_the_plugins_own_words_are_passed_on(
    server: PluginServer, answer: Refused, words: str
) -> None:
    def refuse(_: object) -> dict[str, object]:
        raise answer

    server.calls["Say.It"] = refuse
    with pytest.raises(Internal) as found:
        await client_of(server.socket).call("Say.It", {}, Word)
    assert found.value.message == words
    assert is_refusal(found.value)


async def test_a_method_that_is_optional_may_be_missing(server: PluginServer) -> None:
    client = client_of(server.socket)
    assert await client.call("Say.Nothing", {}, Word, optional=True) == Word()
    with pytest.raises(Internal, match=r"^Say\.Nothing: 404 page not found$"):
        await client.call("Say.Nothing", {}, Word)


async def test_a_plugin_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "late.sock"
    server = PluginServer(path, [], {"Say.It": lambda _: {"Word": "here"}})

    async def come() -> None:
        await asyncio.sleep(0.06)
        await server.start()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(come())
        reply = await client_of(path).call("Say.It", {}, Word)
    await server.stop()
    assert reply.word == "here"


async def test_a_plugin_that_died_gives_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "gone.sock"
    with pytest.raises(Unavailable) as found:
        await client_of(path, BRIEF).call("Say.It", {}, Word)
    words = f'plugin "it" is not answering: Say.It: dial unix {path}: connect: no such file or'
    assert found.value.message.startswith(words)
    assert found.value.hint is not None and found.value.hint.key == "plugin.died"


Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def against(path: Path, peer: Peer, patience: Patience = PATIENT) -> BuduError:
    """What a call of such a peer ends with."""
    server = await asyncio.start_unix_server(peer, str(path))
    try:
        with pytest.raises(BuduError) as found:
            await client_of(path, patience).call("Say.It", {}, Word)
    finally:
        server.close()
    return found.value


def saying(data: bytes, *, then_wait: bool = False) -> Peer:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(data)
            await writer.drain()
            if then_wait:
                await reader.read()
        except ConnectionError:
            pass
        writer.close()

    return peer


OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"


async def test_silence_ends_in_time(tmp_path: Path) -> None:
    error = await against(tmp_path / "s", saying(b"", then_wait=True), QUICK)
    assert isinstance(error, DeadlineExceeded)
    assert error.message == 'plugin "it": Say.It: no answer within 0.5 seconds'


async def test_half_an_answer_ends_in_time(tmp_path: Path) -> None:
    error = await against(tmp_path / "s", saying(OK % (9, b"{"), then_wait=True), QUICK)
    assert isinstance(error, DeadlineExceeded)


@pytest.mark.parametrize(
    "data",
    [
        OK % (9, b"{"),
        b"SSH-2.0-nonsense\r\n",
        OK % (1, b"{"),
        OK % (2, b"[]"),
        OK % (12, b'{"Word": 12}'),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * (LARGEST_HEAD * 3) + b"\r\n\r\n",
        OK % (LARGEST_BODY * 2, b" " * (LARGEST_BODY + 2 * LARGEST_HEAD)),
        OK % (100_000, b"[" * 100_000),
    ],
    ids=lambda data: data[:40].decode(),
)
async def test_an_answer_of_no_use_is_an_error(tmp_path: Path, data: bytes) -> None:
    error = await against(tmp_path / "s", saying(data))
    assert isinstance(error, Internal)
    assert error.hint is not None and error.hint.key == "plugin.broken"


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    error = await against(
        tmp_path / "s", saying(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")
    )
    assert error.message == "Say.It: status 302"


async def test_an_answer_may_end_with_the_connection(tmp_path: Path) -> None:
    peer = saying(b'HTTP/1.0 200 OK\r\n\r\n{"Word": "old"}')
    server = await asyncio.start_unix_server(peer, str(tmp_path / "s"))
    reply = await client_of(tmp_path / "s").call("Say.It", {}, Word)
    server.close()
    assert reply.word == "old"


async def test_a_plugin_is_greeted_once(server: PluginServer) -> None:
    plugins = Plugins(PluginFolders(sockets=server.socket.parent, specs=()), patience=BRIEF)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(5):
            tasks.create_task(plugins.get("it", VOLUME_DRIVER))
    assert len(server.named("Plugin.Activate")) == 1
    assert (plugins.names(VOLUME_DRIVER), plugins.names(NETWORK_DRIVER)) == (["it"], [])


async def test_a_plugin_of_another_kind_is_refused(server: PluginServer) -> None:
    plugins = Plugins(PluginFolders(sockets=server.socket.parent, specs=()), patience=BRIEF)
    with pytest.raises(Internal, match="Plugin does not implement the requested driver"):
        await plugins.get("it", NETWORK_DRIVER)
    with pytest.raises(NotFound, match=r'^plugin "other" not found$'):
        await plugins.get("other", NETWORK_DRIVER)


async def test_a_survey_is_not_stopped_by_one_that_is_dead(server: PluginServer) -> None:
    folder = server.socket.parent
    (folder / "dead.spec").write_text("unix:///nowhere/dead.sock")
    plugins = Plugins(PluginFolders(sockets=folder, specs=(folder,)), patience=BRIEF)
    await plugins.survey()
    assert plugins.names(VOLUME_DRIVER) == ["it"]


@pytest.fixture
async def tls_port() -> AsyncIterator[int]:
    peer = saying(OK % (15, b'{"Word": "tls"}'))
    server = await asyncio.start_server(peer, "0.0.0.0", 0, ssl=server_context())
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_tls_with_an_authority(tls_port: int, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(CERTIFICATE)
    tls = TlsFiles(ca_file=str(tmp_path / "ca.pem"))
    address = Address(scheme="https", host="127.0.0.1", port=tls_port, tls=tls)
    client = PluginClient("it", address, patience=BRIEF)
    assert (await client.call("Say.It", {}, Word)).word == "tls"


async def test_tls_without_an_authority_verifies_nobody(tls_port: int) -> None:
    address = Address(scheme="https", host="127.0.0.1", port=tls_port)
    client = PluginClient("it", address, patience=BRIEF)
    assert (await client.call("Say.It", {}, Word)).word == "tls"


async def test_tls_of_somebody_else_is_refused(tls_port: int, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(CERTIFICATE)
    tls = TlsFiles(ca_file=str(tmp_path / "ca.pem"))
    address = Address(scheme="https", host="127.0.0.2", port=tls_port, tls=tls)
    with pytest.raises(Unavailable, match=r"dial tcp 127\.0\.0\.2:\d+: tls: "):
        await PluginClient("it", address, patience=BRIEF).call("Say.It", {}, Word)


@pytest.mark.parametrize("file", ["ca_file", "cert_file"])
async def test_tls_files_that_are_not_there_are_told(tls_port: int, file: str) -> None:
    tls = TlsFiles(**{file: "/nowhere/x.pem"})
    address = Address(scheme="https", host="127.0.0.1", port=tls_port, tls=tls)
    with pytest.raises(Unavailable, match="no such file or directory"):
        await PluginClient("it", address, patience=BRIEF).call("Say.It", {}, Word)
