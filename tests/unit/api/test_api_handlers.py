"""The operations as a client sees them, over an engine in memory."""

from __future__ import annotations

import json

import msgspec
import pytest
from api_engine import ID, IMAGE_ID, NETWORK_ID, FakeEngine, an_image
from api_talk import post, talk

from budu.engine.containers.model import Status
from budu.spec.platform import Platform


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_ping_tells_what_this_is(method: str) -> None:
    async with talk(FakeEngine()) as client:
        answer = await client.ask(f"{method} /_ping HTTP/1.1\r\n\r\n".encode())
        assert (answer.status, answer.headers["api-version"]) == (200, "1.51")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["swarm"] == "inactive"
        assert answer.headers["builder-version"] == "1"
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
