"""The archive calls at the HTTP edge, over files in memory."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator

import pytest
from api_engine import FakeEngine
from api_wire import serve

from budu.api.routes import build_router
from budu.base.errors import NotFound, PermissionDenied
from budu.engine.contract.files import FoundPath, PathStat, WriteOptions

STAT = PathStat(
    name="dir",
    size=4096,
    mode=2147484141,
    mtime_ns=1_700_000_000_120_000_000,
    link_target="/d\udcff",
)
CONTENT = b"an archive " * 1000


class MemoryFiles:
    """One path, `/dir`, of one object, `web`. Remembers what was asked of it."""

    def __init__(self) -> None:
        self.sparse = False
        self.written: tuple[str, bytes, WriteOptions] | None = None
        self.closed = False

    def _check(self, ref: str, path: str) -> None:
        if (ref, path) != ("web", "/dir"):
            raise NotFound(f"Could not find the file {path} in container {ref}")

    async def stat(self, ref: str, path: str) -> PathStat:
        self._check(ref, path)
        return STAT

    async def read(
        self, ref: str, path: str, *, sparse: bool = False
    ) -> tuple[PathStat, AsyncIterator[bytes]]:
        self._check(ref, path)
        self.sparse = sparse
        return STAT, self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        try:
            for at in range(0, len(CONTENT), 1000):
                yield CONTENT[at : at + 1000]
        finally:
            self.closed = True

    async def write(
        self, ref: str, path: str, body: AsyncIterator[bytes], *, options: WriteOptions
    ) -> None:
        self._check(ref, path)
        data = b"".join([piece async for piece in body])
        if not data:
            raise PermissionDenied("mounted volume is marked read-only")
        self.written = (path, data, options)

    async def find(self, ref: str, pattern: str) -> list[FoundPath]:
        return [FoundPath(path="/dir", stat=STAT)] if pattern == "/d*" else []


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.container_files = MemoryFiles()
    engine.volume_files = MemoryFiles()
    return engine


BOTH = pytest.mark.parametrize("place", ["/v1.51/containers/web", "/budu/volumes/web"])


@BOTH
async def test_a_header_tells_what_is_there(engine: FakeEngine, place: str) -> None:
    async with serve(build_router(engine)) as site:
        client = await site.connect()
        head = f"HEAD {place}/archive?path=/dir HTTP/1.1\r\nHost: x\r\n\r\n"
        await client.send(head.encode())
        answer = await client.answer(to="HEAD")
    assert answer.status == 200
    stat = json.loads(base64.b64decode(answer.headers["x-docker-container-path-stat"]))
    assert stat == {
        "name": "dir",
        "size": 4096,
        "mode": 2147484141,
        "mtime": "2023-11-14T22:13:20.12Z",
        "linkTarget": "/d\ufffd",
    }


@BOTH
async def test_an_archive_comes_with_its_header(engine: FakeEngine, place: str) -> None:
    async with serve(build_router(engine)) as site:
        answer = await (await site.connect()).get(f"{place}/archive?path=/dir&sparse=1")
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["content-type"] == "application/x-tar"
    assert "content-encoding" not in answer.headers
    assert "x-docker-container-path-stat" in answer.headers
    files = engine.container_files if "containers" in place else engine.volume_files
    assert files.sparse and files.closed


@pytest.mark.parametrize(
    ("accept", "packed"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("identity", False),
        ("br", False),
    ],
)
async def test_an_archive_is_packed_when_asked(
    engine: FakeEngine, accept: str, packed: bool
) -> None:
    async with serve(build_router(engine)) as site:
        client = await site.connect()
        path = "/containers/web/archive?path=/dir"
        answer = await client.get(path, f"Accept-Encoding: {accept}")
    assert (answer.headers.get("content-encoding") == "gzip") is packed
    assert (gzip.decompress(answer.body) if packed else answer.body) == CONTENT


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", WriteOptions()),
        ("&noOverwriteDirNonDir=true", WriteOptions(keep_kinds=True)),
        ("&noOverwriteDirNonDir=0&copyUIDGID=1", WriteOptions(own=True)),
    ],
)
@BOTH
async def test_an_archive_is_put(
    engine: FakeEngine, place: str, query: str, options: WriteOptions
) -> None:
    head = f"PUT {place}/archive?path=/dir{query} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serve(build_router(engine)) as site:
        client = await site.connect()
        answer = await client.ask(head.encode() + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert answer.status == 200
    files = engine.container_files if "containers" in place else engine.volume_files
    assert files.written == ("/dir", b"abcde", options)


async def test_refusals_have_their_statuses(engine: FakeEngine) -> None:
    async with serve(build_router(engine)) as site:
        client = await site.connect()
        missing = await client.get("/containers/web/archive?path=/none")
        head = b"PUT /containers/web/archive?path=/dir HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
        refused = await client.ask(head)
    assert (missing.status, missing.message) == (
        404,
        "Could not find the file /none in container web",
    )
    assert (refused.status, refused.message) == (403, "mounted volume is marked read-only")


@BOTH
async def test_patterns_are_answered_by_lists(engine: FakeEngine, place: str) -> None:
    place = place.replace("/v1.51/", "/budu/")
    async with serve(build_router(engine)) as site:
        answer = await (await site.connect()).get(f"{place}/files?path=/d*")
    assert [(each["path"], each["mode"]) for each in answer.json] == [("/dir", 2147484141)]
