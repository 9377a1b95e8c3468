"""The genuine docker client and ours send the same build: query, headers and members."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from build_recorder import BuildRecorder, Request, standard_input
from cli_engine import main_words

from budu.base.errors import NotFound
from budu.build.context import receive
from budu.cli.main import find_command

pytestmark = pytest.mark.docker_cli

SETTINGS = """{
 "auths": {"https://index.docker.io/v1/": {"auth": "YW5uOnNlY3JldA=="},
           "localhost:5000": {"auth": "Ym9iOnB3", "identitytoken": "token"}},
 "proxies": {"default": {"httpProxy": "http://proxy:1", "noProxy": "a,b"}}
}"""
IGNORE = "# left out\n*.log\n!keep.log\n/out\n!out/keep\n\n**/*.pyc\ndeep/**/x?\n"
EVERYTHING = [
    "--build-arg", "FOO", "--build-arg", "NOPE", "--build-arg", "A=1", "--build-arg",
    "http_proxy=mine", "--label", "x", "--label", "y=1", "--add-host", "h:1.2.3.4", "--add-host",
    "g=host-gateway", "--cache-from", "a,b", "--cache-from", "c", "--cgroup-parent", "/x",
    "--cpu-period", "5", "--cpu-quota", "6", "-c", "7", "--cpuset-cpus", "0", "--cpuset-mems", "0",
    "--force-rm", "--rm=false", "--isolation", "default", "-m", "64m", "--memory-swap", "-1",
    "--network", "host", "--no-cache", "--platform", "Linux/AMD64", "--pull", "--security-opt",
    "seccomp=unconfined", "--shm-size", "1m", "-t", "a:1", "-t", "localhost:5000/x", "--target",
    "T", "--ulimit", "nofile=5:6", "--ulimit", "core=0",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder, with a context `app` of many kinds of files and settings in `home`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOO", "bar")
    monkeypatch.delenv("NOPE", raising=False)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/config.json").write_text(SETTINGS)
    app = tmp_path / "app"
    for path in ("Dockerfile", "docker/dev", "a.log", "keep.log", "out/a", "out/keep/b", "m/x.pyc",
                 "m/y.py", "deep/a/b/x1", "deep/a/b/y1", "이름", f"{'n' * 150}/file"):  # fmt: skip
        (app / path).parent.mkdir(parents=True, exist_ok=True)
        (app / path).write_text(f"# {path}\n")
    (app / ".dockerignore").write_text(IGNORE)
    (app / "link").symlink_to("m/y.py")
    (app / "dangling").symlink_to("/no/such")
    (app / "void").mkdir(mode=0o711)
    os.link(app / "m/y.py", app / "hard")
    os.mkfifo(app / "pipe")
    (app / "docker/dev").chmod(0o4755)
    (tmp_path / "other").write_text("FROM other\n")
    return tmp_path


def genuine(folder: Path, words: list[str], stdin: bytes) -> tuple[Request | None, str, int]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "FOO": "bar",
        "DOCKER_CONFIG": str(folder / "home"),
    }
    with BuildRecorder() as engine:
        done = subprocess.run(
            ["docker", "-H", engine.host, "build", *words],
            cwd=folder, env=environment, input=stdin, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        sent = engine.recorded[-1] if engine.recorded else None
    complaint = done.stderr.decode().partition("/go/buildx/\n\n")[2]
    complaint = complaint.replace("docker build", "budu build").replace("docker:", "budu:")
    return sent, complaint.rstrip("\n"), done.returncode


def ours(folder: Path, words: list[str], stdin: bytes) -> tuple[Request | None, int]:
    with BuildRecorder() as engine, standard_input(stdin):
        status = main_words(engine.host, folder / "home", "build", *words)
        return (engine.recorded[-1] if engine.recorded else None), status


@pytest.fixture
def archive(folder: Path) -> Iterator[bytes]:
    done = subprocess.run(["tar", "-c", "."], cwd=folder / "app", capture_output=True, check=True)
    yield done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["app"],
        ["-q", "app"],
        ["-f", "app/docker/dev", "app"],
        [*EVERYTHING, "app"],
        ["--network", "default", "--target", "", "--build-arg", "A=", "app"],
    ],
)
def test_a_folder(folder: Path, words: list[str]) -> None:
    expected, _, _ = genuine(folder, words, b"")
    sent, status = ours(folder, words, b"")
    assert status == 0
    compare(sent, expected)


@pytest.mark.parametrize("words", [["-"], ["-f", "docker/dev", "-"], ["--compress", "-"]])
def test_an_archive(folder: Path, archive: bytes, words: list[str]) -> None:
    expected, _, _ = genuine(folder, words, archive)
    sent, _ = ours(folder, words, archive)
    compare(sent, expected)


def test_a_dockerfile_alone(folder: Path) -> None:
    expected, _, _ = genuine(folder, ["-"], b"FROM x\n")
    sent, _ = ours(folder, ["-"], b"FROM x\n")
    compare(sent, expected)


@pytest.mark.parametrize("rules", [IGNORE, "*\n", None])
@pytest.mark.parametrize("given", ["-", "other"])
def test_a_dockerfile_from_elsewhere(folder: Path, rules: str | None, given: str) -> None:
    ignore = folder / "app/.dockerignore"
    ignore.write_text(rules) if rules is not None else ignore.unlink()
    expected, _, _ = genuine(folder, ["-f", given, "app"], b"FROM x\n")
    sent, _ = ours(folder, ["-f", given, "app"], b"FROM x\n")
    compare(sent, expected)


def test_the_engine_reads_what_docker_left_without_an_end(folder: Path, tmp_path_factory) -> None:
    sent, _, _ = genuine(folder, ["-f", "other", "app"], b"")
    assert sent is not None
    (name,) = sent.query["dockerfile"]
    with receive(iter((sent.body,)), tmp_path_factory.mktemp("received")) as context:
        assert context.read(name) == b"FROM other\n"
        context.leave_out(name)
        with pytest.raises(NotFound):
            context.read(name)


def compare(sent: Request | None, expected: Request | None) -> None:
    """The same, but for the name of a Dockerfile that the context does not have."""
    assert sent is not None
    assert expected is not None
    assert document(sent) == document(expected)


def document(request: Request) -> dict[str, object]:
    import json
    from base64 import urlsafe_b64decode

    (dockerfile,) = request.query.get("dockerfile", ["none"])
    hidden = dockerfile if dockerfile.startswith(".dockerfile.") else "none"
    query = {name: [_plain(value, hidden) for value in values]
             for name, values in request.query.items()}  # fmt: skip
    headers = {name: request.headers.get(name) for name in ("content-type", "transfer-encoding")}
    members = {
        _plain(member.name, hidden): (
            member.kind, member.owner, member.link, _plain(member.data.decode(), hidden),
            None if member.name in (hidden, ".dockerignore") else member.mode,
        )
        for member in request.members
    }  # fmt: skip
    return {
        "query": query,
        "headers": headers,
        "registries": json.loads(urlsafe_b64decode(request.headers["x-registry-config"])),
        "members": members,
        "order": [name for name in members if name not in ("hidden", ".dockerignore")],
    }


def _plain(text: str, hidden: str) -> object:
    import json

    shown = text.replace(hidden, "hidden")
    return json.loads(shown) if shown[:1] in ("{", "[") else shown


@pytest.mark.parametrize(
    "words",
    [
        [], ["app", "b"], ["nope"], ["app/Dockerfile"], ["-f", "nope", "app"], ["-f", "-", "-"],
        ["-f", "x", "-"], ["-t", "x:y:z", "app"], ["-t", "B", "app"], ["--build-arg", "=x", "app"],
        ["--label", "=x", "app"], ["--add-host", "bad", "app"], ["--ulimit", "x", "app"],
        ["--memory", "x", "app"], ["--nope", "app"],
    ],
)  # fmt: skip
def test_complaints(folder: Path, capsys, words: list[str]) -> None:
    sent, complaint, expected = genuine(folder, words, b"FROM x\n")
    assert sent is None
    assert ours(folder, words, b"FROM x\n") == (None, expected)
    shown = capsys.readouterr().err.partition("\n→")[0].rstrip("\n")
    assert shown == complaint


@pytest.mark.parametrize("words", [["build"], ["builder", "prune"]])
def test_flags(words: list[str]) -> None:
    done = subprocess.run(["docker", *words, "--help"], capture_output=True, text=True, check=True)
    found = re.findall(r"^ {2}(?:-(\w), | {4})--([\w-]+)( \w+)?", done.stdout, re.MULTILINE)
    flags = {flag.name: (flag.short, flag.kind) for flag in find_command(words)[0].flags}
    assert found
    for short, name, kind in found:
        assert flags[name] == (short, kind.strip() or "bool"), name
