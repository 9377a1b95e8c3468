"""Whole volumes beyond Docker's calls, by our own command line; docker sees what they did."""

from __future__ import annotations

import http.client
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.docker import Docker
from tests.support.engine import ROOT, EngineProcess

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

SLEEP = ("busybox", "sleep", "600")
Budu = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(autouse=True)
def tidy(engine: EngineProcess) -> Iterator[None]:
    yield
    engine.environment = {}
    if not engine.is_running:
        engine.start()
    engine.remove_containers()


@pytest.fixture
def budu(engine: EngineProcess) -> Budu:
    environment = {**os.environ, "DOCKER_HOST": engine.host, "LC_ALL": "C.UTF-8"}

    def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "budu.cli.main", *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, env=environment, cwd=ROOT, timeout=60
        )

    return run


def ok(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 0, done
    return done.stdout.decode().strip()


def fill(docker: Docker, volume: str, text: str = "one") -> None:
    docker("run", "--rm", "-v", f"{volume}:/d", "busybox", "sh", "-c", f"echo {text} > /d/f")


def read(docker: Docker, volume: str) -> str:
    return docker("run", "--rm", "-v", f"{volume}:/d", "busybox", "cat", "/d/f")


def test_rename_takes_stopped_containers_along(docker: Docker, budu: Budu) -> None:
    fill(docker, "data")
    docker("volume", "create", "--label", "a=b", "labelled")
    docker("create", "--name", "reader", "-v", "data:/d", "busybox", "cat", "/d/f")
    ok(budu("volume", "rename", "data", "store"))
    assert docker("volume", "ls", "-q").split() == ["labelled", "store"]
    assert docker("inspect", "-f", "{{(index .Mounts 0).Name}}", "reader") == "store"
    assert docker("start", "-a", "reader") == "one"
    ok(budu("volume", "rename", "labelled", "other"))
    assert docker("volume", "inspect", "-f", "{{.Labels.a}}", "other") == "b"


def test_rename_is_refused_while_a_container_runs(docker: Docker, budu: Budu) -> None:
    docker("run", "-d", "--name", "user", "-v", "data:/d", *SLEEP)
    done = budu("volume", "rename", "data", "store")
    assert done.returncode == 1
    words = b"rename data: volume is in use by running containers - [user]"
    assert words in done.stderr
    assert b"budu stop user" in done.stderr
    docker("volume", "create", "taken")
    docker("volume", "create", "free")
    assert b"volume name must be unique: taken" in budu("volume", "rename", "free", "taken").stderr
    assert b"includes invalid characters" in budu("volume", "rename", "free", "a/b").stderr
    assert b"no such volume" in budu("volume", "rename", "nobody", "new").stderr


@pytest.mark.parametrize(
    ("point", "kept"), [("volume.folder-renamed", "data"), ("volume.renamed", "store")]
)
def test_a_kill_in_the_middle_of_a_rename(
    engine: EngineProcess, docker: Docker, budu: Budu, point: str, kept: str
) -> None:
    docker("volume", "create", "--label", "a=b", "data")
    fill(docker, "data")
    kill_at(engine, point)
    with pytest.raises((OSError, http.client.HTTPException)):
        engine.request("POST", "/budu/volumes/data/rename", {"Name": "store"})
    next_engine(engine)
    assert docker("volume", "ls", "-q") == kept
    assert docker("volume", "inspect", "-f", "{{.Labels.a}}", kept) == "b"
    assert read(docker, kept) == "one"


def test_a_kill_in_the_middle_of_a_clone(engine: EngineProcess, docker: Docker) -> None:
    fill(docker, "data")
    kill_at(engine, "volume.cloned")
    with pytest.raises((OSError, http.client.HTTPException)):
        engine.request("POST", "/budu/volumes/data/clone", {"Name": "second"})
    next_engine(engine)
    assert docker("volume", "ls", "-q") == "data"
    assert not (engine.data_root / "volumes" / "second").exists()


def kill_at(engine: EngineProcess, point: str) -> None:
    engine.stop()
    engine.environment = {"BUDU_KILL_AT": point}
    engine.start()


def next_engine(engine: EngineProcess) -> None:
    engine.wait()
    engine.environment = {}
    engine.start()


def test_a_clone_has_a_life_of_its_own(docker: Docker, budu: Budu) -> None:
    fill(docker, "data")
    assert ok(budu("volume", "clone", "data", "second")) == "second"
    fill(docker, "second", "two")
    assert (read(docker, "data"), read(docker, "second")) == ("one", "two")
    assert b"volume name must be unique" in budu("volume", "clone", "data", "second").stderr


def test_a_snapshot_comes_back(docker: Docker, budu: Budu) -> None:
    fill(docker, "data")
    assert ok(budu("volume", "snapshot", "create", "data", "first")) == "first"
    fill(docker, "data", "two")
    assert ok(budu("volume", "snapshot", "ls", "data")).splitlines()[1].split()[0] == "first"
    docker("run", "-d", "--name", "user", "-v", "data:/d", *SLEEP)
    done = budu("volume", "snapshot", "restore", "data", "first")
    assert b"restore data: volume is in use by running containers - [user]" in done.stderr
    docker("rm", "-f", "user")
    ok(budu("volume", "snapshot", "restore", "data", "first"))
    assert read(docker, "data") == "one"
    ok(budu("volume", "snapshot", "rm", "data", "first"))
    assert b"no such snapshot" in budu("volume", "snapshot", "rm", "data", "first").stderr


@pytest.mark.parametrize(
    ("compression", "magic"), [("none", b""), ("gzip", b"\x1f\x8b"), ("zstd", b"\x28\xb5\x2f\xfd")]
)
def test_export_and_import(
    docker: Docker, budu: Budu, tmp_path: Path, compression: str, magic: bytes
) -> None:
    fill(docker, "data")
    done = budu("volume", "export", "--compress", compression, "data")
    assert done.returncode == 0 and done.stdout.startswith(magic)
    assert ok(budu("volume", "import", "second", stdin=done.stdout)) == "second"
    assert read(docker, "second") == "one"
    if not magic:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            assert "./f" in archive.getnames()


def test_an_import_that_fails_leaves_nothing(docker: Docker, budu: Budu) -> None:
    fill(docker, "data")
    whole = budu("volume", "export", "data").stdout
    assert budu("volume", "import", "second", stdin=whole[:700]).returncode == 1
    assert docker("volume", "ls", "-q") == "data"


def test_browse_stays_inside(docker: Docker, budu: Budu) -> None:
    docker("run", "--rm", "-v", "data:/d", "busybox", "sh", "-c",
           "mkdir /d/in; echo x > /d/in/f; ln -s / /d/out; ln -s ../../.. /d/up")  # fmt: skip
    assert ok(budu("volume", "browse", "-q", "data")).split() == ["in", "out", "up"]
    assert ok(budu("volume", "browse", "-q", "data:/in")) == "f"
    assert ok(budu("volume", "browse", "-q", "data:/out")).split() == ["in", "out", "up"]
    assert ok(budu("volume", "browse", "-q", "data:/up/../../in")) == "f"
    assert "out -> /" in ok(budu("volume", "browse", "data"))
    assert (
        b"Could not find the file /no in volume data" in budu("volume", "browse", "data:/no").stderr
    )


def test_cp_between_volumes_and_here(docker: Docker, budu: Budu, tmp_path: Path) -> None:
    fill(docker, "data")
    docker("volume", "create", "second")
    ok(budu("volume", "cp", "data:/f", "second:/f"))
    assert read(docker, "second") == "one"
    ok(budu("volume", "cp", "second:/f", str(tmp_path / "f")))
    assert (tmp_path / "f").read_text() == "one\n"


def test_prune_by_budget_and_age(docker: Docker, budu: Budu) -> None:
    for name in ("old", "new"):
        fill(docker, name)
    assert "old" not in ok(budu("volume", "prune", "-af", "--unused-for", "1h"))
    out = ok(budu("volume", "prune", "-af", "--keep-storage", "5b"))
    assert "old" in out and "new" not in out
    assert docker("volume", "ls", "-q") == "new"
    assert b"invalid" in budu("volume", "prune", "-af", "--max-size", "lots").stderr
    assert "new" in docker("volume", "prune", "-af", "--filter", "until=0s")
