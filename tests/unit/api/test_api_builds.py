"""Builds over HTTP: what a request means, and what its client is told."""

from __future__ import annotations

import asyncio
import base64
import errno
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from api_builds import IMAGE, FakeBuilds
from api_wire import Answer, RawClient, Site, serve

from budu.api.handlers.builds import BuildHandlers
from budu.api.routing import Router
from budu.base.errors import Hint, InvalidArgument, NotFound
from budu.distribution.progress import PullEvent
from budu.engine.contract.builds import (
    BuildOptions,
    BuildResult,
    BuildSink,
    BuildText,
    CachePruneOptions,
    PrunedCache,
    StepFailed,
)
from budu.spec.api.auth import AuthConfig
from budu.spec.api.host_config import Ulimit
from budu.spec.platform import Platform


@asynccontextmanager
async def site_of(builds: FakeBuilds) -> AsyncIterator[Site]:
    async with serve(Router(BuildHandlers(builds).routes())) as site:
        yield site


def head_of(query: str, *headers: str, length: int = 0, path: str = "/build") -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"POST {path}?{query} HTTP/1.1\r\n{lines}Content-Length: {length}\r\n\r\n".encode()


async def build(
    builds: FakeBuilds, query: str = "", *headers: str, body: bytes = b"tar", version: str = ""
) -> Answer:
    async with site_of(builds) as site:
        client = await site.connect()
        path = f"/v{version}/build" if version else "/build"
        head = head_of(query, *headers, length=len(body), path=path)
        return await client.ask(head + body)


def lines_of(answer: Answer) -> list[Any]:
    assert answer.body.endswith(b"\r\n")
    return [json.loads(line) for line in answer.body.split(b"\r\n")[:-1]]


async def two_steps(tell: BuildSink) -> None:
    await tell(BuildText(text="Step 1/2 : FROM busybox\n"))
    await tell(PullEvent(id="latest", status="Pulling from library/busybox"))
    await tell(PullEvent(id="5cc84ad355aa", status="Downloading", current=1, total=2))
    await tell(BuildResult(image_id=IMAGE))


# What is asked for


async def options_of(query: dict[str, Any], *headers: str) -> BuildOptions:
    builds = FakeBuilds()
    answer = await build(builds, urlencode(query, doseq=True), *headers)
    assert (answer.status, answer.body) == (200, b"")
    assert builds.options is not None
    return builds.options


async def test_a_request_without_parameters_is_a_build_of_the_body() -> None:
    builds = FakeBuilds()
    await build(builds, body=b"context")
    assert builds.options == BuildOptions()
    assert builds.context == b"context"


async def test_every_parameter_has_its_option() -> None:
    asked = {
        "dockerfile": "d",
        "t": ["web", "localhost:5000/web:2", "web:latest", ""],
        "buildargs": '{"A":"1","B":null}',
        "labels": '{"a":"b","c":null}',
        "target": "run",
        "platform": "linux/arm64/v8",
        "nocache": "1",
        "cachefrom": '["a","b"]',
        "pull": "1",
        "networkmode": "none",
        "extrahosts": ["a:1.2.3.4", "b:host-gateway"],
        "shmsize": "1",
        "memory": "2",
        "memswap": "-1",
        "cpushares": "3",
        "cpuperiod": "4",
        "cpuquota": "5",
        "cpusetcpus": "0-1",
        "cpusetmems": "0",
        "cgroupparent": "p",
        "ulimits": '[{"Name":"nofile","Soft":1,"Hard":2}]',
        "securityopt": ["seccomp=unconfined"],
        "version": "1",
        "isolation": "Default",
        "outputs": "[]",
        "session": "ignored",
    }
    assert await options_of(asked) == BuildOptions(
        dockerfile="d",
        names=("web:latest", "localhost:5000/web:2"),
        arguments={"A": "1", "B": None},
        labels={"a": "b", "c": ""},
        target="run",
        platform=Platform(os="linux", architecture="arm64"),
        uses_cache=False,
        cache_from=("a", "b"),
        pulls=True,
        network_mode="none",
        extra_hosts=("a:1.2.3.4", "b:host-gateway"),
        shm_size=1,
        memory=2,
        memory_swap=-1,
        cpu_shares=3,
        cpu_period=4,
        cpu_quota=5,
        cpuset_cpus="0-1",
        cpuset_mems="0",
        cgroup_parent="p",
        ulimits=(Ulimit(name="nofile", soft=1, hard=2),),
        security_opt=("seccomp=unconfined",),
    )


@pytest.mark.parametrize(
    ("query", "removes", "always"),
    [
        ({}, True, False),
        ({"rm": ""}, True, False),
        ({"rm": "1"}, True, False),
        ({"rm": "False"}, False, False),
        ({"rm": "0", "forcerm": "1"}, True, True),
    ],
)
async def test_containers_of_steps_go_unless_told(
    query: dict[str, str], removes: bool, always: bool
) -> None:
    options = await options_of(query)
    assert (options.removes, options.always_removes) == (removes, always)


async def test_documents_may_be_null() -> None:
    query = dict.fromkeys(("buildargs", "labels", "cachefrom", "ulimits", "outputs"), "null")
    assert await options_of(query) == BuildOptions()


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("buildargs=%7B", 400, "error reading build args: "),
        ("buildargs=%7B%22A%22:1%7D", 400, "error reading build args: "),
        ("labels=[]", 400, "error reading labels: "),
        ("cachefrom=x", 400, "error reading cache-from: "),
        ("ulimits=%7B%7D", 400, "error reading ulimit settings: "),
        ("outputs=x", 400, "invalid outputs specified: "),
        ("version=3", 400, 'invalid version "3"'),
        ("squash=True", 400, "squash is only supported with experimental mode"),
        ("isolation=hyperv", 400, 'unsupported isolation: "hyperv"'),
        ("t=UPPER", 400, "invalid reference format"),
        ("t=a@sha256:" + "0" * 64, 400, "build tag cannot contain a digest"),
        ("shmsize=x", 400, 'invalid shmsize: strconv.Atoi: parsing "x": invalid syntax'),
        ("memory=1g", 400, 'invalid memory: strconv.Atoi: parsing "1g": invalid syntax'),
        ("platform=x%2F*", 400, '"x/*": wildcards not yet supported'),
        ("platform=windows%2Famd64", 400, "operating system is not supported"),
        ("remote=client-session", 400, "experimental session with v1 builder is no longer"),
        ("version=2", 501, "BuildKit's protocol (version=2) is not served by this engine"),
        ("outputs=[%7B%22Type%22:%22tar%22%7D]", 501, "outputs need BuildKit's protocol"),
    ],
)
async def test_nonsense_is_refused_before_anything_is_built(
    query: str, status: int, sentence: str
) -> None:
    builds = FakeBuilds()
    answer = await build(builds, query)
    assert answer.status == status
    assert sentence in answer.message
    assert builds.options is None


async def test_who_asks_for_buildkit_is_told_what_works() -> None:
    answer = await build(FakeBuilds(), "version=2", "Accept-Language: ko")
    assert "DOCKER_BUILDKIT=0 docker build" in answer.json["hint"]


def registry_config(document: object) -> str:
    data = base64.urlsafe_b64encode(json.dumps(document).encode())
    return f"X-Registry-Config: {data.decode()}"


async def test_credentials_go_by_registry_host() -> None:
    header = registry_config(
        {
            "https://index.docker.io/v1/": {"username": "us", "password": "hub"},
            "localhost:5000": {"Username": "us", "Password": "own"},
            "http://localhost:5000/v2/": {"username": "us", "password": "other"},
            "example.com": {"IdentityToken": "token", "unknown": 1},
            "broken": {"username": 1},
        }
    )
    assert (await options_of({}, header)).credentials == {
        "docker.io": AuthConfig(username="us", password="hub"),
        "localhost:5000": AuthConfig(username="us", password="own"),
        "example.com": AuthConfig(identitytoken="token"),
    }


@pytest.mark.parametrize("value", ["", "!", "bnVsbA==", "W10=", base64.b64encode(b"{").decode()])
async def test_a_header_that_holds_no_credentials_is_none(value: str) -> None:
    assert (await options_of({}, f"X-Registry-Config: {value}")).credentials == {}


# What is told


async def test_the_steps_are_told_as_they_come() -> None:
    builds = FakeBuilds()
    builds.script = two_steps
    answer = await build(builds)
    assert answer.headers["content-type"] == "application/json"
    lines = lines_of(answer)
    assert lines[0] == {"stream": "Step 1/2 : FROM busybox\n"}
    assert lines[1] == {"status": "Pulling from library/busybox", "id": "latest"}
    assert lines[2]["progressDetail"] == {"current": 1, "total": 2}
    assert lines[3:] == [{"aux": {"ID": IMAGE}}]


async def test_a_quiet_build_tells_only_the_id() -> None:
    builds = FakeBuilds()
    builds.script = two_steps
    assert lines_of(await build(builds, "q=1")) == [{"stream": f"{IMAGE}\n"}]


def failing(error: Exception, *events: BuildText | PullEvent) -> Any:
    async def script(tell: BuildSink) -> None:
        for event in events:
            await tell(event)
        raise error

    return script


NON_ZERO = "The command '/bin/sh -c exit 3' returned a non-zero code: 3"


async def test_a_command_that_fails_is_the_last_line_with_its_code() -> None:
    builds = FakeBuilds()
    builds.script = failing(StepFailed(NON_ZERO, code=3), BuildText(text="Step 1/1 : RUN exit 3\n"))
    answer = await build(builds)
    assert answer.status == 200
    assert lines_of(answer)[-1] == {
        "errorDetail": {"code": 3, "message": NON_ZERO, "kind": "internal"},
        "error": NON_ZERO,
    }


async def test_a_quiet_build_that_fails_tells_everything() -> None:
    builds = FakeBuilds()
    bar = PullEvent(id="5cc84ad355aa", status="Downloading", current=1, total=2)
    ended = PullEvent(id="5cc84ad355aa", status="Pull complete")
    builds.script = failing(StepFailed(NON_ZERO, code=3), BuildText(text="Step"), bar, ended)
    answer = await build(builds, "q=1")
    told = lines_of(answer)
    assert answer.status == 200
    assert told[0] == {"stream": "Step"}
    assert told[1]["status"] == "Pull complete"
    assert told[2]["errorDetail"]["code"] == 3


@pytest.mark.parametrize("query", ["", "q=1"])
async def test_a_failure_before_the_first_line_is_a_status(query: str) -> None:
    builds = FakeBuilds()
    hint = Hint("api.buildkit")
    builds.script = failing(InvalidArgument("dockerfile parse error line 1: x", hint=hint))
    answer = await build(builds, query)
    assert (answer.status, answer.message) == (400, "dockerfile parse error line 1: x")
    builds.script = failing(NotFound("x"))
    assert (await build(builds, query)).status == 404


async def test_a_late_failure_of_the_machine_is_told_too(tmp_path: os.PathLike[str]) -> None:
    builds = FakeBuilds()
    text = BuildText(text="Step")
    builds.script = failing(OSError(errno.ENOSPC, "No space left", "/x"), text)
    assert lines_of(await build(builds))[-1]["error"] == "write /x: no space left on device"
    builds.script = failing(RuntimeError("secret"), text)
    last = lines_of(await build(builds))[-1]["error"]
    assert last == "unexpected error in the engine: RuntimeError"


async def test_a_hint_goes_with_a_late_failure() -> None:
    builds = FakeBuilds()
    error = NotFound("No such image: x", hint=Hint("api.buildkit"))
    builds.script = failing(error, BuildText(text="Step"))
    detail = lines_of(await build(builds, "", "Accept-Language: en"))[-1]["errorDetail"]
    assert (detail["kind"], "code" in detail) == ("not-found", False)
    assert detail["hint"].startswith("The engine builds by itself")


# How a build ends


async def follow(tell: BuildSink) -> None:
    await tell(BuildText(text="Step"))
    await asyncio.Future[None]()


async def forever(tell: BuildSink) -> None:
    await asyncio.Future[None]()


@pytest.mark.parametrize("script", [follow, forever])
async def test_a_client_that_leaves_ends_the_build(script: Any) -> None:
    builds = FakeBuilds()
    builds.script = script
    async with site_of(builds) as site:
        client = await site.connect()
        await client.send(head_of(""))
        await builds.begun.wait()
        await client.close()
        await builds.cancelled.wait()


async def test_half_a_context_builds_nothing() -> None:
    builds = FakeBuilds()
    async with site_of(builds) as site:
        client = await site.connect()
        await client.send(head_of("", length=100) + b"half")
        client.half_close()
        assert await client.rest() == b""
    assert not builds.begun.is_set()


async def test_a_slow_client_slows_the_build() -> None:
    builds = FakeBuilds()
    told = 0

    async def talk(tell: BuildSink) -> None:
        nonlocal told
        while True:
            await tell(BuildText(text="x" * 60_000))
            told += 1

    builds.script = talk
    async with site_of(builds) as site:
        client = await site.connect()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport
        await client.send(head_of(""))
        await builds.begun.wait()
        before = -1
        while told != before:
            before = told
            for _ in range(200):
                await asyncio.sleep(0)
        assert 0 < told < 1000
        await client.close()
        await builds.cancelled.wait()


async def test_a_context_that_nobody_wants_is_passed_over() -> None:
    builds = FakeBuilds()
    builds.script = two_steps
    answer = await build(builds, "remote=http://x/y.tar", body=b"x" * 1_000_000)
    assert answer.status == 200
    assert builds.options is not None
    assert (builds.options.remote, builds.context) == ("http://x/y.tar", b"")


async def cancel(client: RawClient, build_id: str) -> Answer:
    return await client.ask(head_of(f"id={build_id}", path="/build/cancel"))


async def test_a_build_is_cancelled_by_its_id() -> None:
    builds = FakeBuilds()
    builds.script = follow
    async with site_of(builds) as site:
        client, other = await site.connect(), await site.connect()
        await client.send(head_of("buildid=mine"))
        await builds.begun.wait()
        assert (await cancel(other, "another")).status == 200
        assert not builds.cancelled.is_set()
        assert (await cancel(other, "mine")).status == 200
        assert lines_of(await client.answer())[-1]["error"] == "Build cancelled"
        assert builds.cancelled.is_set()


async def test_a_cancel_needs_an_id() -> None:
    async with site_of(FakeBuilds()) as site:
        answer = await cancel(await site.connect(), "")
    assert (answer.status, answer.message) == (400, "build ID not provided")


# The cache


async def prune(builds: FakeBuilds, query: str, version: str = "1.51") -> Answer:
    async with site_of(builds) as site:
        client = await site.connect()
        return await client.ask(head_of(query, path=f"/v{version}/build/prune"))


async def test_a_prune_says_what_went() -> None:
    builds = FakeBuilds()
    assert (await prune(builds, "")).json == {"CachesDeleted": None, "SpaceReclaimed": 0}
    builds.goes = PrunedCache(ids=("one", "two"), freed=7)
    answer = await prune(builds, "all=1&filters=%7B%22until%22:[%221h%22]%7D")
    assert answer.json == {"CachesDeleted": ["one", "two"], "SpaceReclaimed": 7}
    assert builds.pruned is not None
    assert builds.pruned.everything
    assert builds.pruned.filters.get("until") == ("1h",)


LIMITS = "reserved-space=1&max-used-space=2&min-free-space=3"


@pytest.mark.parametrize(
    ("query", "version", "limits"),
    [
        (LIMITS, "1.51", (1, 2, 3)),
        (f"{LIMITS}&keep-storage=4", "1.51", (1, 2, 3)),
        ("keep-storage=4", "1.51", (4, 0, 0)),
        (f"{LIMITS}&keep-storage=4", "1.47", (4, 0, 0)),
    ],
)
async def test_a_prune_has_limits(query: str, version: str, limits: tuple[int, int, int]) -> None:
    builds = FakeBuilds()
    await prune(builds, query, version)
    options = builds.pruned
    assert isinstance(options, CachePruneOptions)
    assert (options.reserved_space, options.max_used_space, options.min_free_space) == limits


@pytest.mark.parametrize("name", ["reserved-space", "keep-storage", "max-used-space"])
async def test_a_limit_is_a_number_of_bytes(name: str) -> None:
    answer = await prune(FakeBuilds(), f"{name}=1g")
    assert (answer.status, answer.message) == (
        400,
        f"{name} is in bytes and expects an integer, got 1g: "
        'strconv.Atoi: parsing "1g": invalid syntax',
    )
