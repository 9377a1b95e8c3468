"""`cp`: the genuine docker command line, docker-py, and our own command line, on one engine."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker as docker_py
import pytest
from docker.errors import APIError, NotFound
from tests.support.archives import stat
from tests.support.docker import Docker, Done
from tests.support.engine import EngineProcess
from tests.support.scenes import PATIENT, create, run
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

Cp = Callable[..., Done]


@pytest.fixture
def budu(engine: EngineProcess) -> Cp:
    """Our own command line."""

    def call(*words: str, stdin: bytes = b"") -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "budu.cli.main", *words],
            env={**os.environ, "BUDU_HOST": engine.host, "DOCKER_HOST": engine.host},
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture(params=["docker", "budu"])
def cp(request: pytest.FixtureRequest, docker: Docker, budu: Cp) -> Cp:
    """Either command line: what is expected of one is expected of the other."""
    call = docker.run if request.param == "docker" else budu
    return lambda *words, **options: call("cp", *words, **options)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with something to copy."""
    (tmp_path / "dir/sub").mkdir(parents=True)
    (tmp_path / "dir/in").write_text("inner\n")
    (tmp_path / "file").write_text("local\n")
    (tmp_path / "link").symlink_to("file")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def box(engine: EngineProcess) -> str:
    """A container with something to copy."""
    script = (
        "mkdir -p /dir/sub /empty; echo inner > /dir/in; echo remote > /file; ln -s /dir /link;"
        "ln -s file /flink; touch /ready;" + PATIENT
    )
    run(engine, script, name="box")
    eventually(lambda: stat(engine, "box", "/ready"), "the container's files")
    return "box"


def cat(docker: Docker, path: str) -> str:
    """A file of the container, by the genuine client."""
    done = docker.run("cp", f"box:{path}", "-")
    assert done.status == 0, done
    with tarfile.open(fileobj=io.BytesIO(done.raw)) as tar:
        (info,) = tar.getmembers()
        return tar.extractfile(info).read().decode()  # type: ignore[union-attr]


# Both command lines


@pytest.mark.parametrize(
    ("source", "target", "path"),
    [
        ("file", "box:/new", "/new"),
        ("file", "box:/empty", "/empty/file"),
        ("file", "box:/empty/", "/empty/file"),
        ("file", "box:/file", "/file"),
        ("file", "box:/flink", "/file"),
        ("file", "box:/link/", "/dir/file"),
        ("file", "box:empty", "/empty/file"),
        ("./file", "box:/link/in", "/dir/in"),
    ],
)
def test_a_file_goes_in(
    cp: Cp, docker: Docker, here: Path, box: str, source: str, target: str, path: str
) -> None:
    assert cp(source, target).status == 0
    assert cat(docker, path) == "local\n"


@pytest.mark.parametrize(
    ("source", "target", "path"),
    [
        ("dir", "box:/new", "/new/in"),
        ("dir", "box:/empty", "/empty/dir/in"),
        ("dir/.", "box:/empty", "/empty/in"),
        ("dir/.", "box:/new", "/new/in"),
        ("dir/", "box:/new/", "/new/in"),
    ],
)
def test_a_directory_goes_in(
    cp: Cp, docker: Docker, here: Path, box: str, source: str, target: str, path: str
) -> None:
    assert cp(source, target).status == 0
    assert cat(docker, path) == "inner\n"


@pytest.mark.parametrize(
    ("source", "target", "path", "content"),
    [
        ("box:/file", "new", "new", "remote\n"),
        ("box:/file", "file", "file", "remote\n"),
        ("box:/file", "link", "file", "remote\n"),
        ("box:/file", "dir", "dir/file", "remote\n"),
        ("box:/file", ".", "file", "remote\n"),
        ("box:/dir", "new", "new/in", "inner\n"),
        ("box:/dir", "dir", "dir/dir/in", "inner\n"),
        ("box:/dir/.", "new", "new/in", "inner\n"),
        ("box:/dir/.", "dir", "dir/in", "inner\n"),
        ("box:/link/.", "new", "new/in", "inner\n"),
        ("box:dir", "new/", "new/in", "inner\n"),
    ],
)
def test_things_come_out(
    cp: Cp, here: Path, box: str, source: str, target: str, path: str, content: str
) -> None:
    done = cp(source, target)
    assert done.status == 0, done
    assert (here / path).read_text() == content


def test_links_come_out_as_links_or_followed(cp: Cp, here: Path, box: str) -> None:
    assert cp("box:/link", "asis").status == 0
    assert (here / "asis").readlink() == Path("/dir")
    assert cp("-L", "box:/link", "followed").status == 0
    assert (here / "followed/in").read_text() == "inner\n"
    assert cp("--follow-link", "box:/flink", "dir").status == 0
    assert (here / "dir/flink").read_text() == "remote\n"


def test_links_go_in_as_links_or_followed(cp: Cp, docker: Docker, here: Path, box: str) -> None:
    assert cp("link", "box:/asis").status == 0
    assert docker.run("cp", "box:/asis", "back").status == 0
    assert (here / "back").is_symlink()
    assert cp("-L", "link", "box:/followed").status == 0
    assert cat(docker, "/followed") == "local\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("box:/nope", "x"), "Error response from daemon: Could not find the file /nope in "
                             "container box"),
        (("nobody:/x", "x"), "Error response from daemon: No such container: nobody"),
        (("nope", "box:/"), "lstat {here}/nope: no such file or directory"),
        (("file", "box:/no/x"), "Error response from daemon: Could not find the file /no in "
                                "container box"),
        (("file", "box:/no/"), "no such directory"),
        (("box:/file", "no/"), "no such directory"),
        (("box:/file", "no/x"), 'invalid output path: directory "{here}/no" does not exist'),
        (("dir", "box:/file"), "cannot copy directory"),
        (("box:/dir", "file"), "cannot copy directory"),
        (("file/", "box:/"), "not a directory"),
        (("file", "other"), "must specify at least one container source"),
        (("-", "box:/file"), 'destination "box:/file" must be a directory'),
        (("", "box:/file"), "source can not be empty"),
        (("file", ""), "destination can not be empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_copied(
    cp: Cp, here: Path, box: str, words: tuple[str, ...], sentence: str
) -> None:
    done = cp(*words)
    assert done.status == 1
    lines = [line for line in done.err.splitlines() if not line.startswith(("time=", "→", "  "))]
    assert lines == [sentence.format(here=here)]


def test_a_stream_goes_in_and_comes_out(cp: Cp, docker: Docker, here: Path, box: str) -> None:
    done = cp("box:/dir", "-")
    with tarfile.open(fileobj=io.BytesIO(done.raw)) as tar:
        assert tar.getnames() == ["dir", "dir/in", "dir/sub"]
    assert cp("-", "box:/empty", stdin=done.raw).status == 0
    assert cat(docker, "/empty/dir/in") == "inner\n"


def test_a_stopped_container_and_its_volume(cp: Cp, engine: EngineProcess, here: Path) -> None:
    create(engine, ["true"], name="box", Binds=["kept:/vol"])
    assert cp("file", "box:/vol/").status == 0
    assert cp("box:/vol", "out").status == 0
    assert (here / "out/file").read_text() == "local\n"


def test_owners_of_the_archive_or_the_containers_user(
    cp: Cp, docker: Docker, here: Path, engine: EngineProcess
) -> None:
    body = {"Image": "busybox", "User": "daemon", "Cmd": ["true"]}
    engine.request("POST", "/containers/create", body, name="box")
    os.chown(here / "file", 1234, 1235)
    assert cp("file", "box:/tmp/plain").status == 0
    assert cp("-a", "file", "box:/tmp/archive").status == 0
    done = docker.run("cp", "box:/tmp", "-")
    with tarfile.open(fileobj=io.BytesIO(done.raw)) as tar:
        owners = {each.name: (each.uid, each.gid) for each in tar}
    assert owners["tmp/plain"] == (1234, 1235)
    assert owners["tmp/archive"] == (1, 1)


def test_a_terminal_is_told_the_size(docker: Docker, box: str, here: Path) -> None:
    for command in ([docker.binary], [sys.executable, "-m", "budu.cli.main"]):
        environment = {**docker.environment, "BUDU_HOST": docker.environment["DOCKER_HOST"]}
        words = [*command, "cp", "file", "box:/new"]
        with Terminal(words, environment, rows=24, columns=80) as terminal:
            terminal.read_until("Successfully copied 2.05kB to box:/new\r\n")
            assert terminal.wait() == 0


# Ours alone


def test_several_sources(budu: Cp, docker: Docker, here: Path, box: str) -> None:
    assert budu("cp", "file", "dir", "box:/empty").status == 0
    assert cat(docker, "/empty/file") == "local\n"
    assert cat(docker, "/empty/dir/in") == "inner\n"
    assert budu("cp", "box:/file", "box:/dir/in", "dir").status == 0
    assert (here / "dir/file").read_text() == "remote\n"
    done = budu("cp", "file", "dir", "box:/new")
    assert (done.status, done.err.splitlines()[0]) == (
        1,
        'destination "box:/new" must be a directory',
    )


def test_patterns(budu: Cp, here: Path, box: str) -> None:
    assert budu("cp", "box:/*ile", "box:/di?/i*", "dir/sub").status == 0
    assert sorted(os.listdir(here / "dir/sub")) == ["file", "in"]
    done = budu("cp", "box:/*.none", "dir")
    assert done.err.startswith(
        "Error response from daemon: Could not find the file /*.none in container box"
    )


def test_from_container_to_container(
    budu: Cp, docker: Docker, engine: EngineProcess, box: str, here: Path
) -> None:
    create(engine, ["true"], name="other")
    assert budu("cp", "box:/dir", "other:/new").status == 0
    assert budu("cp", "box:/dir", "other:/tmp").status == 0
    assert budu("cp", "-L", "box:/flink", "other:/tmp").status == 0
    for path in ("/new/in", "/tmp/dir/in"):
        assert docker.run("cp", f"other:{path}", "out").status == 0
        assert (here / "out").read_text() == "inner\n"
    assert docker.run("cp", "other:/tmp/flink", "out").status == 0
    assert (here / "out").read_text() == "remote\n"


def test_volumes(budu: Cp, engine: EngineProcess, box: str, here: Path) -> None:
    engine.request("POST", "/volumes/create", {"Name": "data"})
    assert budu("cp", "file", "volume:data/").status == 0
    assert budu("cp", "box:/dir", "volume:data/copy").status == 0
    assert budu("cp", "volume:data/copy/.", "out").status == 0
    assert (here / "out/in").read_text() == "inner\n"
    assert budu("cp", "volume:data/f*", "out").status == 0
    assert (here / "out/file").read_text() == "local\n"
    done = budu("cp", "volume:none/x", "out")
    assert (done.status, done.err) == (1, "Error response from daemon: get none: no such volume\n")


def test_volumes_have_every_kind_of_end(
    budu: Cp, engine: EngineProcess, box: str, here: Path
) -> None:
    for name in ("one", "two"):
        engine.request("POST", "/volumes/create", {"Name": name})
    assert budu("cp", "file", "dir", "box:/dir/in", "volume:one/").status == 0
    packed = budu("cp", "volume:one/dir", "-")
    with tarfile.open(fileobj=io.BytesIO(packed.raw)) as tar:
        assert tar.getnames() == ["dir", "dir/in", "dir/sub"]
    assert budu("cp", "-", "volume:two/", stdin=packed.raw).status == 0
    assert budu("cp", "volume:one/file", "volume:one/in", "volume:two/dir").status == 0
    assert budu("cp", "volume:two/dir/.", "box:/from-volume").status == 0
    assert budu("cp", "box:/from-volume", "out").status == 0
    found = {path.name: path.read_text() for path in (here / "out").iterdir() if path.is_file()}
    assert found == {"file": "local\n", "in": "inner\n"}


def test_owners_go_from_container_to_container(
    budu: Cp, engine: EngineProcess, docker: Docker, here: Path
) -> None:
    for name in ("left", "right"):
        create(engine, ["true"], name=name)
    os.chown(here / "file", 1234, 1235)
    os.chown(here / "dir/in", 77, 78)
    assert docker.run("cp", "file", "left:/tmp/owned").status == 0
    assert docker.run("cp", "dir", "left:/tmp/dir").status == 0
    assert budu("cp", "left:/tmp/owned", "left:/tmp/dir", "right:/tmp").status == 0
    done = docker.run("cp", "right:/tmp", "-")
    with tarfile.open(fileobj=io.BytesIO(done.raw)) as tar:
        owners = {each.name: (each.uid, each.gid) for each in tar}
    assert (owners["tmp/owned"], owners["tmp/dir/in"]) == ((1234, 1235), (77, 78))


def test_owners_are_kept_here_when_asked(
    budu: Cp, engine: EngineProcess, docker: Docker, here: Path
) -> None:
    """The genuine docker reads `-a` and does not heed it on this way."""
    create(engine, ["true"], name="box")
    os.chown(here / "file", 1234, 1235)
    assert docker.run("cp", "file", "box:/tmp/owned").status == 0
    assert budu("cp", "box:/tmp/owned", "plain").status == 0
    assert budu("cp", "--archive", "box:/tmp/owned", "kept").status == 0
    owners = [
        ((here / name).stat().st_uid, (here / name).stat().st_gid) for name in ("plain", "kept")
    ]
    assert owners == [(0, 0), (1234, 1235)]


def test_the_size_is_told_where_it_is_asked_for(budu: Cp, here: Path, box: str) -> None:
    assert budu("cp", "file", "box:/new").err == ""
    told = budu("cp", "--quiet=false", "file", "box:/new").err
    assert told == "Successfully copied 2.05kB to box:/new\n"


def test_hints_speak_korean(budu: Cp, engine: EngineProcess, here: Path) -> None:
    create(engine, ["true"], name="box", ReadonlyRootfs=True)
    done = budu("--lang", "ko", "cp", "file", "box:/tmp")
    assert done.err.splitlines()[0].endswith("container rootfs is marked read-only")
    assert "--read-only로 만든 컨테이너입니다" in done.err


def test_holes_stay_holes(budu: Cp, engine: EngineProcess, here: Path) -> None:
    run(engine, f"truncate -s 1G /sparse; touch /ready; {PATIENT}", name="box")
    eventually(lambda: stat(engine, "box", "/ready"), "the container's file")
    assert budu("cp", "box:/sparse", "sparse").status == 0
    assert (here / "sparse").stat().st_size == 1 << 30
    assert (here / "sparse").stat().st_blocks < 1000


# docker-py


@pytest.fixture
def client(engine: EngineProcess) -> Iterator[docker_py.DockerClient]:
    client = docker_py.from_env(environment={"DOCKER_HOST": engine.host}, timeout=30)
    yield client
    client.close()


@pytest.mark.parametrize("packed", [False, True])
def test_docker_py_gets_archives(client: docker_py.DockerClient, box: str, packed: bool) -> None:
    pieces, stat = client.containers.get("box").get_archive("/dir", encode_stream=packed)
    assert (stat["name"], stat["linkTarget"]) == ("dir", "")
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        assert tar.extractfile("dir/in").read() == b"inner\n"  # type: ignore[union-attr]


def test_docker_py_puts_archives(client: docker_py.DockerClient, docker: Docker, box: str) -> None:
    container: Any = client.containers.get("box")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo("put")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"put"))
    assert container.put_archive("/empty", out.getvalue())
    assert cat(docker, "/empty/put") == "put"
    with pytest.raises(NotFound):
        container.put_archive("/none", out.getvalue())
    with pytest.raises(APIError) as caught:
        container.put_archive("/file", out.getvalue())
    assert caught.value.status_code == 400
