"""Waits, logs and attached clients over the API: what is sent when."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from api_engine import FakeEngine
from api_talk import post, talk
from api_wire import RawClient

from budu.engine.contract import AttachOptions, LogOptions, WaitResult


async def test_wait_is_armed_before_the_head_and_answers_at_the_end() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        await client.send(b"POST /containers/web/wait?condition=removed HTTP/1.1\r\n\r\n")
        status, headers = await client.head()
        assert (status, headers["content-type"]) == (200, "application/json")
        assert engine.containers.calls == [("wait", "removed")]
        engine.containers.ended.set_result(WaitResult(exit_code=3))
        assert [json.loads(chunk) async for chunk in client.chunks()] == [{"StatusCode": 3}]


async def test_wait_for_a_missing_container_is_404() -> None:
    async with talk(FakeEngine()) as client:
        assert (await post(client, "/containers/nope/wait")).status == 404


@pytest.mark.parametrize(
    ("version", "tty", "kind"),
    [
        ("1.51", False, "multiplexed-stream"),
        ("1.41", False, "raw-stream"),
        ("1.51", True, "raw-stream"),
    ],
)
async def test_logs_tell_their_framing(version: str, tty: bool, kind: str) -> None:
    engine = FakeEngine()
    web = engine.containers.all["web"]
    config = msgspec.structs.replace(web.config, tty=tty)
    engine.containers.all["web"] = msgspec.structs.replace(web, config=config)
    async with talk(engine) as client:
        answer = await client.get(
            f"/v{version}/containers/web/logs?stdout=1&tail=5&since=1.000000001&follow=1"
        )
        assert answer.headers["content-type"] == f"application/vnd.docker.{kind}"
        assert answer.body == b"one\ntwo\n"
    options = LogOptions(stdout=True, follow=True, tail=5, since_ns=1_000_000_001)
    assert engine.containers.calls == [("logs", options)]


async def test_logs_need_a_stream_to_be_chosen() -> None:
    async with talk(FakeEngine()) as client:
        answer = await client.get("/containers/web/logs")
        assert (answer.status, answer.message) == (
            400,
            "Bad parameters: you must choose at least one stream",
        )


async def test_followed_log_is_closed_when_the_client_leaves() -> None:
    engine = FakeEngine()
    engine.containers.log_ends = False
    async with talk(engine) as client:
        await client.send(b"GET /containers/web/logs?stdout=1&follow=1 HTTP/1.1\r\n\r\n")
        await client.head()
        await client.close()
        await engine.containers.log_closed.wait()


ATTACH = "POST /containers/web/attach?{} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


async def attach(client: RawClient, query: str, early: bytes = b"") -> dict[str, str]:
    await client.send(ATTACH.format(query).encode() + early)
    status, headers = await client.head()
    assert status == 101
    return headers


async def test_attach_passes_bytes_both_ways_until_the_input_ends() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        headers = await attach(client, "stream=1&stdin=1&stdout=1", b"early")
        assert headers["content-type"] == "application/vnd.docker.multiplexed-stream"
        assert await client.reader.readexactly(11) == b"hello EARLY"
        client.half_close()
        assert await client.rest() == b"[end]"
        await engine.containers.attachment.closed.wait()
    options = AttachOptions(stdin=True, stdout=True, stream=True)
    assert engine.containers.calls == [("attach", options)]


async def test_attach_ends_with_the_detach_keys() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        await attach(client, "stream=1&stdin=1&stdout=1&detachKeys=ctrl-x")
        await client.reader.readexactly(6)
        await client.send(b"bye")
        assert await client.rest() == b""
        await engine.containers.attachment.closed.wait()


async def test_attach_without_stdin_does_not_pass_input_on() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        await attach(client, "stream=1&stdout=1", b"ignored")
        client.half_close()
        assert await client.reader.readexactly(6) == b"hello "
        await client.close()
        await engine.containers.attachment.closed.wait()
        assert engine.containers.attachment._queue.empty()


async def test_what_a_client_sent_before_it_left_is_passed_on() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        await attach(client, "stream=1&stdin=1&stdout=1")
        attachment = engine.containers.attachment
        attachment.gate.clear()
        await client.send(b"last")
        await attachment.writing.wait()
        await client.send(b" words")
        await client.close()
        while not any(task.cancelling() for task in asyncio.all_tasks()):
            await asyncio.sleep(0)
        attachment.gate.set()
        await attachment.closed.wait()
    assert attachment.received == b"last words"
    assert attachment.input_ended


async def test_attach_to_a_missing_container_is_404_and_no_hijack() -> None:
    async with talk(FakeEngine()) as client:
        request = ATTACH.format("stream=1").replace("/web/", "/nope/")
        answer = await client.ask(request.encode())
        assert (answer.status, answer.message) == (404, "No such container: nope")
