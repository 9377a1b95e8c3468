"""The small init as process 1 of a pid namespace of its own."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.waiting import eventually

from budu.daemon.init_binary import packaged_init

pytestmark = pytest.mark.host

TIMEOUT_S = 20
FORWARDED = ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CONT", "WINCH", "TSTP")
Start = Callable[..., subprocess.Popen[bytes]]


def command(*program: str) -> list[str]:
    own = ["unshare", "--pid", "--fork", "--kill-child", str(packaged_init()), "--", *program]
    return ["env", "--default-signal", *own]  # nohup, or a shell's `&`, leaves some ignored


def run(*program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*program),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program under init; whatever is left of it is killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*program: str, **options: object) -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options}
        process: subprocess.Popen[bytes] = subprocess.Popen(command(*program), **pipes)  # type: ignore[call-overload]
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def init_of(process: subprocess.Popen[bytes]) -> int:
    (pid,) = children(process.pid)
    return pid


def wait_for_line(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdout is not None
    assert process.stdout.readline().strip() == line


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -KILL $$", 137), ("kill $$", 143)],
)
def test_init_ends_as_the_program_ended(script: str, code: int) -> None:
    assert run("sh", "-c", script).returncode == code


def test_absent_program_is_127() -> None:
    done = run("no-such-program")
    assert done.returncode == 127
    assert done.stderr == "docker-init: exec no-such-program failed: No such file or directory\n"


def test_closed_program_is_126(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.touch(mode=0o644)
    done = run(str(closed))
    assert done.returncode == 126
    assert done.stderr == f"docker-init: exec {closed} failed: Permission denied\n"


def test_program_is_searched_in_path(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, mode in ((first, 0o644), (second, 0o755)):
        folder.mkdir()
        (folder / "tool").write_text('#!/bin/sh\necho "$0 $1"\n')
        (folder / "tool").chmod(mode)
    done = run("tool", "x", PATH=f"{first}:/absent:{second}:{os.environ['PATH']}")
    assert done.stdout == f"{second}/tool x\n"


def test_only_closed_program_in_path_is_126(tmp_path: Path) -> None:
    (tmp_path / "tool").touch(mode=0o644)
    assert run("tool", PATH=f"{os.environ['PATH']}:{tmp_path}:/absent").returncode == 126


def test_script_without_interpreter_line_is_run_by_the_shell(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo from $1\n")
    script.chmod(0o755)
    assert run(str(script), "shell").stdout == "from shell\n"


def test_program_keeps_arguments_and_environment() -> None:
    done = run("sh", "-c", 'echo "$0|$1|$GREETING"', "a b", "", GREETING="hello")
    assert done.stdout == "a b||hello\n"


def test_missing_separator_is_refused() -> None:
    done = subprocess.run([packaged_init(), "true"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "usage: docker-init -- PROGRAM [ARGUMENT...]\n")


@pytest.mark.parametrize("name", FORWARDED)
def test_signal_reaches_the_program(name: str, start: Start) -> None:
    script = f"trap 'exit 42' {name}; echo ready; while :; do sleep 0.02; done"
    process = start("bash", "-c", script)
    wait_for_line(process, b"ready")
    os.kill(init_of(process), signal.Signals[f"SIG{name}"])
    assert process.wait(TIMEOUT_S) == 42


def test_program_without_a_handler_dies_of_the_signal(start: Start) -> None:
    process = start("sh", "-c", "echo ready; exec sleep 60")
    wait_for_line(process, b"ready")
    os.kill(init_of(process), signal.SIGTERM)
    assert process.wait(TIMEOUT_S) == 143


def test_orphans_are_collected(start: Start) -> None:
    orphans = "for i in 1 2 3 4; do (sleep 0 &); done; echo ready; exec sleep 60"
    process = start("sh", "-c", orphans)
    wait_for_line(process, b"ready")
    init = init_of(process)
    eventually(lambda: len(children(init)) == 1)


def test_orphans_end_does_not_end_init(start: Start) -> None:
    process = start("sh", "-c", "(exit 3 &); echo ready; sleep 0.2; exit 5")
    assert process.wait(TIMEOUT_S) == 5


def test_program_leads_its_own_process_group(start: Start) -> None:
    process = start("sh", "-c", "echo ready; exec sleep 60")
    wait_for_line(process, b"ready")
    (program,) = children(init_of(process))
    assert os.getpgid(program) == program


def test_program_starts_with_no_signal_blocked_or_ignored() -> None:
    done = run("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")
    masks = dict(line.split(":\t") for line in done.stdout.splitlines())
    stops = 1 << (signal.SIGTTIN - 1) | 1 << (signal.SIGTTOU - 1)
    assert (int(masks["SigBlk"], 16), int(masks["SigIgn"], 16) & stops) == (0, 0)


def test_program_is_in_the_terminals_foreground(start: Start) -> None:
    controller, terminal = os.openpty()
    try:
        process = start(
            *("sh", "-c", 'echo ready; read line; test "$line" = hello'),
            stdin=terminal,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(terminal, termios.TIOCSCTTY, 0),
        )
        wait_for_line(process, b"ready")
        (program,) = children(init_of(process))
        assert os.tcgetpgrp(controller) == program
        os.write(controller, b"hello\n")
        assert process.wait(TIMEOUT_S) == 0
    finally:
        os.close(controller)
        os.close(terminal)
