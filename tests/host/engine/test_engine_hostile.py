"""Clients that mean harm, or are broken: the engine stays small and serves the others."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry, fresh_engine
from tests.support.leaks import open_files
from tests.support.ports import free_port
from tests.support.scenes import create, is_alive, logs, run, start, wait
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

MIB = 1 << 20
Door = Callable[[], socket.socket]


@pytest.fixture(scope="module")
def tcp_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def engine(registry: Registry, tcp_port: int) -> Iterator[EngineProcess]:
    """An engine that listens at a TCP port as well."""
    with fresh_engine(registry, "-H", f"tcp://127.0.0.1:{tcp_port}") as engine:
        engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
        yield engine


@pytest.fixture(params=["unix", "tcp"])
def door(request: pytest.FixtureRequest, engine: EngineProcess, tcp_port: int) -> Door:
    """Opens connections to the engine."""

    def unix() -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(30)
        sock.connect(str(engine.socket))
        return sock

    def tcp() -> socket.socket:
        return socket.create_connection(("127.0.0.1", tcp_port), timeout=30)

    return unix if request.param == "unix" else tcp


def rss(engine: EngineProcess) -> int:
    """Bytes of memory that the engine has now."""
    fields = Path(f"/proc/{engine.pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def growing_less_than(engine: EngineProcess, limit: int) -> Iterator[None]:
    """The engine's memory grows by less than `limit` inside, and it answers afterwards."""
    assert engine.request("GET", "/_ping").status == 200
    before = rss(engine)
    yield
    assert rss(engine) - before < limit
    assert engine.request("GET", "/_ping").status == 200


def answer(sock: socket.socket) -> bytes:
    """Everything that comes until the engine hangs up."""
    received = b""
    try:
        while data := sock.recv(65536):
            received += data
    except ConnectionResetError:
        pass
    return received


def status(data: bytes) -> int:
    return int(data.split(b" ", 2)[1]) if data.startswith(b"HTTP/1.1 ") else 0


JSON = b"Content-Type: application/json\r\n"
MALFORMED: dict[str, tuple[bytes, int]] = {
    "noise": (bytes(range(256)) * 4, 400),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64, 400),
    "no version": (b"GET /_ping\r\n\r\n", 400),
    "http 2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "space in a name": (b"GET /_ping HTTP/1.1\r\nHo st: x\r\n\r\n", 400),
    "nul in a value": (b"GET /_ping HTTP/1.1\r\nHost: a\0b\r\n\r\n", 400),
    "two lengths": (b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "length and chunks": (
        b"POST /auth HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "negative length": (b"POST /auth HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    "bad chunk": (
        b"POST /auth HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        400,
    ),
    "long target": (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n", 414),
    "long header": (b"GET /_ping HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 431),
    "many headers": (b"GET /_ping HTTP/1.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n", 431),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_http_is_refused(engine: EngineProcess, door: Door, case: str) -> None:
    data, expected = MALFORMED[case]
    with door() as sock:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(data)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        assert status(answer(sock)) == expected
    assert engine.request("GET", "/_ping").status == 200


def pour(sock: socket.socket, piece: bytes, limit: int) -> int:
    """Send until `limit`, or until the engine takes no more; how much went."""
    sent = 0
    sock.settimeout(3)
    try:
        while sent < limit:
            sent += sock.send(piece)
    except (TimeoutError, ConnectionError):
        pass
    sock.settimeout(30)
    return sent


CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"
ENDLESS: dict[str, tuple[bytes, bytes, int]] = {
    "chunked document": (
        b"POST /containers/create HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n",
        CHUNK,
        413,
    ),
    "announced document": (
        b"POST /containers/create HTTP/1.1\r\n" + JSON + b"Content-Length: 99999999999\r\n\r\n",
        b"x" * 65536,
        413,
    ),
    "body that nobody reads": (
        b"POST /containers/nobody/stop HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        CHUNK,
        404,
    ),
    "archive that is none": (
        b"PUT /containers/nobody/archive?path=/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        CHUNK,
        404,
    ),
    "chunk extension": (
        b"POST /auth HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n1;",
        b"x" * 65536,
        400,
    ),
    "empty lines": (b"\r\n" * 1000, b"\r\n" * 1000, 431),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_what_never_ends_is_cut(engine: EngineProcess, door: Door, case: str) -> None:
    head, piece, expected = ENDLESS[case]
    with growing_less_than(engine, 32 * MIB), door() as sock:
        sock.sendall(head)
        assert pour(sock, piece, 256 * MIB) < 256 * MIB
        assert status(answer(sock)) in (expected, 0)  # 0: cut before the answer was read


def test_an_archive_that_never_ends(engine: EngineProcess, door: Door) -> None:
    """A stream may be as long as it wants; what is no archive is refused in passing."""
    id_ = create(engine, "true")
    with growing_less_than(engine, 32 * MIB), door() as sock:
        target = f"PUT /containers/{id_}/archive?path=/ HTTP/1.1\r\n".encode()
        sock.sendall(target + b"Transfer-Encoding: chunked\r\n\r\n")
        assert pour(sock, CHUNK, 256 * MIB) < 256 * MIB
        assert status(answer(sock)) in (400, 0)


@pytest.mark.parametrize("state", ["created", "running"])
def test_a_half_sent_archive_holds_nobody_up(engine: EngineProcess, state: str, door: Door) -> None:
    id_ = create(engine, ["sleep", "600"])
    if state == "running":
        start(engine, id_)
    with door() as sock:
        target = f"PUT /containers/{id_}/archive?path=/ HTTP/1.1\r\n".encode()
        sock.sendall(target + b"Content-Length: 10240\r\n\r\n" + b"\0" * 100)
        time.sleep(0.2)
        if state == "created":
            start(engine, id_)
        assert engine.request("POST", f"/containers/{id_}/stop", t=0).status == 204
        assert engine.request("DELETE", f"/containers/{id_}").status == 204


HALF = (
    b"",
    b"GET /_ping HTTP/1.1\r\n",
    b"GET /containers/json HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 1000,
    b"POST /containers/create HTTP/1.1\r\n" + JSON + b"Content-Length: 1000\r\n\r\n{",
    b"POST /auth HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
)


def test_five_hundred_half_open_connections(engine: EngineProcess, door: Door) -> None:
    before = open_files(engine.pid)
    with contextlib.ExitStack() as opened, growing_less_than(engine, 48 * MIB):
        for number in range(500):
            sock = opened.enter_context(door())
            sock.sendall(HALF[number % len(HALF)])
        assert wait(engine, run(engine, "true")) == 0
        assert engine.request("GET", "/_ping").status == 200
    eventually(lambda: open_files(engine.pid) <= before, "closed connections")


def test_more_clients_than_the_shells_limit_of_files(registry: Registry) -> None:
    """The engine raises its own limit; its containers keep what they were given."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    with contextlib.ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        engine = stack.enter_context(fresh_engine(registry))
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
        for _ in range(400):
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.connect(str(engine.socket))
        id_ = run(engine, "ulimit -n")
        assert wait(engine, id_) == 0
        assert logs(engine, id_) == b"256\n"


LOUD = "i=0; while [ $i -lt 24 ]; do head -c 1048576 /dev/zero | tr '\\0' x; i=$((i+1)); done"


def test_clients_that_never_read(engine: EngineProcess, door: Door) -> None:
    """A container that writes 24 MiB ends as if nobody listened; memory does not grow with it."""
    id_ = create(engine, f"sleep 0.3; {LOUD}; exec sleep 600", name="loud")
    before = open_files(engine.pid)
    targets = [
        b"GET /containers/loud/logs?follow=1&stdout=1 HTTP/1.1\r\n\r\n",
        b"POST /containers/loud/attach?stream=1&stdout=1 HTTP/1.1\r\n"
        b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
        b"GET /events HTTP/1.1\r\n\r\n",
    ]
    start(engine, id_)
    with growing_less_than(engine, 64 * MIB), contextlib.ExitStack() as opened:
        for number in range(18):
            sock = opened.enter_context(door())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(targets[number % len(targets)])
        pid = engine.state(id_)["Pid"]
        command = Path(f"/proc/{pid}/cmdline")
        eventually(lambda: command.read_bytes() == b"sleep\x00600\x00", "the last line")
        assert len(logs(engine, id_)) > MIB
    assert engine.request("DELETE", f"/containers/{id_}", force=1).status == 204
    eventually(lambda: open_files(engine.pid) <= before, "closed connections")


def test_input_for_a_container_that_does_not_read(engine: EngineProcess, door: Door) -> None:
    reply = engine.request(
        "POST",
        "/containers/create",
        {"Image": "busybox", "Cmd": ["sleep", "600"], "OpenStdin": True},
    )
    id_ = reply.json["Id"]
    start(engine, id_)
    with growing_less_than(engine, 16 * MIB), door() as sock:
        target = f"POST /containers/{id_}/attach?stream=1&stdin=1 HTTP/1.1\r\n".encode()
        sock.sendall(target + b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
        assert status(sock.recv(4096)) == 101
        assert pour(sock, b"x" * 65536, 64 * MIB) < 16 * MIB
        assert engine.request("POST", f"/containers/{id_}/kill").status == 204
    assert wait(engine, id_) == 137


STREAMS = (
    b"GET /containers/loud/logs?follow=1&stdout=1 HTTP/1.1\r\n\r\n",
    b"GET /containers/loud/logs?stdout=1 HTTP/1.1\r\n\r\n",
    b"POST /containers/loud/wait HTTP/1.1\r\n\r\n",
    b"POST /containers/loud/attach?stream=1&stdout=1&stdin=1&logs=1 HTTP/1.1\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
    b"GET /events?since=0 HTTP/1.1\r\n\r\n",
    b"GET /containers/loud/archive?path=/ HTTP/1.1\r\n\r\n",
    b"GET /containers/loud/export HTTP/1.1\r\n\r\n",
    b"GET /containers/idle/archive?path=/ HTTP/1.1\r\n\r\n",
    b"GET /containers/idle/export HTTP/1.1\r\n\r\n",
    b"PUT /containers/loud/archive?path=/ HTTP/1.1\r\nContent-Length: 99999\r\n\r\n" + b"\0" * 99,
    b"PUT /containers/idle/archive?path=/ HTTP/1.1\r\nContent-Length: 99999\r\n\r\n" + b"\0" * 99,
    b"POST /images/create?fromSrc=-&repo=x HTTP/1.1\r\nContent-Length: 99999\r\n\r\n" + b"\0" * 99,
    b"POST /images/create?fromImage=layered&tag=latest HTTP/1.1\r\n\r\n",
    b"GET /containers/loud/stats HTTP/1.1\r\n\r\n",
)


@pytest.mark.parametrize("abruptly", [False, True])
def test_streams_that_are_cut_leave_nothing(
    engine: EngineProcess, door: Door, *, abruptly: bool
) -> None:
    run(engine, f"cat /bin/busybox > /copy; {LOUD}; exec sleep 600", name="loud")
    create(engine, "true", name="idle")
    cut_all(door, abruptly=abruptly)
    eventually(lambda: is_quiet(engine))
    before = open_files(engine.pid)
    for _ in range(3):
        cut_all(door, abruptly=abruptly)
    # An idle connection to the registry, kept for the next pull, is closed after half a minute.
    eventually(lambda: open_files(engine.pid) <= before, "closed streams", timeout_s=45)
    assert "Traceback" not in engine.log.read_text()
    assert is_alive(engine.state("loud")["Pid"])
    start(engine, "idle")
    assert wait(engine, "idle") == 0


def cut_all(door: Door, *, abruptly: bool) -> None:
    """Begin every stream, read a little of it, and go."""
    for target in STREAMS:
        sock = door()
        if abruptly:  # a reset instead of an end
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.sendall(target)
        if select.select([sock], [], [], 0.05)[0]:
            sock.recv(1000)
        sock.close()


def is_quiet(engine: EngineProcess) -> bool:
    """Two looks at the descriptors, a moment apart, are the same."""
    first = open_files(engine.pid)
    time.sleep(0.3)
    return open_files(engine.pid) == first
