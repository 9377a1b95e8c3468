"""Changes, export, commit and import over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from api_engine import FakeEngine
from api_wire import serve

from budu.api.routes import build_router
from budu.base.errors import Conflict, DataLoss, NotFound
from budu.distribution.progress import PullEvent
from budu.engine.contract.snapshots import CommitOptions, ImportOptions
from budu.snapshot.changes import Change, ChangeKind


class FakeSnapshots:
    """One container `web`."""

    def __init__(self) -> None:
        self.rows: tuple[Change, ...] = ()
        self.commits: list[tuple[str, CommitOptions]] = []

    async def changes(self, ref: str) -> tuple[Change, ...]:
        if ref != "web":
            raise NotFound(f"No such container: {ref}")
        return self.rows

    async def export(self, ref: str) -> AsyncIterator[bytes]:
        if ref == "dead":
            raise Conflict("You cannot export container dead which is Dead")
        return self._archive()

    async def _archive(self) -> AsyncIterator[bytes]:
        yield b"tar"
        yield b"ball"

    async def commit(self, ref: str, options: CommitOptions) -> str:
        self.commits.append((ref, options))
        return "sha256:1"


class FakeImports:
    """Reads the body and tells of it."""

    def __init__(self) -> None:
        self.options: ImportOptions | None = None
        self.body = b""
        self.fails_late = False

    async def import_image(
        self, options: ImportOptions, body: AsyncIterator[bytes], progress: Any
    ) -> str:
        self.options = options
        async for piece in body:
            self.body += piece
        if self.body == b"broken":
            raise DataLoss("unexpected EOF")
        if options.source != "-":
            progress(PullEvent(id="", status=f"Downloading from {options.source}"))
            progress(PullEvent(id="", status="Importing", current=1, total=2))
        if self.fails_late:
            raise DataLoss("unexpected EOF")
        return "sha256:1"


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.snapshots, engine.imports = FakeSnapshots(), FakeImports()
    return engine


async def ask(engine: FakeEngine, method: str, target: str, body: bytes = b"") -> Any:
    async with serve(build_router(engine)) as site:
        client = await site.connect()
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        await client.send(head.encode() + body)
        return await client.answer()


async def test_changes_are_null_without_any_and_rows_otherwise(engine: FakeEngine) -> None:
    assert (await ask(engine, "GET", "/containers/web/changes")).json is None
    engine.snapshots.rows = (
        Change(b"etc", ChangeKind.MODIFIED),
        Change(b"etc/\xff", ChangeKind.ADDED),
        Change(b"x", ChangeKind.DELETED),
    )
    assert (await ask(engine, "GET", "/containers/web/changes")).json == [
        {"Kind": 0, "Path": "/etc"},
        {"Kind": 1, "Path": "/etc/�"},
        {"Kind": 2, "Path": "/x"},
    ]
    assert (await ask(engine, "GET", "/containers/no/changes")).status == 404


async def test_an_export_streams_and_its_refusal_has_a_status(engine: FakeEngine) -> None:
    answer = await ask(engine, "GET", "/containers/web/export")
    assert (answer.status, answer.body) == (200, b"tarball")
    assert (await ask(engine, "GET", "/containers/dead/export")).status == 409


@pytest.mark.parametrize(
    ("query", "pause"), [("", True), ("&pause=", True), ("&pause=1", True), ("&pause=0", False)]
)
async def test_a_commit_pauses_unless_told(engine: FakeEngine, query: str, pause: bool) -> None:
    answer = await ask(engine, "POST", f"/commit?container=web{query}", b"null")
    assert (answer.status, answer.json) == (201, {"Id": "sha256:1"})
    assert engine.snapshots.commits == [("web", CommitOptions(pause=pause))]


async def test_a_commit_takes_a_config_and_instructions(engine: FakeEngine) -> None:
    target = "/commit?container=web&repo=a&tag=b&author=c&comment=d&changes=CMD+x&changes=USER+y"
    await ask(engine, "POST", target, b'{"Labels":{"k":"v"}}')
    [(_, options)] = engine.snapshots.commits
    assert (options.repository, options.tag, options.author, options.comment) == tuple("abcd")
    assert options.changes == ("CMD x", "USER y")
    assert options.config is not None
    assert options.config.labels == {"k": "v"}


async def test_a_commit_needs_a_container(engine: FakeEngine) -> None:
    assert (await ask(engine, "POST", "/commit")).status == 404


async def test_an_import_reads_the_body(engine: FakeEngine) -> None:
    target = "/images/create?fromSrc=-&repo=a&tag=b&changes=CMD+x"
    answer = await ask(engine, "POST", target, b"archive")
    assert answer.body == b'{"status":"sha256:1"}\r\n'
    assert engine.imports.body == b"archive"
    assert engine.imports.options == ImportOptions(
        source="-", repository="a", tag="b", message="Imported from -", changes=("CMD x",)
    )


async def test_an_import_tells_of_its_download(engine: FakeEngine) -> None:
    answer = await ask(engine, "POST", "/images/create?fromSrc=http://x/y&message=m")
    lines = answer.body.splitlines()
    assert lines[0] == b'{"status":"Downloading from http://x/y"}'
    assert lines[1].startswith(b'{"status":"Importing","progressDetail":{"current":1,"total":2}')
    assert lines[2] == b'{"status":"sha256:1"}'
    assert engine.imports.options.message == "m"


async def test_an_early_failure_is_a_status_and_a_late_one_a_line(engine: FakeEngine) -> None:
    assert (await ask(engine, "POST", "/images/create?fromSrc=-", b"broken")).status == 500
    engine.imports.fails_late = True
    engine.imports.body = b""
    answer = await ask(engine, "POST", "/images/create?fromSrc=http://x")
    assert answer.status == 200
    assert b'"error":"unexpected EOF"' in answer.body.splitlines()[-1]
