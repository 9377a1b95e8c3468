"""An engine on the far side of ssh: a real sshd on loopback, real keys, our own dial-stdio."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.ports import free_port
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

BUDU = [sys.executable, "-m", "budu.cli.main"]


class Far:
    """A login on this machine with a program `budu` that knows the engine."""

    def __init__(self, folder: Path, engine: EngineProcess) -> None:
        self.port = free_port()
        self._folder = folder
        for key in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True
            )
        far_bin = folder / "bin"
        far_bin.mkdir()
        program = far_bin / "budu"
        program.write_text(
            f'#!/bin/sh\nexport BUDU_HOST={engine.host}\nexec {" ".join(BUDU)} "$@"\n'
        )
        program.chmod(0o755)
        (folder / "user.pub").rename(folder / "authorized")
        (folder / "sshd.conf").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\n"
            f"PidFile none\nPermitRootLogin yes\nSetEnv PATH={far_bin}:/usr/bin:/bin\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", folder / "sshd.conf"])

    @property
    def environment(self) -> dict[str, str]:
        """With an `ssh` that knows the key and the host, as a person's ~/.ssh/config would."""
        near_bin = self._folder / "near"
        near_bin.mkdir(exist_ok=True)
        ssh = near_bin / "ssh"
        ssh.write_text(
            f"#!/bin/sh\nexec /usr/bin/ssh -F none -i {self._folder}/user -o BatchMode=yes "
            f"-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={self._folder}/known "
            '-o LogLevel=ERROR "$@"\n'
        )
        ssh.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_HOST")}
        return {**kept, "PATH": f"{near_bin}:{kept['PATH']}", "DOCKER_CONFIG": str(self._folder)}

    def run(self, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*BUDU, *words], input=data, env=self.environment, capture_output=True, timeout=60
        )


@pytest.fixture
def far(engine: EngineProcess, tmp_path: Path) -> Iterator[Far]:
    login = Far(tmp_path, engine)
    host = f"ssh://root@127.0.0.1:{login.port}"
    try:
        eventually(lambda: login.run("-H", host, "version").returncode == 0, "the way through ssh")
        made = login.run("context", "create", "far", "--docker", f"host={host}")
        assert made.returncode == 0, made.stderr
        assert login.run("context", "use", "far").returncode == 0
        yield login
    finally:
        login.process.kill()
        login.process.wait()


def test_run_with_input_and_output(far: Far) -> None:
    data = os.urandom(3 << 20)
    done = far.run("run", "-i", "--rm", "busybox", "cat", data=data)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == data


def test_exit_status_and_errors(far: Far) -> None:
    assert far.run("run", "--rm", "busybox", "sh", "-c", "exit 7").returncode == 7
    wrong = far.run("inspect", "nobody")
    assert wrong.returncode == 1
    assert b"error: no such object: nobody" in wrong.stderr


def test_a_host_that_is_not_there(far: Far) -> None:
    done = far.run("-H", "ssh://root@127.0.0.1:1", "ps")
    assert done.returncode == 1
    assert b"Connection refused" in done.stderr
    assert b"Cannot connect to the Docker daemon at ssh://root@127.0.0.1:1" in done.stderr


@pytest.mark.docker_cli
def test_the_genuine_docker_goes_the_same_way(far: Far) -> None:
    """docker's own helper runs `docker system dial-stdio` there: ours answers to that name, too."""
    far_docker = far._folder / "bin" / "docker"
    far_docker.symlink_to("budu")
    host = f"ssh://root@127.0.0.1:{far.port}"
    done = subprocess.run(
        ["docker", "-H", host, "run", "--rm", "busybox", "echo", "hello"],
        env=far.environment, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == b"hello\n", done.stderr
