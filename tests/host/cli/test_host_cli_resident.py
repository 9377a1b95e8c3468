"""The script `budu`, `front` and the resident that runs its commands."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

import budu
from budu.cli import resident
from budu.cli.launcher import write_launcher

pytestmark = pytest.mark.host

PACKAGE = Path(budu.__file__).parent
TIMEOUT_S = 60


class Script:
    """A script `budu` of its own, and so with a resident of its own.

    Its interpreter can be taken away: what works then was run by the resident.
    """

    def __init__(self, folder: Path, host: str, *, source: Path = PACKAGE.parent) -> None:
        self.folder = folder
        self.python = folder / "python"
        self.python.symlink_to(sys.executable)
        self.path = write_launcher(folder, python=str(self.python), source=source)
        self.environ = {"PATH": os.environ["PATH"], "BUDU_HOST": host, "HOME": str(folder)}
        self.socket = Path(resident.socket_path(str(self.path)))

    def start(self, *words: str, **options: object) -> subprocess.Popen[bytes]:
        streams = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        merged = {**streams, "env": self.environ, **options}
        # Whoever runs the tests may ignore signals: nohup does, and a shell's `&`.
        command = ["env", "--default-signal", self.path, *words]
        return subprocess.Popen(command, **merged)  # type: ignore[call-overload,no-any-return]

    def run(self, *words: str, given: bytes = b"", **options: object) -> tuple[int, bytes, bytes]:
        with self.start(*words, stdin=subprocess.PIPE, **options) as process:
            out, err = process.communicate(given, TIMEOUT_S)
        return process.returncode, out, err

    def say(self, *words: str, **options: object) -> bytes:
        code, out, err = self.run(*words, **options)  # type: ignore[arg-type]
        assert (code, err) == (0, b""), err
        return out

    def warm(self) -> None:
        """Have a resident, and then nothing but it."""
        self.say("version")
        eventually(self.socket.exists)
        eventually(lambda: self.workers() == resident.SPARES)
        self.python.unlink()

    @property
    def pid(self) -> int:
        """The resident's."""
        return int(self.lock.read_text())

    @property
    def lock(self) -> Path:
        return self.socket.with_name(f"{self.socket.name}.lock")

    def workers(self) -> int:
        """How many processes it has forked."""
        return len(children(self.pid))

    def end(self) -> None:
        if self.socket.exists():
            os.kill(self.pid, signal.SIGTERM)


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder whose name is short: the kernel reads little of a script's first line."""
    with tempfile.TemporaryDirectory(prefix="bf-") as folder:
        yield Path(folder)


@pytest.fixture
def script(place: Path, engine: EngineProcess, clean: None) -> Iterator[Script]:
    script = Script(place, engine.host)
    yield script
    script.end()


@pytest.fixture
def warm(script: Script) -> Script:
    script.warm()
    return script


@pytest.fixture
def container(warm: Script) -> str:
    warm.say("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    return "box"


def test_it_answers_without_an_interpreter(warm: Script) -> None:
    assert warm.say("ps", "-q") == b""
    assert warm.say("images", "-q") != b""


def test_without_one_the_command_runs_all_the_same(script: Script) -> None:
    script.environ["BUDU_RESIDENT"] = "no"
    assert script.say("ps", "-q") == b""
    assert not script.socket.exists()


def test_streams_and_exit_code(warm: Script, container: str) -> None:
    shell = "cat; echo problem >&2; exit 7"
    code, out, err = warm.run("exec", "-i", container, "sh", "-c", shell, given=b"\0\xffgiven")
    assert (code, out, err) == (7, b"\0\xffgiven", b"problem\n")
    code, out, err = warm.run("inspect", "nobody")
    assert code == 1
    assert b"no such object" in err.lower()


def test_words_and_surroundings_are_the_callers(warm: Script, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "here").touch()
    options = {"cwd": tmp_path, "umask": 0o077, "env": {**warm.environ, "WORD": "안녕"}}
    words = ("--cidfile", "id", "-v", "./data:/data", "-e", "WORD", "busybox")
    out = warm.say("run", *words, "sh", "-c", 'ls /data; echo "$WORD|$1"', "x", "인자", **options)
    assert out == "here\n안녕|인자\n".encode()
    assert (tmp_path / "id").stat().st_mode & 0o777 == 0o600


def test_messages_are_in_the_callers_language(warm: Script) -> None:
    korean = {**warm.environ, "LANG": "ko_KR.UTF-8"}
    assert "컨테이너".encode() in warm.say("ps", "--help", env=korean)
    assert b"List" in warm.say("ps", "--help")


def test_many_at_once(warm: Script, container: str) -> None:
    def one(number: int) -> bytes:
        return warm.say("exec", container, "echo", str(number))

    with ThreadPoolExecutor(12) as threads:
        assert list(threads.map(one, range(36))) == [b"%d\n" % number for number in range(36)]


def test_signals_reach_the_command(warm: Script) -> None:
    shell = "trap 'exit 42' TERM; echo ready; while :; do sleep 0.05; done"
    with warm.start("run", "--rm", "busybox", "sh", "-c", shell) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        assert ended(process) == 42


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_as_without_a_resident(script: Script, number: int) -> None:
    def end() -> int:
        with script.start("logs", "-f", "box") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(number)
            return ended(process)

    script.say("run", "-d", "--name", "box", "busybox", "sh", "-c", "echo ready; sleep 1000")
    eventually(script.socket.exists)
    script.end()
    eventually(lambda: not script.socket.exists())
    script.environ["BUDU_RESIDENT"] = "no"
    alone = end()
    del script.environ["BUDU_RESIDENT"]
    script.warm()
    assert end() == alone


def test_what_ended_the_first_caller_or_not_is_nothing_to_the_next(script: Script) -> None:
    """The first one ignored signals, and its resident does so, too."""
    words = ["sh", "-c", f"trap '' INT HUP; exec {script.path} version"]
    subprocess.run(words, env=script.environ, stdout=subprocess.DEVNULL, check=True)
    eventually(script.socket.exists)
    eventually(lambda: script.workers() == resident.SPARES)
    script.python.unlink()
    script.say("run", "-d", "--name", "box", "busybox", "sh", "-c", "echo ready; sleep 1000")
    for number, code in ((signal.SIGINT, 130), (signal.SIGHUP, -signal.SIGHUP)):
        with script.start("logs", "-f", "box") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(number)
            assert ended(process) == code


def test_a_signal_that_the_caller_ignores_is_ignored(warm: Script, container: str) -> None:
    command = f"trap '' INT; exec {warm.path} exec {container} sh -c 'echo ready; sleep 1; echo on'"
    with subprocess.Popen(
        ["sh", "-c", command], env=warm.environ, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b"on\n"
    assert process.returncode == 0


def test_it_stops_and_goes_on(warm: Script, container: str) -> None:
    shell = "echo ready; while read word; do echo got $word; done"
    with warm.start("exec", "-i", container, "sh", "-c", shell, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTSTP)
        eventually(lambda: state_of(process.pid) == "T")
        process.send_signal(signal.SIGCONT)
        eventually(lambda: state_of(process.pid) != "T")
        process.stdin.write(b"one\n")
        process.stdin.close()
        assert process.stdout.read() == b"got one\n"
        assert ended(process) == 0


def ended(process: subprocess.Popen[bytes]) -> int:
    """How it ended. It does not outlive a failure: leaving its `with` block waits for it."""
    try:
        return process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_killed_caller_takes_its_worker_along(warm: Script, container: str) -> None:
    with warm.start("exec", "-i", container, "cat", stdin=subprocess.PIPE) as process:
        eventually(lambda: warm.workers() > resident.SPARES)
        process.kill()
    eventually(lambda: warm.workers() == resident.SPARES)
    assert warm.say("ps", "-q") != b""


def test_a_terminal(warm: Script, container: str) -> None:
    words = [str(warm.path), "exec", "-it", container, "sh", "-c", "stty size; read x; stty size"]
    with Terminal(words, warm.environ, rows=20, columns=70) as terminal:
        terminal.read_until("20 70")
        terminal.resize(30, 90)
        terminal.tell_resize()
        time.sleep(0.3)
        terminal.type("x\r")
        terminal.read_until("30 90")
        assert terminal.process.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize(
    "other",
    [
        ("unshare", "-n"),
        ("unshare", "-m"),
        ("setpriv", "--no-new-privs"),
        ("setpriv", "--bounding-set=-sys_boot"),
        ("env", "LC_ALL=ko_KR.EUC-KR"),
    ],
    ids=lambda words: words[-1],
)
def test_whoever_is_not_in_its_place_is_declined(warm: Script, other: tuple[str, ...]) -> None:
    done = subprocess.run(
        [*other, warm.path, "ps"], env=warm.environ, capture_output=True, check=False
    )
    assert done.returncode == 125
    assert done.stderr == f"budu: cannot execute {warm.python}\n".encode()


@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_left_to_the_caller(warm: Script, stream: str) -> None:
    shell = f"exec {warm.path} ps {stream}"
    done = subprocess.run(
        ["sh", "-c", shell], env=warm.environ, stdout=subprocess.PIPE, check=False
    )
    assert (done.returncode, done.stdout) == (125, b"")


def test_what_asks_at_the_terminal_is_left_to_the_caller(warm: Script) -> None:
    assert warm.run("login", "-u", "ann", "127.0.0.1:1")[0] == 125


def test_what_starts_other_programs_is_left_to_the_caller(warm: Script) -> None:
    away = {**warm.environ, "BUDU_HOST": "ssh://127.0.0.1:1"}
    code, _, err = warm.run("ps", env=away)
    assert (code, err) == (125, f"budu: cannot execute {warm.python}\n".encode())


def test_edited_code_is_never_run_as_it_was(
    tmp_path: Path, place: Path, engine: EngineProcess, clean: None
) -> None:
    source = tmp_path / "source"
    for package in ("base", "client", "cli", "spec"):
        shutil.copytree(
            PACKAGE / package,
            source / "budu" / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    shutil.copy(PACKAGE / "__init__.py", source / "budu")
    script = Script(place, engine.host, source=source)
    try:
        script.say("version")
        eventually(script.socket.exists)
        eventually(lambda: script.workers() == resident.SPARES)
        pid = script.pid
        main = source / "budu" / "cli" / "main.py"
        text = main.read_text()
        main.write_text(text.replace('"""Run one command line', 'print("edited")\n    """', 1))
        assert script.say("ps", "-q") == b"edited\n"
        eventually(lambda: not Path(f"/proc/{pid}").exists())
    finally:
        script.end()


def test_a_killed_resident_is_replaced(script: Script) -> None:
    script.say("version")
    eventually(script.socket.exists)
    first = script.pid
    eventually(lambda: script.workers() == resident.SPARES)
    spares = [Path(f"/proc/{pid}") for pid in children(first)]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: not any(each.exists() for each in spares))
    eventually(lambda: not Path(f"/proc/{first}").exists())
    assert script.say("ps", "-q") == b""
    eventually(lambda: script.lock.read_text() not in ("", f"{first}\n"))
    eventually(lambda: script.workers() == resident.SPARES)


def test_it_ends_when_nobody_calls(script: Script) -> None:
    code = f"from budu.cli.resident import serve; serve({str(script.path)!r}, idle_s=0.5)"
    environ = {"PYTHONPATH": str(PACKAGE.parent)}
    with subprocess.Popen([sys.executable, "-c", code], env=environ) as process:
        assert process.wait(TIMEOUT_S) == 0
    assert not script.socket.exists()
    assert list(script.socket.parent.glob(f"{script.socket.name}*")) == []


def test_a_folder_of_others_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "budu-cli"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    assert not resident.own_folder(f"{folder}/x")
    folder.chmod(0o700)
    assert resident.own_folder(f"{folder}/x")
    os.chown(folder, 1234, 0)
    assert not resident.own_folder(f"{folder}/x")


def test_what_a_killed_one_left_is_cleared_away(script: Script) -> None:
    folder = script.socket.parent
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "left").touch()
    (folder / "left.lock").touch()
    script.say("version")
    eventually(script.socket.exists)
    assert not (folder / "left").exists()
    assert not (folder / "left.lock").exists()
    assert script.lock.exists()


def test_killed_workers_are_replaced(warm: Script) -> None:
    before = children(warm.pid)
    for pid in before:
        os.kill(int(pid), signal.SIGKILL)
    assert warm.say("ps", "-q") == b""
    eventually(lambda: warm.workers() == resident.SPARES)
    assert not set(before) & set(children(warm.pid))


def test_a_long_command_does_not_keep_the_next_resident_away(script: Script, clean: None) -> None:
    script.say("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    eventually(script.socket.exists)
    eventually(lambda: script.workers() == resident.SPARES)
    with script.start("exec", "-i", "box", "cat", stdin=subprocess.PIPE) as process:
        eventually(lambda: script.workers() > resident.SPARES)
        first = script.pid
        os.kill(first, signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{first}").exists())
        assert script.say("ps", "-q") != b""
        eventually(lambda: script.lock.read_text() not in ("", f"{first}\n"))
        assert process.stdin is not None
        process.stdin.close()
        assert ended(process) == 0
