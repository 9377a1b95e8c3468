"""Images come and go at once for `BUDU_STORM_S` seconds (20): pulled, removed, pruned, loaded, run,
collected. What is here afterwards is whole."""

from __future__ import annotations

import collections
import contextlib
import gzip
import http.client
import io
import json
import os
import random
import tarfile
import threading
import time
from collections.abc import Callable

import pytest
from tests.support.engine import EngineProcess, UnixConnection
from tests.support.fixtures import Registry
from tests.support.images import busybox_layer, layer, push
from tests.support.waiting import eventually

STORM_S = float(os.environ.get("BUDU_STORM_S", "20"))
CLIENTS = 8
SEED = 7
TAGS = ("1", "2", "3", "4")
OPERATIONS = {
    "pull": 6,
    "remove": 4,
    "prune": 2,
    "run": 2,
    "collect": 1,
    "list": 1,
    "load": 1,
    "save": 1,
}
FINE = {200, 201, 204, 304, 404, 409}

pytestmark = [pytest.mark.host, pytest.mark.timeout(STORM_S + 180)]


@pytest.fixture(scope="module")
def digests(registry: Registry) -> dict[str, str]:
    """Images that have layers, blobs and even a config in common; their manifests by tag."""
    found = {}
    base = busybox_layer()
    packed = gzip.compress(base, 1, mtime=0)
    other = gzip.compress(base, 9, mtime=0)
    shared = layer({"shared": b"s" * 300_000})
    for tag in TAGS[:2]:
        own = layer({f"own{tag}": tag.encode() * 200_000})
        blobs = [packed, *(gzip.compress(each, mtime=0) for each in (shared, own))]
        layers = [base, shared, own]
        found[tag] = push(registry.address, "library/storm", [tag], layers, {}, compressed=blobs)
    for tag, first in zip(TAGS[2:], (packed, other), strict=True):  # one config, two packings
        blobs = [first, gzip.compress(shared, mtime=0)]
        found[tag] = push(
            registry.address, "library/storm", [tag], [base, shared], {}, compressed=blobs
        )
    return found


class Client:
    """One of the many; counts what it was answered."""

    def __init__(self, engine: EngineProcess, number: int, archive: bytes) -> None:
        self.answers: collections.Counter[tuple[str, int]] = collections.Counter()
        self.odd: list[str] = []
        self._engine = engine
        self._archive = archive
        self._random = random.Random(SEED * 1000 + number)

    def run(self, until: float) -> None:
        while time.monotonic() < until:
            (name,) = self._random.choices(list(OPERATIONS), list(OPERATIONS.values()))
            try:
                self._do(name, self._random.choice(TAGS))
            except (OSError, http.client.HTTPException):
                if self._engine.is_running:
                    raise
                return

    def _do(self, name: str, tag: str) -> None:
        ask = self._engine.request
        if name == "pull":
            reply = ask("POST", "/images/create", fromImage="storm", tag=tag)
        elif name == "remove":
            reply = ask("DELETE", f"/images/storm:{tag}", force=1)
        elif name == "prune":
            reply = ask("POST", "/images/prune", filters='{"dangling":["false"]}')
        elif name == "collect":
            reply = ask("POST", "/budu/storage/check?deep=0&repair=1")
        elif name == "save":
            reply = ask("GET", f"/images/storm:{tag}/get")
            assert reply.status == 404 or reply.body.endswith(bytes(1024))
        elif name == "list":
            reply = ask("GET", "/images/json", manifests=1)
        elif name == "load":
            self._count(name, *load(self._engine, self._archive))
            return
        else:
            reply = ask("POST", "/containers/create", {"Image": f"storm:{tag}", "Cmd": ["true"]})
            if reply.status == 201:
                place = f"/containers/{reply.json['Id']}"
                started = ask("POST", f"{place}/start")
                self._count("start", started.status, started.body)
                ask("POST", f"{place}/wait")
                ask("DELETE", place, force=1)
        self._count(name, reply.status, reply.body)

    def _count(self, name: str, status: int, body: bytes = b"") -> None:
        self.answers[name, status] += 1
        broken = b"errorDetail" in body
        if status not in FINE or broken:
            self.odd.append(f"{name}: {status} {body[-300:]!r}")


def load(engine: EngineProcess, archive: bytes) -> tuple[int, bytes]:
    connection = UnixConnection(engine.socket)
    try:
        with contextlib.suppress(BrokenPipeError):  # an early answer is read all the same
            connection.request("POST", "/images/load?quiet=1", archive)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def save(engine: EngineProcess, tag: str) -> bytes:
    reply = engine.request("GET", f"/images/storm:{tag}/get")
    assert reply.status == 200, reply.body
    return reply.body


def pull(engine: EngineProcess, tag: str) -> None:
    reply = engine.request("POST", "/images/create", fromImage="storm", tag=tag)
    assert b"errorDetail" not in reply.body, reply.body


def assert_sound(engine: EngineProcess) -> None:
    found = engine.request("POST", "/budu/storage/check?deep=1&repair=0").json
    wrong = {key: found[key] for key in found if key.startswith(("Missing", "Broken"))}
    assert not any(wrong.values()), wrong


def digest_in(archive: bytes) -> str:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
    return str(index["manifests"][0]["digest"])


def begin(
    engine: EngineProcess, archive: bytes, seconds: float
) -> list[tuple[Client, threading.Thread]]:
    """Clients at work for some seconds."""
    until = time.monotonic() + seconds
    clients = [Client(engine, number, archive) for number in range(CLIENTS)]
    found = [(each, threading.Thread(target=each.run, args=(until,))) for each in clients]
    for _, thread in found:
        thread.start()
    return found


def test_nothing_is_lost_or_broken(
    make_engine: Callable[..., EngineProcess], digests: dict[str, str]
) -> None:
    engine = make_engine()
    pull(engine, "1")
    archive = save(engine, "1")
    clients = begin(engine, archive, STORM_S)
    for _, thread in clients:
        thread.join()
    odd = [text for client, _ in clients for text in client.odd]
    done = sum((client.answers for client, _ in clients), collections.Counter())
    assert odd == [], (done, odd[:5], engine.log.read_text()[-3000:])
    assert done["pull", 200], done
    assert_sound(engine)
    for tag in TAGS:
        pull(engine, tag)
    assert {tag: digest_in(save(engine, tag)) for tag in TAGS} == digests
    assert_sound(engine)


def test_a_killed_engine_leaves_a_sound_store(
    make_engine: Callable[..., EngineProcess], digests: dict[str, str]
) -> None:
    engine = make_engine()
    pull(engine, "1")
    archive = save(engine, "1")
    for _ in range(3):
        clients = begin(engine, archive, STORM_S)
        eventually(lambda now=clients: sum(sum(c.answers.values()) for c, _ in now) > 60, "a storm")
        engine.kill()
        for _, thread in clients:
            thread.join()
        engine.start()
        assert_sound(engine)
    for tag in TAGS:
        pull(engine, tag)
    assert {tag: digest_in(save(engine, tag)) for tag in TAGS} == digests
    assert_sound(engine)
