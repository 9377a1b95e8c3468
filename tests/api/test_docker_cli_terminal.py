"""The genuine docker command line on a terminal, and ours: run -it, attach, resize, detach keys."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

DETACH = "\x10\x11"  # ctrl-p ctrl-q


OnTerminal = Callable[..., Terminal]


@pytest.fixture(params=["docker", "budu"])
def on_terminal(
    request: pytest.FixtureRequest, docker: Docker, engine: EngineProcess
) -> OnTerminal:
    """Opens a command of either command line on a terminal."""
    ours = [sys.executable, "-m", "budu.cli.main"]
    command = [docker.binary] if request.param == "docker" else ours
    environment = {**docker.environment, "BUDU_HOST": engine.host}
    return lambda *words: Terminal([*command, *words], environment, rows=31, columns=97)


def test_a_shell_on_a_terminal(on_terminal: OnTerminal) -> None:
    with on_terminal("run", "--rm", "-it", "busybox", "sh") as terminal:
        terminal.read_until("# ")
        terminal.type("echo $((6*7)); tty; echo $TERM\n")
        terminal.read_until("\r\n42\r\n")
        assert "/dev/pts/0" in terminal.read_until("xterm\r\n")
        terminal.type("exit 4\n")
        assert terminal.wait() == 4


def test_size_and_resize(on_terminal: OnTerminal) -> None:
    with on_terminal("run", "--rm", "-it", "busybox", "sh") as terminal:
        terminal.read_until("# ")

        def shows(size: str) -> bool:
            terminal.type("stty size\n")
            return size in terminal.read_until("# ")

        eventually(lambda: shows("31 97"))
        terminal.resize(50, 120)
        terminal.tell_resize()
        eventually(lambda: shows("50 120"))
        terminal.type("exit\n")
        assert terminal.wait() == 0


def test_control_c_reaches_the_program(on_terminal: OnTerminal) -> None:
    with on_terminal("run", "--rm", "-it", "busybox", "sh") as terminal:
        terminal.read_until("# ")
        terminal.type("sh -c 'echo g\"\"o; exec sleep 600'\n")
        terminal.read_until("go\r\n")
        terminal.type("\x03")
        terminal.read_until("# ")
        terminal.type("exit 0\n")
        assert terminal.wait() == 0


def test_detach_and_attach_again(docker: Docker, on_terminal: OnTerminal) -> None:
    with on_terminal("run", "--name", "tt", "-it", "busybox", "sh") as terminal:
        terminal.read_until("# ")
        terminal.type("x=kept\n")
        terminal.read_until("# ")
        terminal.type(DETACH)
        terminal.wait()
    assert docker("ps", "--format", "{{.Names}}") == "tt"
    with on_terminal("attach", "tt") as terminal:
        terminal.type("\necho $x $x\n")
        terminal.read_until("kept kept")
        terminal.type("exit 6\n")
        assert terminal.wait() == 6


def test_own_detach_keys(docker: Docker, on_terminal: OnTerminal) -> None:
    options = ("--detach-keys", "ctrl-a,d", "--name", "tt", "-it")
    with on_terminal("run", *options, "busybox", "sh") as terminal:
        terminal.read_until("# ")
        terminal.type("\x01d")
        terminal.wait()
    assert docker("ps", "--format", "{{.Names}}") == "tt"


def test_output_of_a_terminal_is_raw(docker: Docker) -> None:
    docker("run", "-d", "-t", "--name", "tt", "busybox", "sh", "-c", "echo a; echo b >&2")
    docker("wait", "tt")
    done = docker.run("logs", "tt")
    assert (done.raw, done.err) == (b"a\r\nb\r\n", "")


def test_terminal_without_input(docker: Docker) -> None:
    assert docker.run("run", "--rm", "-t", "busybox", "echo", "x").raw == b"x\r\n"


def test_two_clients_see_the_same(docker: Docker, on_terminal: OnTerminal) -> None:
    docker("run", "-dit", "--name", "tt", "busybox", "sh")
    with on_terminal("attach", "tt") as one, on_terminal("attach", "tt") as two:
        one.type("\n")
        one.read_until("# ")
        two.type("\n")
        two.read_until("# ")
        one.type("echo $((40+2))\n")
        one.read_until("42\r\n")
        two.read_until("42\r\n")


def test_a_detached_exec_goes_on(docker: Docker, on_terminal: OnTerminal) -> None:
    docker("run", "-d", "--name", "tt", "busybox", "sleep", "600")
    options = ("--detach-keys", "ctrl-a,d", "-it", "tt")
    with on_terminal("exec", *options, "sh", "-c", "echo go; exec sleep 599") as terminal:
        terminal.read_until("go\r\n")
        terminal.type("\x01d")
        terminal.wait()
    assert "sleep 599" in docker("top", "tt")


def test_a_started_one_is_attached_to_and_left(docker: Docker, on_terminal: OnTerminal) -> None:
    docker("create", "-it", "--name", "tt", "busybox", "sh")
    with on_terminal("start", "-ai", "--detach-keys", "ctrl-a,d", "tt") as terminal:
        terminal.type("\n")
        terminal.read_until("# ")
        terminal.type("\x01d")
        terminal.wait()
    assert docker("ps", "--format", "{{.Names}}") == "tt"


def test_figures_are_drawn_again_and_again(docker: Docker, on_terminal: OnTerminal) -> None:
    docker("run", "-d", "--name", "tt", "busybox", "sleep", "600")
    with on_terminal("stats", "tt") as terminal:
        for _ in range(3):
            terminal.read_until("PIDS")
            terminal.read_until("tt ")


def test_a_quiet_copy_says_nothing(docker: Docker, on_terminal: OnTerminal, tmp_path: Path) -> None:
    docker("create", "--name", "tt", "busybox", "true")
    (tmp_path / "file").write_text("x")
    for quiet in ("-q", "--quiet"):
        with on_terminal("cp", quiet, str(tmp_path / "file"), "tt:/new") as terminal:
            assert terminal.wait() == 0
            assert terminal.seen == b""
    assert docker.run("cp", "tt:/new", "-").status == 0
