"""Attaching through a WebSocket: docker-py over TCP, aiohttp over a unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import docker as docker_py
import pytest
from tests.support.engine import EngineProcess
from tests.support.ports import free_port
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@asynccontextmanager
async def attached(
    engine: EngineProcess, ref: str, query: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    connector = aiohttp.UnixConnector(str(engine.socket))
    url = f"http://docker/v1.51/containers/{ref}/attach/ws?{query}"
    async with aiohttp.ClientSession(connector=connector) as session, session.ws_connect(url) as ws:
        yield ws


async def received(socket: aiohttp.ClientWebSocketResponse) -> bytes:
    """Everything until the goodbye, each message binary."""
    data = b""
    async with asyncio.timeout(30):
        async for message in socket:
            assert message.type is aiohttp.WSMsgType.BINARY
            data += message.data
    return data


def make(engine: EngineProcess, *command: str, **fields: Any) -> str:
    body = {"Image": "busybox", "Cmd": [*command], "AttachStdout": True, **fields}
    reply = engine.request("POST", "/containers/create", body)
    assert reply.status == 201, reply.body
    return str(reply.json["Id"])


def start(engine: EngineProcess, ref: str) -> None:
    assert engine.request("POST", f"/containers/{ref}/start").status == 204


async def test_outputs_come_unframed_and_end_with_the_container(engine: EngineProcess) -> None:
    ref = make(engine, "sh", "-c", r"printf 'a\0\377'; printf b >&2; exit 3")
    async with attached(engine, ref, "stream=1&stdout=1&stderr=1") as socket:
        start(engine, ref)
        data = await received(socket)
        assert sorted(data) == sorted(b"a\0\xffb")
        assert socket.close_code == 1000
    assert engine.state(ref)["ExitCode"] == 3


async def test_one_stream_and_what_was_written_before(engine: EngineProcess) -> None:
    ref = make(engine, "sh", "-c", "echo out; echo err >&2")
    start(engine, ref)
    engine.request("POST", f"/containers/{ref}/wait")
    for query, expected in (
        ("logs=1&stderr=1", b"err\n"),
        ("logs=1&stdout=1", b"out\n"),
        ("stdout=1", b""),
    ):
        async with attached(engine, ref, query) as socket:
            assert await received(socket) == expected


async def test_goodbye_ends_the_input_of_a_container_that_opens_it_once(
    engine: EngineProcess,
) -> None:
    ref = make(engine, "sh", "-c", "wc -c", OpenStdin=True, StdinOnce=True, AttachStdin=True)
    async with attached(engine, ref, "stream=1&stdin=1&stdout=1") as socket:
        start(engine, ref)
        await socket.send_bytes(b"x" * (1 << 20))
        await socket.send_str("text")
    eventually(lambda: engine.state(ref)["Status"] == "exited", "the end of its input")
    logs = engine.request("GET", f"/containers/{ref}/logs", stdout=1)
    assert logs.body[8:].strip() == b"1048580"


async def test_detach_keys_on_a_terminal(engine: EngineProcess) -> None:
    ref = make(engine, "cat", OpenStdin=True, Tty=True)
    query = "stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,d"
    async with attached(engine, ref, query) as socket:
        start(engine, ref)
        await socket.send_bytes(b"hi\n")
        data = b""
        while len(data) < 8:
            data += await socket.receive_bytes(timeout=30)
        assert data == b"hi\r\nhi\r\n"
        await socket.send_bytes(b"\x01d")
        assert b"d" not in await received(socket)
        assert socket.close_code == 1000
    assert engine.state(ref)["Running"]
    actions = [event["Action"] for event in engine.events(container=ref)]
    assert actions[-1] == "detach"


async def test_paused_container_refuses_before_the_handshake(engine: EngineProcess) -> None:
    ref = make(engine, "sleep", "600")
    start(engine, ref)
    engine.request("POST", f"/containers/{ref}/pause")
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with attached(engine, ref, "stream=1&stdout=1"):
            pass
    assert caught.value.status == 409


async def test_a_client_that_does_not_read_holds_nobody_up(engine: EngineProcess) -> None:
    script = (
        "i=0; while [ $i -lt 60000 ]; do echo line $i of many that are written; i=$((i+1)); done"
    )
    ref = make(engine, "sh", "-c", script)
    query = "stream=1&stdout=1"
    async with attached(engine, ref, query), attached(engine, ref, query) as reader:
        start(engine, ref)
        data = await received(reader)
    assert data.count(b"\n") == 60000
    assert engine.state(ref)["Status"] == "exited"


def test_docker_py(make_engine: Callable[..., EngineProcess]) -> None:
    port = free_port()
    engine = make_engine("-H", f"tcp://127.0.0.1:{port}")
    client = docker_py.DockerClient(f"tcp://127.0.0.1:{port}", timeout=30)
    client.images.pull("busybox", tag="latest")
    container = client.containers.create("busybox", "cat", stdin_open=True, tty=False)
    params = {"stdin": 1, "stdout": 1, "stream": 1}
    socket = container.attach_socket(params=params, ws=True)
    container.start()
    socket.send_binary(b"hello\n")
    assert socket.recv() == b"hello\n"
    socket.ping("there?")
    socket.send("text\n")
    assert socket.recv() == b"text\n"
    socket.close()
    container.remove(force=True)  # cat may have ended: its standard input is closed
    client.close()
    assert engine.is_running
