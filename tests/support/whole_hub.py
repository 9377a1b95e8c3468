"""`budu hub serve` as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.support.ports import free_port
from tests.support.waiting import eventually

PASSWORD = "a-good-password"
ROOT = Path(__file__).parents[2]


class WholeHub:
    """A hub; the admin's password is `PASSWORD`."""

    def __init__(self, data: Path, *arguments: str, password: str = PASSWORD) -> None:
        self.data = data
        self.arguments = arguments
        self.password = password
        self.scheme = "http"
        self.address = f"127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"{self.scheme}://{self.address}"

    @property
    def log(self) -> str:
        """What it wrote."""
        return (self.data / "log").read_text()

    def start(self) -> WholeHub:
        """Run it until it answers."""
        self.data.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "budu.hub.main", "serve", "--data", str(self.data)]
        with (self.data / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--listen", self.address, *self.arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, "HUB_ADMIN_PASSWORD": self.password},
            )
        eventually(self._answers, f"the hub: {self.log}", timeout_s=60)
        return self

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            socket.create_connection(("127.0.0.1", int(self.address.rpartition(":")[2])), 1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> None:
        """End it in order."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(30) == 0, self.log
