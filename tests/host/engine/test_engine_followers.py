"""Many clients read one container: each gets every byte once, however slow or dead others are."""

from __future__ import annotations

import contextlib
import datetime
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import run, wait
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

BURST = 8_000
BURSTS = 4
ROTATING = {"LogConfig": {"Type": "local", "Config": {"max-size": "300k", "max-file": "100"}}}
TALK = (
    "n=0; for burst in 1 2 3 4; do "
    f"awk -v n=$n 'BEGIN {{ for (i = 1; i <= {BURST}; i++) "
    'printf "%06d \\377\\001 %s\\n", n + i, "of a program that talks" }\'; '
    f"n=$((n + {BURST})); until [ -e /go$burst ]; do sleep 0.02; done; done; printf end"
)
"""Numbered lines with bytes that are no text; after each burst it waits for a file."""

FOLLOW = "GET /containers/{}/logs?follow=1&stdout=1&stderr=1 HTTP/1.1\r\n\r\n"
ATTACH = (
    "POST /containers/{}/attach?logs=1&stream=1&stdout=1&stderr=1 HTTP/1.1\r\n"
    "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)


def whole() -> bytes:
    """What the program says."""
    lines = (
        b"%06d \xff\x01 of a program that talks\n" % number
        for number in range(1, BURST * BURSTS + 1)
    )
    return b"".join(lines) + b"end"


class Reader(threading.Thread):
    """A client; it begins to read when it may."""

    def __init__(self, engine: EngineProcess, request: str, *, may_read: bool = True) -> None:
        super().__init__(daemon=True)
        self.said = b""
        self.may_read = threading.Event()
        if may_read:
            self.may_read.set()
        self._is_chunked = request.startswith("GET")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(str(engine.socket))
        self._socket.sendall(request.encode())
        self._stream = self._socket.makefile("rb")
        while self._stream.readline() not in (b"\r\n", b""):
            pass  # it is connected then, not only on its way

    def run(self) -> None:
        self.may_read.wait()
        with self._socket, self._stream as stream:
            data = b"".join(_chunks(stream)) if self._is_chunked else stream.read()
        self.said = b"".join(_payloads(data))

    def die(self) -> None:
        """The client is gone, with everything unread."""
        self._stream.close()
        self._socket.close()


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while size := int(stream.readline(), 16):
        yield stream.read(size)
        stream.readline()


def _payloads(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        yield data[at + 8 : at + 8 + size]
        at += 8 + size


def test_everyone_gets_every_byte_once(engine: EngineProcess) -> None:
    id_ = run(engine, TALK, name="talks", **ROTATING)
    root = Path(f"/proc/{engine.state(id_)['Pid']}/root")
    readers: list[Reader] = []
    for burst in range(1, BURSTS + 1):
        for request in (FOLLOW, ATTACH):
            slow = Reader(engine, request.format(id_), may_read=False)
            readers += [Reader(engine, request.format(id_)), slow]
            Reader(engine, request.format(id_), may_read=False).die()
        for each in readers[-4:]:
            each.start()
        (root / f"go{burst}").touch()
    assert wait(engine, id_) == 0  # nobody held it up
    for each in readers:
        each.may_read.set()
    for each in readers:
        each.join(120)
    assert not any(each.is_alive() for each in readers)
    wanted = whole()
    assert [len(each.said) for each in readers] == [len(wanted)] * len(readers)
    assert all(each.said == wanted for each in readers)


def test_a_follower_goes_on_where_the_log_ended(engine: EngineProcess) -> None:
    """What was read with `logs` and what is followed from its last moment on are the whole."""
    script = "echo one; echo two; until [ -e /go ]; do sleep 0.02; done; echo three; echo four"
    id_ = run(engine, script, name="goes-on")
    pid = engine.state(id_)["Pid"]

    def said(**query: object) -> list[bytes]:
        reply = engine.request("GET", f"/containers/{id_}/logs", stdout=1, timestamps=1, **query)
        return b"".join(_payloads(reply.body)).splitlines()

    eventually(lambda: len(said()) == 2, "two lines")
    before = said()
    with contextlib.suppress(FileNotFoundError):
        Path(f"/proc/{pid}/root/go").touch()
    last = before[-1].split()[0]
    after = said(follow=1, since=_seconds(last.decode()))
    whole = said()
    assert [line.split()[1] for line in whole] == [b"one", b"two", b"three", b"four"]
    assert after == [line for line in whole if line.split()[0] >= last]
    assert before == whole[:2]


def _seconds(stamp: str) -> str:
    """`2026-11-30T15:00:00.000000001Z` as the API takes it."""
    whole, _, nanoseconds = stamp.removesuffix("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(f"{whole}+00:00").timestamp()
    return f"{seconds:.0f}.{nanoseconds}"
