"""Images over the API: lists, inspection, and pulls told line by line."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from api_engine import IMAGE_ID, FakeEngine, an_image
from api_talk import post, talk

from budu.base.errors import Hint, NotFound
from budu.distribution.progress import PullEvent, PullSummary
from budu.spec.platform import Platform


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
