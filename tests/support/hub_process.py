"""A hub's registry as a process of its own, that can be killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from tests.support.ports import free_port
from tests.support.waiting import eventually

_ROOT = Path(__file__).parents[2]


class HubProcess:
    """A registry over a folder; a context manager. Users as in `serving_hub`."""

    def __init__(self, data: Path, *, blobs: Path | None = None) -> None:
        self._database = f"sqlite:///{data}/hub.db"
        self._blobs = f"file://{blobs or data / 'blobs'}"
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it answers."""
        command = [sys.executable, "-m", "tests.support.hub", self._database, self._blobs]
        self._process = subprocess.Popen(
            [*command, str(self._port)], cwd=_ROOT, stderr=subprocess.DEVNULL
        )
        eventually(self._answers, "the hub")

    def end(self, number: int = signal.SIGTERM) -> None:
        """Returns once it is gone."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(20)

    @property
    def peak_bytes(self) -> int:
        """The most memory it had so far."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) << 10

    def __enter__(self) -> HubProcess:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.end()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the hub ended"
        try:
            with socket.create_connection(("127.0.0.1", self._port), 1):
                return os.path.exists(f"/proc/{self._process.pid}")
        except OSError:
            return False
