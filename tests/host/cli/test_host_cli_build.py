"""`budu build` against an engine of ours: what was sent is what the steps see."""

from __future__ import annotations

import functools
import http.server
import json
import os
import signal
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.host.cli.test_host_cli_images import Budu
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.registry import running_registry
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

HTPASSWD = "ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"
"""What `htpasswd -nbB ann secret` prints."""
CLI = "from budu.cli.main import entry; entry()"
LISTING = "RUN cd /context && find . | sort\n"


@pytest.fixture
def budu(engine: EngineProcess, tmp_path: Path) -> Iterator[Budu]:
    (tmp_path / "home").mkdir()
    yield Budu(engine, tmp_path / "home")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a context `app`."""
    monkeypatch.chdir(tmp_path)
    for path in ("app/src/main", "app/src/cache/x", "app/keep.log", "app/drop.log"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(f"{path}\n")
    write("FROM busybox\nCOPY . /context\n" + LISTING)
    return tmp_path


def write(text: str, path: str = "app/Dockerfile") -> None:
    Path(path).write_text(text)


def listed(output: str) -> list[str]:
    """What `LISTING` told."""
    return [line for line in output.splitlines() if line.startswith("./")]


def test_a_folder_becomes_an_image_that_runs(budu: Budu, app: Path) -> None:
    write("FROM busybox\nCOPY . /context\nCMD cat /context/src/main\n")
    output = budu("build", "-t", "web:1", "--iidfile", "iid", "app")
    assert output.splitlines()[-1] == "Successfully tagged web:1"
    assert budu("run", "--rm", "web:1") == "app/src/main"
    assert Path("iid").read_text() == budu("inspect", "-f", "{{.Id}}", "web:1")
    assert budu("build", "-q", "app") == Path("iid").read_text()


def test_the_steps_see_what_ignore_files_leave(budu: Budu, app: Path) -> None:
    write("*.log\n!keep.log\n**/cache\n.dockerignore\nDockerfile\n", "app/.dockerignore")
    first = listed(budu("build", "--no-cache", "app"))
    assert first == ["./keep.log", "./src", "./src/main"]
    write("src\n", "app/Dockerfile.dockerignore")
    assert listed(budu("build", "--no-cache", "app")) == [
        "./.dockerignore", "./Dockerfile", "./Dockerfile.dockerignore", "./drop.log", "./keep.log",
    ]  # fmt: skip


@pytest.mark.parametrize("given", ["-", "elsewhere"])
def test_a_dockerfile_from_elsewhere_is_not_seen(budu: Budu, app: Path, given: str) -> None:
    text = f"FROM busybox\nCOPY . /context\n{LISTING}"
    write(text, "elsewhere")
    seen = budu("build", "--no-cache", "-f", given, "app", stdin=text.encode())
    assert listed(seen) == [
        "./Dockerfile", "./drop.log", "./keep.log", "./src", "./src/cache", "./src/cache/x",
        "./src/main",
    ]  # fmt: skip
    again = budu("build", "-f", given, "app", stdin=text.encode())
    assert again.count(" ---> Using cache") == 2


def test_an_archive_and_a_dockerfile_on_standard_input(budu: Budu, app: Path) -> None:
    with tarfile.open("app.tgz", "w:gz") as tar:
        tar.add("app", ".")
    packed = Path("app.tgz").read_bytes()
    assert "./src/main" in listed(budu("build", "--no-cache", "-", stdin=packed))
    assert "Successfully built" in budu("build", "-", stdin=b"FROM busybox\nRUN true\n")
    assert "./src/main" in listed(budu("build", "--no-cache", "--compress", "app"))


def test_files_are_what_they_were(budu: Budu, app: Path) -> None:
    Path("app/tool").write_text("#!/bin/sh\n")
    Path("app/tool").chmod(0o4751)
    Path("app/link").symlink_to("tool")
    os.link("app/tool", "app/twin")
    write("FROM busybox\nCOPY . /c\nRUN cd /c && stat -c '%n %a %u:%g %N' tool link twin\n")
    seen = budu("build", "app").splitlines()
    assert "tool 4751 0:0 tool" in seen
    assert "twin 4751 0:0 twin" in seen
    assert any(line.startswith("link 777 0:0") for line in seen)


def test_both_clients_share_the_cache(budu: Budu, docker: Docker, app: Path) -> None:
    Path("app/link").symlink_to("src")
    os.link("app/keep.log", "app/twin")
    write("FROM busybox\nCOPY . /shared\nRUN echo $((40 + 2))\n")
    docker("build", "-t", "theirs", "app")
    assert budu("build", "-t", "ours", "app").count(" ---> Using cache") == 2
    assert budu("images", "-q", "ours") == budu("images", "-q", "theirs")


def test_arguments_labels_and_stages(budu: Budu, app: Path) -> None:
    write("FROM busybox AS one\nARG WHO\nENV WHO=$WHO\nFROM one AS two\nRUN false\n")
    budu.environment = {**budu.environment, "WHO": "somebody"}
    budu("build", "-t", "x", "--target", "one", "--build-arg", "WHO", "--label", "a=b", "app")
    config = json.loads(budu("inspect", "-f", "{{json .Config}}", "x"))
    assert "WHO=somebody" in config["Env"]
    assert config["Labels"]["a"] == "b"


def test_a_step_that_fails_ends_with_its_status(budu: Budu, app: Path) -> None:
    write("FROM busybox\nRUN echo wrong >&2; exit 7\n")
    done = budu.run("build", "app")
    assert done.returncode == 7
    assert b"wrong\n" in done.stdout
    assert done.stderr.decode().splitlines()[0] == (
        "The command '/bin/sh -c echo wrong >&2; exit 7' returned a non-zero code: 7"
    )
    quiet = budu.run("build", "-q", "app")
    assert (quiet.returncode, quiet.stdout) == (7, b"")
    assert b"wrong\n" in quiet.stderr


def test_a_dockerfile_that_cannot_be_read(budu: Budu, app: Path) -> None:
    write("FROM busybox\nNOPE\n")
    sentence = budu.failure("build", "app").splitlines()[0]
    assert sentence.startswith("Error response from daemon: dockerfile parse error on line 2: ")
    assert "unknown instruction: NOPE" in sentence


def test_a_base_image_is_pulled_and_shown(budu: Budu, app: Path) -> None:
    write("FROM layered\n")
    budu.run("rmi", "layered")
    lines = budu("build", "app").splitlines()
    assert "latest: Pulling from library/layered" in lines


def test_a_base_image_that_wants_a_login(budu: Budu, app: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir()
    with running_registry(tmp_path / "locked", htpasswd=HTPASSWD) as address:
        budu("login", "-u", "ann", "--password-stdin", address, stdin=b"secret")
        budu("tag", "busybox", f"{address}/base:1")
        budu("push", "-q", f"{address}/base:1")
        budu("rmi", f"{address}/base:1")
        write(f"FROM {address}/base:1\n")
        assert "Successfully built" in budu("build", "app")
        budu("logout", address)
        budu("rmi", f"{address}/base:1")
        assert "no basic auth credentials" in budu.failure("build", "app")


def test_a_repository_and_a_url(budu: Budu, app: Path) -> None:
    write("FROM busybox\nCOPY . /context\n" + LISTING)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "x"),
                  ("update-server-info",)):  # fmt: skip
        identity = ("-c", "user.name=x", "-c", "user.email=x@x")
        subprocess.run(["git", *identity, *words], cwd="app", check=True)
    Path("app.git").symlink_to("app/.git")
    with serving(app) as address:
        found = listed(budu("build", "--no-cache", f"{address}/app.git"))
        assert "./src/main" in found
        assert not [path for path in found if ".git" in path]
        write("FROM busybox\nRUN echo small\n", "small")
        assert "small\n" in budu("build", f"{address}/small")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The folder at an address on loopback."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def test_the_cache_is_told_and_pruned(budu: Budu, app: Path) -> None:
    write("FROM busybox\nRUN echo cached > /file\n")
    budu("build", "-q", "app")
    budu("builder", "prune", "-a", "-f")
    budu("build", "-q", "-t", "cached", "app")
    budu("rmi", "-f", "cached")
    rows = json.loads(budu("system", "df", "-v", "--format", "json"))["BuildCache"]
    assert rows
    pruned = budu("builder", "prune", "-f", "-a").splitlines()
    assert pruned[0] == "Deleted build cache objects:"
    assert pruned[-1].startswith("Total reclaimed space: ")
    assert "Using cache" not in budu("build", "app")


def test_an_interrupt_ends_the_build(budu: Budu, app: Path, engine: EngineProcess) -> None:
    write("FROM busybox\nRUN echo begun; sleep 1000\n")
    command = [*program(), "build", "app"]
    with subprocess.Popen(
        command, env=budu.environment, stdout=subprocess.PIPE, preexec_fn=heed_interrupts
    ) as process:
        assert process.stdout is not None
        try:
            eventually(lambda: b"begun" in process.stdout.readline())
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        finally:
            process.kill()
    eventually(lambda: budu("ps", "-aq") == "")


def test_a_person_sees_the_context_and_then_the_steps(budu: Budu, app: Path) -> None:
    write("FROM busybox\nRUN echo done-$((40 + 2))\n")
    with Terminal([*program(), "build", "app"], budu.environment, rows=24, columns=80) as screen:
        sent = screen.read_until("Step 1/2 : FROM busybox")
        assert "\x1b[2KSending build context to Docker daemon  " in sent
        screen.read_until("done-42")
        assert screen.wait() == 0


def heed_interrupts() -> None:
    """What runs these tests may ignore the signal, and its children then do, too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def program() -> list[str]:
    import sys

    return [sys.executable, "-c", CLI]
