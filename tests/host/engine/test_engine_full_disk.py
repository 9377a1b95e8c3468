"""The disk is full: containers and engine go on, and so does the log once there is room again."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.fakes.registry import tar_of
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry, fresh_engine
from tests.support.leaks import assert_clean
from tests.support.scenes import create, is_alive, logs, run, start, wait
from tests.support.waiting import eventually

pytestmark = pytest.mark.host

COUNTS = "n=0; while :; do n=$((n+1)); echo line $n; echo $n > /memory/n; sleep 0.01; done"
SIZE = "24m"


class Disk:
    """A small file system of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    def fill(self) -> None:
        """Leave no byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while file.write(b"\0" * size):
                        continue
                except OSError as error:
                    assert error.errno == errno.ENOSPC

    def empty(self) -> None:
        """There is room again."""
        self._ballast.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    place, image = tmp_path_factory.mktemp("disk"), tmp_path_factory.mktemp("image") / "ext4"
    make = ["mke2fs", "-q", "-t", "ext4", "-m", "0", "-O", "^has_journal", image, SIZE]
    subprocess.run(make, check=True)
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    yield Disk(place)
    subprocess.run(["umount", place], check=True)


@pytest.fixture(scope="module")
def engine(registry: Registry, disk: Disk) -> Iterator[EngineProcess]:
    """An engine whose data are on the small disk."""
    data = disk.place / "data"
    data.mkdir()
    with fresh_engine(registry, data=data) as engine:
        reply = engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
        assert b"errorDetail" not in reply.body, reply.body
        yield engine


@pytest.fixture(autouse=True)
def room_again(engine: EngineProcess, disk: Disk) -> Iterator[None]:
    yield
    disk.empty()
    if not engine.is_running:
        engine.start()
    engine.remove_containers()
    assert_clean(engine)


def counted(engine: EngineProcess, id_: str) -> int:
    """How far the container has come, by a file in its memory."""
    file = Path(f"/proc/{engine.state(id_)['Pid']}/root/memory/n")
    return int(file.read_text() or 0)


def counter(engine: EngineProcess) -> str:
    """A container that counts, and has begun to."""
    id_ = run(engine, COUNTS, Tmpfs={"/memory": ""})
    eventually(lambda: logs(engine, id_))
    return id_


def test_logging_goes_on_when_there_is_room_again(engine: EngineProcess, disk: Disk) -> None:
    id_ = counter(engine)
    disk.fill()
    begun = counted(engine, id_)
    eventually(lambda: counted(engine, id_) > begun + 100, "the container's going on")
    assert engine.request("GET", "/_ping").status == 200
    assert [each["Id"] for each in engine.containers()] == [id_]
    assert logs(engine, id_).startswith(b"line 1\nline 2\n")
    disk.empty()
    last = counted(engine, id_)
    eventually(lambda: last_number(engine, id_) > last, "new lines in the log")
    lines = logs(engine, id_).splitlines()
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == sorted(set(numbers)), "whole lines in order, each once"
    assert engine.state(id_)["Running"]


def last_number(engine: EngineProcess, id_: str) -> int:
    return int(logs(engine, id_).split()[-1])


@pytest.mark.parametrize("operation", ["stop?t=0", "kill"])
def test_a_container_is_ended_on_a_full_disk(
    engine: EngineProcess, disk: Disk, operation: str
) -> None:
    """Ending needs no room; what is recorded is true, at the latest when there is some."""
    id_ = counter(engine)
    pid = engine.state(id_)["Pid"]
    disk.fill()
    assert engine.request("POST", f"/containers/{id_}/{operation}").status == 204
    eventually(lambda: not is_alive(pid), "the end")
    disk.empty()
    eventually(lambda: engine.state(id_)["Status"] == "exited")
    assert engine.state(id_)["ExitCode"] == 137
    assert wait(engine, id_) == 137


def test_an_end_on_a_full_disk_is_recorded(engine: EngineProcess, disk: Disk) -> None:
    command = "while ! test -e /memory/go; do sleep 0.02; done; exit 3"
    id_ = run(engine, command, Tmpfs={"/memory": ""})
    pid = engine.state(id_)["Pid"]
    disk.fill()
    Path(f"/proc/{pid}/root/memory/go").touch()
    eventually(lambda: not is_alive(pid))
    assert engine.request("GET", "/_ping").status == 200
    disk.empty()
    eventually(lambda: engine.state(id_)["Status"] == "exited")
    assert engine.state(id_)["ExitCode"] == 3
    start(engine, id_)


def test_what_needs_room_says_that_there_is_none(engine: EngineProcess, disk: Disk) -> None:
    stopped = create(engine, "true")
    disk.fill()
    reply = engine.request("POST", f"/containers/{stopped}/start")
    assert reply.status == 500
    assert "no space left on device" in reply.message
    assert engine.state(stopped)["Running"] is False
    disk.empty()
    start(engine, stopped)
    assert wait(engine, stopped) == 0


def test_a_removal_makes_room(engine: EngineProcess, disk: Disk) -> None:
    """The one thing that everybody tries then."""
    id_ = run(engine, "head -c 1000000 /dev/zero > /big")
    wait(engine, id_)
    disk.fill()
    assert engine.request("DELETE", f"/containers/{id_}").status == 204
    assert engine.containers() == []
    eventually(lambda: os.statvfs(disk.place).f_bavail * 4096 > 500_000, "room")


def sent(engine: EngineProcess, path: str, body: bytes) -> bytes:
    """The answer to an archive, which may come before the archive's end."""
    head = f"POST {path} HTTP/1.1\r\nHost: engine\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(engine.socket))
        with suppress(BrokenPipeError):
            connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def old_archive(layer: bytes) -> bytes:
    """As `docker save` wrote images before they were OCI layouts."""
    diff_id = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    config = {"os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    listed = [{"Config": "config.json", "RepoTags": ["big:1"], "Layers": ["one/layer.tar"]}]
    documents = {"config.json": config, "manifest.json": listed}
    parts = {name: json.dumps(each).encode() for name, each in documents.items()}
    return tar_of({**parts, "one/layer.tar": layer})


@pytest.mark.parametrize("way", ["import", "load"])
def test_an_archive_that_does_not_fit_leaves_nothing(
    engine: EngineProcess, disk: Disk, way: str
) -> None:
    """At once: who frees some space and tries again finds all of it."""
    layer = tar_of({"big": random.Random(4).randbytes(30_000_000)})
    before = os.statvfs(disk.place).f_bavail
    if way == "import":
        answer = sent(engine, "/images/create?fromSrc=-&repo=big", layer)
    else:
        answer = sent(engine, "/images/load", old_archive(layer))
    assert b"no space left on device" in answer, answer
    assert os.statvfs(disk.place).f_bavail >= before - 100
    assert [each["RepoTags"] for each in engine.request("GET", "/images/json").json] == [
        ["busybox:latest"]
    ]


def test_looking_after_storage_on_a_full_disk(engine: EngineProcess, disk: Disk) -> None:
    disk.fill()
    reply = engine.request("POST", "/budu/storage/check", deep=1)
    if reply.status != 200:  # a layer that is a folder is compared with one made of its tar
        assert "no space left on device" in reply.message
        assert "--quick" in reply.json["hint"]
    quick = engine.request("POST", "/budu/storage/check")
    assert quick.status == 200, quick.body
    assert quick.json["MissingLayers"] == []


def test_an_engine_starts_on_a_full_disk(engine: EngineProcess, disk: Disk) -> None:
    id_ = counter(engine)
    disk.fill()
    engine.kill()
    engine.start()
    assert engine.state(id_)["Running"]
    assert engine.request("POST", f"/containers/{id_}/kill").status == 204
