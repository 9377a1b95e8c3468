"""The genuine docker command line on a terminal: run -it, attach, resize, detach keys."""

import pytest
from tests.support.docker import Docker
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

DETACH = "\x10\x11"  # ctrl-p ctrl-q


def on_terminal(docker: Docker, *arguments: str) -> Terminal:
    return Terminal([docker.binary, *arguments], docker.environment, rows=31, columns=97)


def test_a_shell_on_a_terminal(docker: Docker) -> None:
    with on_terminal(docker, "run", "--rm", "-it", "busybox", "sh") as terminal:
        terminal.read_until("# ")
        terminal.type("echo $((6*7)); tty; echo $TERM\n")
        terminal.read_until("\r\n42\r\n")
        assert "/dev/pts/0" in terminal.read_until("xterm\r\n")
        terminal.type("exit 4\n")
        assert terminal.wait() == 4


def test_size_and_resize(docker: Docker) -> None:
    with on_terminal(docker, "run", "--rm", "-it", "busybox", "sh") as terminal:
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


def test_control_c_reaches_the_program(docker: Docker) -> None:
    with on_terminal(docker, "run", "--rm", "-it", "busybox", "sh") as terminal:
        terminal.read_until("# ")
        terminal.type("sh -c 'echo g\"\"o; exec sleep 600'\n")
        terminal.read_until("go\r\n")
        terminal.type("\x03")
        terminal.read_until("# ")
        terminal.type("exit 0\n")
        assert terminal.wait() == 0


def test_detach_and_attach_again(docker: Docker) -> None:
    with on_terminal(docker, "run", "--name", "tt", "-it", "busybox", "sh") as terminal:
        terminal.read_until("# ")
        terminal.type("x=kept\n")
        terminal.read_until("# ")
        terminal.type(DETACH)
        terminal.wait()
    assert docker("ps", "--format", "{{.Names}}") == "tt"
    with on_terminal(docker, "attach", "tt") as terminal:
        terminal.type("\necho $x $x\n")
        terminal.read_until("kept kept")
        terminal.type("exit 6\n")
        assert terminal.wait() == 6


def test_own_detach_keys(docker: Docker) -> None:
    options = ("--detach-keys", "ctrl-a,d", "--name", "tt", "-it")
    with on_terminal(docker, "run", *options, "busybox", "sh") as terminal:
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


def test_two_clients_see_the_same(docker: Docker) -> None:
    docker("run", "-dit", "--name", "tt", "busybox", "sh")
    with on_terminal(docker, "attach", "tt") as one, on_terminal(docker, "attach", "tt") as two:
        one.type("\n")
        one.read_until("# ")
        two.type("\n")
        two.read_until("# ")
        one.type("echo $((40+2))\n")
        one.read_until("42\r\n")
        two.read_until("42\r\n")
