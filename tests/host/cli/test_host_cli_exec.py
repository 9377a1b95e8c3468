"""`budu exec` and `budu attach` against an engine of ours, each as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import run
from tests.support.waiting import eventually

pytestmark = pytest.mark.host


def budu(
    engine: EngineProcess, *words: str, stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "budu.cli.main", *words],
        env=os.environ | {"BUDU_HOST": engine.host, "LANG": "C.UTF-8"},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=60,
    )


@pytest.fixture
def box(engine: EngineProcess) -> str:
    engine.request("DELETE", "/containers/box", force=1)
    run(engine, ["sleep", "600"], name="box")
    return "box"


def test_output_and_status(engine: EngineProcess, box: str) -> None:
    done = budu(engine, "exec", box, "sh", "-c", "echo out; echo err >&2; exit 5")
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 5)


def test_flags(engine: EngineProcess, box: str, tmp_path: Path) -> None:
    (tmp_path / "vars").write_text("B=from file\n")
    flags = ["-e", "A=1", "--env-file", str(tmp_path / "vars"), "-u", "33:44", "-w", "/tmp"]
    done = budu(engine, "exec", *flags, box, "sh", "-c", "echo $A $B $(id -u):$(id -g) $(pwd)")
    assert done.stdout == b"1 from file 33:44 /tmp\n"
    done = budu(
        engine, "container", "exec", "--privileged", box, "grep", "Seccomp:", "/proc/1/status"
    )
    assert done.returncode == 0


def test_input(engine: EngineProcess, box: str) -> None:
    data = bytes(range(256)) * 4000
    done = budu(engine, "exec", "-i", box, "cat", stdin=data)
    assert (done.stdout == data, done.returncode) == (True, 0)


def test_in_the_background(engine: EngineProcess, box: str) -> None:
    done = budu(engine, "exec", "-d", box, "sh", "-c", "sleep 0.2; touch /done")
    assert (done.stdout, done.returncode) == (b"", 0)
    eventually(lambda: budu(engine, "exec", box, "ls", "/done").returncode == 0)


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["exec", "box", "nosuch"], 127, b"executable file not found in $PATH"),
        (["exec", "box", "/etc/passwd"], 126, b"permission denied"),
        (["exec", "nobody", "true"], 1, b"No such container: nobody"),
        (["exec", "-it", "box", "sh"], 1, b"the input device is not a TTY"),
        (["exec", "box"], 1, b"requires at least 2 arguments"),
        (["exec", "--detach-keys", "bad", "box", "sh"], 1, b"etach"),
        (["attach", "nobody"], 1, b"No such container: nobody"),
    ],
)
def test_what_is_wrong_is_said(
    engine: EngineProcess, box: str, words: list[str], status: int, sentence: bytes
) -> None:
    done = budu(engine, *words)
    assert done.returncode == status
    assert sentence in done.stdout + done.stderr


def test_attach_returns_the_containers_status(engine: EngineProcess) -> None:
    engine.request("DELETE", "/containers/counter", force=1)
    run(engine, ["sh", "-c", "sleep 1; echo late; exit 9"], name="counter")
    done = budu(engine, "attach", "counter")
    assert (done.stdout, done.returncode) == (b"late\n", 9)
    done = budu(engine, "attach", "counter")
    assert done.returncode == 1
    assert b"cannot attach to a stopped container, start it first" in done.stderr


def test_attach_with_input(engine: EngineProcess) -> None:
    engine.request("DELETE", "/containers/reader", force=1)
    body = {"Image": "busybox", "Cmd": ["cat"], "OpenStdin": True, "StdinOnce": True}
    assert engine.request("POST", "/containers/create", body, name="reader").status == 201
    assert engine.request("POST", "/containers/reader/start").status == 204
    done = budu(engine, "attach", "reader", stdin=b"typed\n")
    assert (done.stdout, done.returncode) == (b"typed\n", 0)


def test_signals_are_passed_on(engine: EngineProcess) -> None:
    engine.request("DELETE", "/containers/trapper", force=1)
    script = "trap 'exit 42' INT; while :; do echo tick; sleep 0.05; done"
    run(engine, ["sh", "-c", script], name="trapper")
    process = subprocess.Popen(
        [sys.executable, "-m", "budu.cli.main", "attach", "trapper"],
        env=os.environ | {"BUDU_HOST": engine.host},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"tick\n"
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    assert process.wait(20) == 42
