"""The operations as a client sees them, over an engine in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from api_engine import ID, IMAGE_ID, NETWORK_ID, FakeEngine, an_image
from api_wire import RawClient, serve

from budu.api.routes import build_router
from budu.base.errors import Hint, NotFound
from budu.distribution.progress import PullEvent, PullSummary
from budu.engine.containers.model import Status
from budu.engine.contract import AttachOptions, LogOptions, WaitResult
from budu.spec.platform import Platform

JSON = "Content-Type: application/json"


@asynccontextmanager
async def talk(engine: FakeEngine) -> AsyncIterator[RawClient]:
    async with serve(build_router(engine)) as site:
        yield await site.connect()


async def post(client: RawClient, path: str, body: object = None, *, method: str = "POST") -> Any:
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\n{JSON}\r\nContent-Length: {len(data)}\r\n\r\n"
    return await client.ask(head.encode() + data)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_ping_tells_what_this_is(method: str) -> None:
    async with talk(FakeEngine()) as client:
        answer = await client.ask(f"{method} /_ping HTTP/1.1\r\n\r\n".encode())
        assert (answer.status, answer.headers["api-version"]) == (200, "1.51")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["swarm"] == "inactive"
        assert answer.body == (b"OK" if method == "GET" else b"")


async def test_version_and_info() -> None:
    async with talk(FakeEngine()) as client:
        assert (await client.get("/version")).json["MinAPIVersion"] == "1.40"
        assert (await client.get("/v1.40/info")).json["Containers"] == 1


async def test_login_is_answered_with_a_status_or_401() -> None:
    async with talk(FakeEngine()) as client:
        good = await post(client, "/auth", {"username": "me", "password": "right"})
        assert good.json == {"IdentityToken": "", "Status": "Login Succeeded"}
        bad = await post(client, "/auth", {"username": "me", "password": "wrong"})
        assert (bad.status, bad.message) == (
            401,
            "unauthorized: incorrect username or password",
        )


async def test_events_come_line_by_line_as_they_happen() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        filters = "%7B%22type%22%3A%5B%22container%22%5D%7D"
        await client.send(f"GET /events?since=12.5&filters={filters} HTTP/1.1\r\n\r\n".encode())
        assert (await client.head())[0] == 200
        assert engine.events.asked == (12_500_000_000, None, ("container",))
        chunks = client.chunks()
        for action in ("start", "die"):
            engine.events.happen(action)
            line = await anext(chunks)
            assert line.endswith(b"\n")
            assert json.loads(line)["Action"] == action
        await client.close()
        await engine.events.closed.wait()


async def test_wrong_event_filter_is_a_status_and_not_a_stream() -> None:
    async with talk(FakeEngine()) as client:
        answer = await client.get("/events?filters=%7B%22nope%22%3A%5B%221%22%5D%7D")
        assert (answer.status, answer.message) == (400, "invalid filter 'nope'")


async def test_shutdown_is_answered() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        assert (await post(client, "/budu/shutdown")).status == 204
        assert engine.system.ends


async def test_a_log_is_cleared_and_an_unknown_one_is_said() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        assert (
            await client.ask(b"DELETE /containers/web/logs HTTP/1.1\r\nHost: x\r\n\r\n")
        ).status == 204
        assert engine.logs.cleared == ["web"]
        answer = await client.ask(b"DELETE /containers/nope/logs HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (answer.status, answer.message) == (404, "No such container: nope")


async def test_container_list_has_dockers_fields() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        [row] = (await client.get("/containers/json?all=1&limit=3")).json
        assert engine.containers.calls == [("list", True, 3, ())]
        assert (row["Id"], row["Names"], row["Image"]) == (ID, ["/web"], "httpd:2.4")
        assert (row["Command"], row["Created"]) == ("httpd -D 'FOREGROUND x'", 1_700_000_000)
        assert (row["State"], row["Status"][:3]) == ("running", "Up ")
        assert row["Ports"] == [
            {
                "IP": "0.0.0.0",
                "PrivatePort": 80,
                "PublicPort": 8080,
                "Type": "tcp",
                "Reach": "world",
            },
            {"PrivatePort": 443, "Type": "tcp"},
        ]
        assert row["HostConfig"] == {"NetworkMode": "bridge"}
        network = row["NetworkSettings"]["Networks"]["bridge"]
        assert (network["NetworkID"], network["IPAddress"]) == (NETWORK_ID, "172.17.0.2")
        assert "SizeRw" not in row
        [sized] = (await client.get("/containers/json?size=true")).json
        assert (sized["SizeRw"], sized["SizeRootFs"]) == (10, 1244)


async def test_container_list_shows_the_image_id_once_its_name_means_another() -> None:
    engine = FakeEngine()
    engine.images.all["httpd:2.4"] = an_image(id="sha256:" + "9" * 64)
    async with talk(engine) as client:
        [row] = (await client.get("/containers/json")).json
        assert row["Image"] == IMAGE_ID
        engine.images.all.clear()
        [row] = (await client.get("/containers/json")).json
        assert row["Image"] == IMAGE_ID


async def test_container_is_created_with_name_and_platform() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        body = {"Image": "httpd", "Cmd": "true", "HostConfig": {"Binds": None, "Memory": 5}}
        answer = await post(client, "/containers/create?name=web&platform=linux/amd64", body)
        assert (answer.status, answer.json) == (201, {"Id": ID, "Warnings": ["careful"]})
    [(_, given, name, platform)] = engine.containers.calls
    assert (given.image, given.cmd, given.host_config.memory) == ("httpd", ["true"], 5)
    assert (name, platform) == ("web", Platform(os="linux", architecture="amd64"))


async def test_container_create_needs_a_body() -> None:
    async with talk(FakeEngine()) as client:
        answer = await post(client, "/containers/create")
        assert answer.message == "invalid JSON: got EOF while reading request body"


async def test_container_inspection_has_dockers_fields() -> None:
    async with talk(FakeEngine()) as client:
        seen = (await client.get("/containers/web/json")).json
        assert (seen["Name"], seen["Path"], seen["Image"]) == ("/web", "httpd", IMAGE_ID)
        assert seen["State"]["Running"] is True
        assert seen["State"]["StartedAt"] == "2023-11-14T22:13:21Z"
        assert seen["State"]["FinishedAt"] == "0001-01-01T00:00:00Z"
        assert seen["NetworkSettings"]["IPAddress"] == "172.17.0.2"
        assert seen["NetworkSettings"]["Ports"] == {
            "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}],
            "443/tcp": None,
        }
        assert seen["Mounts"][0]["RW"] is False
        assert seen["LogPath"].endswith("container.log")
        assert "SizeRw" not in seen
        assert (await client.get("/containers/web/json?size=1")).json["SizeRootFs"] == 1244


async def test_missing_container_is_404_with_dockers_sentence() -> None:
    async with talk(FakeEngine()) as client:
        answer = await client.get("/containers/nope/json")
        assert (answer.status, answer.message) == (404, "No such container: nope")


@pytest.mark.parametrize(
    ("request_line", "status", "call"),
    [
        ("POST /containers/web/start", 304, None),
        ("POST /containers/web/stop?t=3&signal=INT", 204, ("stop", "web", 3, "INT")),
        ("POST /containers/web/stop", 204, ("stop", "web", None, None)),
        ("POST /containers/web/stop?t=-1", 204, ("stop", "web", -1, None)),
        ("POST /containers/web/stop?t=soon", 400, None),
        ("POST /containers/web/restart?t=0", 204, ("restart", "web", 0, None)),
        ("POST /containers/web/kill?signal=HUP", 204, ("kill", "web", "HUP")),
        ("POST /containers/web/pause", 204, ("pause", "web")),
        ("POST /containers/web/unpause", 204, ("unpause", "web")),
        ("POST /containers/web/rename?name=b", 204, ("rename", "web", "b")),
        ("POST /containers/web/resize?h=24&w=80", 200, ("resize", "web", 24, 80)),
        ("POST /containers/web/resize?h=24", 400, None),
        ("POST /containers/web/resize?h=24&w=99999", 400, None),
        ("DELETE /containers/web", 409, None),
        ("DELETE /containers/web?force=1&v=1", 204, ("remove", "web", True, False)),
    ],
)
async def test_container_is_acted_on(
    request_line: str, status: int, call: tuple[object, ...] | None
) -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        answer = await client.ask(f"{request_line} HTTP/1.1\r\n\r\n".encode())
        assert answer.status == status
    assert engine.containers.calls == ([call] if call else [])


async def test_stopped_containers_are_pruned() -> None:
    async with talk(FakeEngine()) as client:
        answer = await post(client, "/containers/prune")
        assert answer.json == {"ContainersDeleted": [ID], "SpaceReclaimed": 10}


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


async def test_image_list_has_dockers_fields() -> None:
    engine = FakeEngine()
    engine.images.all["none"] = an_image(repo_tags=(), repo_digests=())
    async with talk(engine) as client:
        named, dangling = (await client.get("/v1.51/images/json")).json
        assert (named["Id"], named["RepoTags"], named["Size"]) == (IMAGE_ID, ["httpd:2.4"], 1234)
        assert (named["Created"], named["Containers"]) == (1_700_000_000, 1)
        assert named["Labels"] == {"maintainer": "us"}
        assert (dangling["RepoTags"], dangling["RepoDigests"]) == ([], [])
        assert "VirtualSize" not in named


async def test_image_list_of_old_versions() -> None:
    engine = FakeEngine()
    engine.images.all = {"none": an_image(repo_tags=(), repo_digests=())}
    async with talk(engine) as client:
        [row] = (await client.get("/v1.42/images/json")).json
        assert (row["RepoTags"], row["RepoDigests"]) == (["<none>:<none>"], ["<none>@<none>"])
        assert (row["VirtualSize"], row["Containers"]) == (1234, -1)
        [row] = (await client.get("/v1.43/images/json")).json
        assert (row["RepoTags"], row["VirtualSize"]) == ([], 1234)


async def test_image_inspection_has_dockers_fields() -> None:
    async with talk(FakeEngine()) as client:
        new = (await client.get("/v1.51/images/httpd:2.4/json")).json
        assert (new["Id"], new["Os"], new["Comment"]) == (IMAGE_ID, "linux", "base")
        assert new["RootFS"] == {"Type": "layers", "Layers": ["sha256:" + "3" * 64]}
        assert new["Config"] == {"Cmd": ["httpd"], "Labels": {"maintainer": "us"}}
        old = (await client.get("/v1.43/images/httpd:2.4/json")).json
        assert (old["VirtualSize"], old["Config"]["Hostname"]) == (1234, "")
        assert old["Config"]["Cmd"] == ["httpd"]


async def test_image_name_with_slashes_is_found() -> None:
    engine = FakeEngine()
    engine.images.all["r.io:5/a/b:1"] = an_image()
    async with talk(engine) as client:
        assert (await client.get("/images/r.io:5/a/b:1/json")).status == 200
        assert (await client.get("/images/r.io:5%2Fa%2Fb:1/json")).status == 200
        missing = await client.get("/images/r.io:5/a/c/json")
        assert (missing.status, missing.message) == (404, "No such image: r.io:5/a/c")


async def test_image_history_tag_and_removal() -> None:
    engine = FakeEngine()
    async with talk(engine) as client:
        [step] = (await client.get("/images/httpd:2.4/history")).json
        assert (step["Id"], step["CreatedBy"], step["Size"]) == (IMAGE_ID, "ADD", 1234)
        assert (await post(client, "/images/httpd:2.4/tag?repo=a/b&tag=1")).status == 201
        assert engine.images.tagged == (IMAGE_ID, "a/b", "1")
        gone = await client.ask(b"DELETE /images/httpd:2.4 HTTP/1.1\r\n\r\n")
        assert gone.json == [{"Untagged": "httpd:2.4"}, {"Deleted": IMAGE_ID}]
        pruned = await post(client, "/images/prune")
        assert pruned.json == {"ImagesDeleted": None, "SpaceReclaimed": 0}


LAYER = "a" * 12


async def test_pull_is_told_line_by_line() -> None:
    async def script(progress: Any) -> None:
        progress(PullEvent(id="2.4", status="Pulling from library/httpd"))
        progress(PullEvent(id=LAYER, status="Pulling fs layer"))
        await asyncio.sleep(0)
        progress(PullEvent(id=LAYER, status="Downloading", current=50, total=100))
        progress(PullSummary(current=50, resumed=0, total=100, layers=1, present=0))
        progress(PullEvent(status="Status: Downloaded newer image for httpd:2.4"))

    engine = FakeEngine()
    engine.images.pull_script = script
    async with talk(engine) as client:
        await client.send(
            b"POST /images/create?fromImage=httpd&tag=2.4&platform=linux/arm64 HTTP/1.1\r\n"
            b"X-Registry-Auth: e30=\r\n\r\n"
        )
        answer = await client.answer()
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.body.endswith(b"\r\n")
        lines = [json.loads(line) for line in answer.body.splitlines()]
    platform = Platform(os="linux", architecture="arm64")
    assert engine.images.pulled == ("httpd:2.4", platform, "e30=")
    assert lines[0] == {"status": "Pulling from library/httpd", "id": "2.4"}
    assert lines[1] == {"status": "Pulling fs layer", "progressDetail": {}, "id": LAYER}
    assert lines[2]["progressDetail"] == {"current": 50, "total": 100}
    assert lines[2]["progress"] == "[" + "=" * 25 + ">" + " " * 25 + "]      50B/100B"
    assert lines[3] == {
        "aux": {"current": 50, "resumed": 0, "total": 100, "layers": 1, "present": 0}
    }
    assert lines[4] == {"status": "Status: Downloaded newer image for httpd:2.4"}


async def test_pull_that_fails_at_once_has_the_real_status() -> None:
    async def script(_: Any) -> None:
        raise NotFound("manifest for nope:latest not found: manifest unknown")

    engine = FakeEngine()
    engine.images.pull_script = script
    async with talk(engine) as client:
        answer = await post(client, "/images/create?fromImage=nope&tag=latest")
        assert (answer.status, answer.message) == (
            404,
            "manifest for nope:latest not found: manifest unknown",
        )


async def test_pull_that_fails_later_says_so_in_its_last_line() -> None:
    async def script(progress: Any) -> None:
        progress(PullEvent(id="2.4", status="Pulling from library/httpd"))
        await asyncio.sleep(0.01)
        raise NotFound("blob unknown", hint=Hint("logs.known-drivers", drivers="x"))

    engine = FakeEngine()
    engine.images.pull_script = script
    async with talk(engine) as client:
        answer = await post(client, "/images/create?fromImage=httpd&tag=sha256:" + "1" * 64)
        assert answer.status == 200
        last = json.loads(answer.body.splitlines()[-1])
        assert (last["error"], last["errorDetail"]["message"]) == ("blob unknown", "blob unknown")
        assert last["errorDetail"]["kind"] == "not-found"
        assert last["errorDetail"]["hint"].startswith("Log drivers here: x")
        assert (await client.get("/_ping")).status == 200
    assert engine.images.pulled[0] == "httpd@sha256:" + "1" * 64


@pytest.mark.parametrize("after_first_line", [True, False])
async def test_pull_ends_when_the_client_leaves(after_first_line: bool) -> None:
    started = asyncio.Event()

    async def script(progress: Any) -> None:
        if after_first_line:
            progress(PullEvent(id="2.4", status="Pulling from library/httpd"))
        started.set()
        await asyncio.Future[None]()

    engine = FakeEngine()
    engine.images.pull_script = script
    async with talk(engine) as client:
        await client.send(b"POST /images/create?fromImage=httpd&tag=2 HTTP/1.1\r\n\r\n")
        await started.wait()
        await client.close()
        await engine.images.pull_cancelled.wait()


async def test_an_image_to_pull_must_be_named() -> None:
    async with talk(FakeEngine()) as client:
        assert (await post(client, "/images/create?tag=1")).status == 400


@pytest.mark.parametrize("path", ["/networks", "/networks/"])
async def test_networks_are_listed(path: str) -> None:
    async with talk(FakeEngine()) as client:
        [network] = (await client.get(path)).json
        assert (network["Name"], network["Id"]) == ("bridge", NETWORK_ID)
        assert (await client.get("/networks/bridge")).json["Driver"] == "bridge"
        assert (await client.get("/networks/nope")).message == "network nope not found"


async def test_volume_lives_and_goes() -> None:
    async with talk(FakeEngine()) as client:
        made = await post(client, "/volumes/create", {"Name": "data", "Labels": {"a": "b"}})
        assert (made.status, made.json["Driver"], made.json["Labels"]) == (
            201,
            "local",
            {"a": "b"},
        )
        anonymous = await post(client, "/volumes/create")
        assert len(anonymous.json["Name"]) == 64
        assert len((await client.get("/volumes")).json["Volumes"]) == 2
        assert (await client.get("/volumes/data")).json["Name"] == "data"
        assert (await client.ask(b"DELETE /volumes/data HTTP/1.1\r\n\r\n")).status == 204
        assert (await client.get("/volumes/data")).status == 404


@pytest.mark.parametrize("status", list(Status))
async def test_every_status_can_be_shown(status: Status) -> None:
    engine = FakeEngine()
    web = engine.containers.all["web"]
    engine.containers.all["web"] = msgspec.structs.replace(web, status=status)
    async with talk(engine) as client:
        [row] = (await client.get("/containers/json?all=1")).json
        state = (await client.get("/containers/web/json")).json["State"]
        assert row["State"] == state["Status"] == status
        assert row["Status"]
