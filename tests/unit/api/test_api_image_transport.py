"""Push, save, load, search and what a name stands for, over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api_engine import FakeEngine
from api_wire import Answer, serve

from budu.api.platforms import decode_platform
from budu.api.routes import build_router
from budu.base.errors import DataLoss, InvalidArgument, NotFound, PermissionDenied
from budu.distribution.progress import ProgressSink, PullEvent, PushResult
from budu.distribution.search import SearchHit
from budu.distribution.trust import trusts_blindly
from budu.engine.contract.registries import RemoteImage
from budu.spec.image import Descriptor
from budu.spec.platform import Platform

ARM = Platform(os="linux", architecture="arm64")
DIGEST = "sha256:" + "1" * 64


class FakePushes:
    """Tells of what it was asked; `web` works, `secret` is refused late, others early."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    async def push(self, name: str, *, progress: ProgressSink, **asked: Any) -> None:
        self.asked = {"name": name, "blindly": trusts_blindly(), **asked}
        if name not in {"web", "secret"}:
            raise InvalidArgument("invalid reference format")
        progress(PullEvent(status="The push refers to repository [docker.io/library/web]"))
        if name == "secret":
            raise PermissionDenied("denied: requested access to the resource is denied")
        progress(PushResult(tag="1", digest=DIGEST, size=7))


class FakeArchives:
    """An archive of two pieces."""

    def __init__(self) -> None:
        self.asked: tuple[Any, ...] = ()
        self.body = b""

    async def save(self, names: list[str], *, platforms: Any) -> AsyncIterator[bytes]:
        self.asked = (list(names), platforms)
        if "nothing" in names:
            raise NotFound("No such image: nothing:latest")
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield b"tar"
        yield b"ball"

    async def load(
        self, body: AsyncIterator[bytes], *, platforms: Any, progress: ProgressSink
    ) -> tuple[str, ...]:
        self.asked = (platforms,)
        async for piece in body:
            self.body += piece
        if self.body == b"broken":
            raise DataLoss("unexpected EOF")
        progress(PullEvent(id="abc", status="Loading layer", current=1, total=2))
        return ("Loaded image: web:1\n",)


class FakeRegistries:
    """One hit, one name."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    async def search(self, term: str, **asked: Any) -> list[SearchHit]:
        self.asked = {"term": term, **asked}
        return [SearchHit(name="httpd", description=None, star_count=3, is_official=True)]

    async def describe(self, name: str, *, registry_auth: str) -> RemoteImage:
        descriptor = Descriptor(media_type="m", digest=DIGEST, size=5)
        return RemoteImage(descriptor=descriptor, platforms=(ARM,))


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.pushes, engine.image_archives = FakePushes(), FakeArchives()
    engine.registries = FakeRegistries()
    return engine


async def ask(engine: FakeEngine, method: str, target: str, body: bytes = b"") -> Answer:
    async with serve(build_router(engine)) as site:
        client = await site.connect()
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        await client.send(head.encode() + body)
        return await client.answer()


def lines(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body.splitlines()]


async def test_push_streams_lines_and_ends_with_the_result(engine: FakeEngine) -> None:
    reply = await ask(engine, "POST", "/images/web/push?tag=1")
    assert reply.status == 200
    first, last = lines(reply.body)
    assert first == {"status": "The push refers to repository [docker.io/library/web]"}
    assert last == {"aux": {"Tag": "1", "Digest": DIGEST, "Size": 7}}


async def test_push_failures_early_and_late(engine: FakeEngine) -> None:
    assert (await ask(engine, "POST", "/images/BAD/push")).status == 400
    late = await ask(engine, "POST", "/images/secret/push?tag=1")
    assert late.status == 200
    assert lines(late.body)[-1]["error"].startswith("denied: ")


@pytest.mark.parametrize(("version", "platform"), [("1.45", None), ("1.46", ARM)])
async def test_push_knows_platforms_since_146(
    engine: FakeEngine, version: str, platform: Platform | None
) -> None:
    query = "platform=%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22arm64%22%7D"
    await ask(engine, "POST", f"/v{version}/images/web/push?tag=1&{query}")
    assert engine.pushes.asked["platform"] == platform


async def test_trust_for_one_request(engine: FakeEngine) -> None:
    await ask(engine, "POST", "/images/web/push?tag=1&tlsVerify=false")
    assert engine.pushes.asked["blindly"]
    await ask(engine, "POST", "/images/web/push?tag=1")
    assert not engine.pushes.asked["blindly"]


async def test_save_of_one_and_of_several(engine: FakeEngine) -> None:
    one = await ask(engine, "GET", "/images/a/b:1/get")
    assert engine.image_archives.asked == (["a/b:1"], ())
    await ask(engine, "GET", "/images/get?names=a&names=b&platform=linux/arm64")
    assert engine.image_archives.asked == (["a", "b"], (ARM,))
    missing = await ask(engine, "GET", "/images/get?names=nothing")
    assert (one.status, one.body) == (200, b"tarball")
    assert missing.status == 404


@pytest.mark.parametrize(("query", "count"), [("", 1), ("?quiet=1", 1), ("?quiet=0", 2)])
async def test_load_tells_what_came(engine: FakeEngine, query: str, count: int) -> None:
    reply = await ask(engine, "POST", f"/images/load{query}", b"archive")
    told = lines(reply.body)
    assert (reply.status, len(told)) == (200, count)
    assert told[-1] == {"stream": "Loaded image: web:1\n"}


async def test_broken_archive_has_a_status_of_its_own(engine: FakeEngine) -> None:
    reply = await ask(engine, "POST", "/images/load", b"broken")
    assert reply.status >= 400


async def test_search_and_its_limit(engine: FakeEngine) -> None:
    reply = await ask(engine, "GET", "/images/search?term=web&limit=5")
    assert (await ask(engine, "GET", "/images/search?term=web&limit=x")).status == 400
    assert engine.registries.asked["limit"] == 5
    assert json.loads(reply.body) == [
        {
            "name": "httpd",
            "description": "",
            "star_count": 3,
            "is_official": True,
            "is_automated": False,
        }
    ]


async def test_what_a_name_stands_for(engine: FakeEngine) -> None:
    reply = await ask(engine, "GET", "/distribution/a/b:1/json")
    assert json.loads(reply.body) == {
        "Descriptor": {"mediaType": "m", "digest": DIGEST, "size": 5},
        "Platforms": [{"os": "linux", "architecture": "arm64"}],
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "failed to parse platform"),
        ('{"os":"linux"}', "both OS and Architecture must be provided"),
        ("{}", "at least one platform field must be set"),
        ("a/b/c/d", "invalid"),
    ],
)
def test_malformed_platforms(text: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        decode_platform(text)


def test_platforms_in_both_forms() -> None:
    assert decode_platform('{"os":"linux","architecture":"aarch64"}') == ARM
    assert decode_platform("linux/arm64/v8") == ARM
