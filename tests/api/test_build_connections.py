"""Clients that break off, break rules or come many at once: a build's connection, byte by byte."""

from __future__ import annotations

import io
import json
import socket
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from tests.support.engine import EngineProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean", "no_made_images")]


@pytest.fixture
def no_made_images(engine: EngineProcess) -> Iterator[None]:
    """What the tests built goes, and nothing but that happened."""
    yield
    for image in engine.request("GET", "/images/json").json:
        if any(name.startswith("made") for name in image["RepoTags"]):
            engine.request("DELETE", f"/images/{image['Id']}", force=1)
    engine.request("POST", "/build/prune", all=1)
    assert "Traceback" not in engine.log.read_text()
    eventually(lambda: not [*(engine.data_root / "build" / "contexts").iterdir()], "no context")


def context(dockerfile: str, **files: bytes) -> bytes:
    """A tar with a Dockerfile and files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in {"Dockerfile": dockerfile.encode(), **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def begin(
    engine: EngineProcess, body: bytes, query: str = "", *, length: int = -1
) -> socket.socket:
    """A connection on which a build was asked for; `length` is what is announced."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(str(engine.socket))
    announced = len(body) if length < 0 else length
    lines = f"POST /build?{query} HTTP/1.1", "Connection: close", f"Content-Length: {announced}"
    connection.sendall("\r\n".join((*lines, "", "")).encode() + body)
    return connection


def read(connection: socket.socket) -> bytes:
    """Everything that still comes."""
    pieces = []
    while piece := connection.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


def running(engine: EngineProcess) -> list[str]:
    return [each["Id"] for each in engine.request("GET", "/containers/json").json]


LARGE = context("FROM busybox\n", large=bytes(3 << 20))


def test_half_a_context_leaves_nothing(engine: EngineProcess) -> None:
    with closing(begin(engine, LARGE[: len(LARGE) // 2], length=len(LARGE))):
        eventually(lambda: [*(engine.data_root / "build" / "contexts").iterdir()], "a context")
    with closing(begin(engine, LARGE[: len(LARGE) // 2], length=len(LARGE))) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert read(connection) == b""


def test_an_archive_that_breaks_off_is_told(engine: EngineProcess) -> None:
    with closing(begin(engine, LARGE[: len(LARGE) // 2])) as connection:
        head, _, body = read(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["message"] == "unexpected EOF"


def test_a_reader_that_leaves_ends_the_step(engine: EngineProcess) -> None:
    """The command writes more than all buffers hold, and nobody reads it."""
    body = context("FROM busybox\nRUN yes\n")
    with closing(begin(engine, body)):
        eventually(lambda: running(engine), "the step's container")
    eventually(lambda: not running(engine), "its end")


def test_a_client_may_close_its_direction(engine: EngineProcess) -> None:
    with closing(begin(engine, context("FROM busybox\nRUN sleep 1; echo late\n"))) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert b"late" in read(connection)


def test_a_refusal_is_readable_while_the_context_is_sent(engine: EngineProcess) -> None:
    with closing(begin(engine, bytes(1 << 20), "version=2", length=1 << 30)) as connection:
        answer = connection.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 501 ")
    assert b"DOCKER_BUILDKIT=0" in answer


def test_many_builds_at_once_do_a_step_once(engine: EngineProcess) -> None:
    def build(number: int) -> bytes:
        text = f"FROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/id\nENV N={number}\n"
        with closing(begin(engine, context(text), f"t=made{number}")) as connection:
            return read(connection)

    with ThreadPoolExecutor(6) as pool:
        answers = [*pool.map(build, range(6))]
    assert sum(b"Running in" in answer for answer in answers) == 1
    layers = {
        tuple(engine.request("GET", f"/images/made{number}/json").json["RootFS"]["Layers"])
        for number in range(6)
    }
    assert len(layers) == 1


def test_a_build_is_cancelled_by_the_id_of_its_request(engine: EngineProcess) -> None:
    body = context("FROM busybox\nRUN sleep 1000\n")
    with closing(begin(engine, body, "buildid=mine")) as connection:
        eventually(lambda: running(engine), "the step's container")
        assert engine.request("POST", "/build/cancel", id="mine").status == 200
        assert b'"error":"Build cancelled"' in read(connection)
    assert running(engine) == []
