"""`docker exec` of the genuine docker command line, and docker-py's exec_run."""

from contextlib import closing

import docker as docker_py
import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.terminal import Terminal
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.fixture
def box(docker: Docker) -> str:
    docker("run", "-d", "--name", "box", "busybox", "sleep", "600")
    return "box"


def test_output_status_and_flags(docker: Docker, box: str) -> None:
    done = docker.run("exec", box, "sh", "-c", "echo out; echo err >&2; exit 5")
    assert (done.status, done.out, done.err) == (5, "out\n", "err\n")
    words = ["-e", "A=1", "-u", "33:44", "-w", "/tmp", "--privileged"]
    text = docker("exec", *words, box, "sh", "-c", "echo $A $(id -u):$(id -g) $(pwd)")
    assert text.strip() == "1 33:44 /tmp"


def test_input_and_background(docker: Docker, box: str) -> None:
    data = bytes(range(256)) * 4000
    assert docker.run("exec", "-i", box, "cat", stdin=data).raw == data
    assert docker("exec", "-d", box, "touch", "/done") == ""
    eventually(lambda: docker.run("exec", box, "ls", "/done").status == 0)


def test_programs_that_are_not_there(docker: Docker, box: str) -> None:
    done = docker.run("exec", box, "nosuch")
    assert done.status == 127
    assert "OCI runtime exec failed: exec failed: " in done.out + done.err
    assert "executable file not found in $PATH" in done.out + done.err
    assert docker.run("exec", box, "/etc/passwd").status == 126


def test_a_shell_on_a_terminal(docker: Docker, box: str) -> None:
    words = [docker.binary, "exec", "-it", box, "sh"]
    with Terminal(words, docker.environment, rows=31, columns=97) as terminal:
        terminal.read_until("# ")
        terminal.type("echo $((6*7)); stty size\n")
        terminal.read_until("\r\n42\r\n")
        terminal.read_until("31 97\r\n")
        terminal.type("exit 4\n")
        assert terminal.wait() == 4


def test_states(docker: Docker, box: str) -> None:
    docker("pause", box)
    done = docker.run("exec", box, "true")
    assert done.status == 1
    assert "is paused, unpause the container before exec" in done.err
    docker("unpause", box)
    docker("kill", box)
    eventually(lambda: "is not running" in docker.run("exec", box, "true").err)


def test_docker_py(engine: EngineProcess, docker: Docker, box: str) -> None:
    with closing(docker_py.DockerClient(base_url=engine.host)) as client:
        container = client.containers.get(box)
        code, output = container.exec_run(
            ["sh", "-c", "echo out; echo err >&2; exit 3"], demux=True
        )
        assert (code, output) == (3, (b"out\n", b"err\n"))
        assert container.exec_run("id -u", user="33").output == b"33\n"
        stream = container.exec_run(["sh", "-c", "echo a; echo b"], stream=True).output
        assert b"".join(stream) == b"a\nb\n"
        exec_id = client.api.exec_create(box, ["cat"], stdin=True)["Id"]
        sock = client.api.exec_start(exec_id, socket=True)
        sock._sock.sendall(b"typed\n")
        assert sock._sock.recv(100).endswith(b"typed\n")
        sock._sock.close()
        document = client.api.exec_inspect(exec_id)
        assert document["ProcessConfig"]["entrypoint"] == "cat"
