"""An engine of a test's own: started as a process, killed by its pid, looked at from outside."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]


class Reply:
    """An answer of the API."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["message"])


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, timeout_s: float = 60) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class EngineProcess:
    """`budud` below `root`; `start` and `kill` as often as a test likes."""

    def __init__(
        self,
        root: Path,
        *,
        mirror: str = "",
        arguments: tuple[str, ...] = (),
        wrapper: tuple[str, ...] = (),
    ) -> None:
        """`wrapper` is a command that executes the one that follows it, for a world of its own."""
        self.root = root
        self._wrapper = wrapper
        self.data_root = root / "d"
        self.exec_root = root / "x"
        self.socket = root / "s"
        self.log = root / "engine.log"
        self._mirror = mirror
        self.arguments = arguments
        """Words of the command line, for each start."""
        self.environment: dict[str, str] = {}
        """Variables that the next start adds."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def instance(self) -> str:
        """What names of this engine's bridge, table and cgroups carry."""
        return hashlib.sha256(str(self.data_root).encode()).hexdigest()[:6]

    @property
    def bridge(self) -> str:
        return f"bd-{self.instance}"

    @property
    def table(self) -> str:
        return f"budu-{self.instance}"

    @property
    def host(self) -> str:
        """For DOCKER_HOST."""
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Run the engine and wait until it answers."""
        self.spawn()
        eventually(self._answers_or_died, f"the engine's start (see {self.log})", timeout_s=120)

    def spawn(self) -> None:
        """Run the engine without waiting for it."""
        command = [*self._wrapper, sys.executable, "-m", "budu.daemon.main"]
        command += ["--data-root", str(self.data_root), "--exec-root", str(self.exec_root)]
        command += ["-H", self.host, "--pidfile", str(self.root / "pid"), "-l", "debug"]
        if self._mirror:
            command += ["--registry-mirror", f"http://{self._mirror}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self.arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def _answers_or_died(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the engine ended:\n{self.log.read_text()[-3000:]}"
        try:
            return self.request("GET", "/_ping").status == 200
        except OSError:
            return False

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        return self.end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        self.end(signal.SIGKILL)

    def end(self, number: int) -> int:
        assert self._process is not None
        process, self._process = self._process, None
        process.send_signal(number)
        return process.wait(30)

    def wait(self) -> int:
        """The exit status of an engine that ends by itself."""
        assert self._process is not None
        return self._process.wait(30)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    # The API

    def request(self, method: str, path: str, body: object = None, **query: object) -> Reply:
        """One request on a connection of its own."""
        connection = UnixConnection(self.socket)
        try:
            target = path + ("?" + urllib.parse.urlencode(query) if query else "")
            data = None if body is None else json.dumps(body)
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, target, data, headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read(), dict(answer.headers))
        finally:
            connection.close()

    def inspect(self, ref: str) -> dict[str, Any]:
        reply = self.request("GET", f"/containers/{ref}/json")
        assert reply.status == 200, reply.body
        document = reply.json
        assert isinstance(document, dict)
        return document

    def state(self, ref: str) -> dict[str, Any]:
        state = self.inspect(ref)["State"]
        assert isinstance(state, dict)
        return state

    def containers(self) -> list[dict[str, Any]]:
        rows = self.request("GET", "/containers/json", all=1).json
        assert isinstance(rows, list)
        return rows

    def events(self, **filters: str) -> list[dict[str, Any]]:
        """What happened so far, oldest first."""
        wanted = json.dumps({key: [value] for key, value in filters.items()})
        reply = self.request("GET", "/events", since=0, until=time.time(), filters=wanted)
        return [json.loads(line) for line in reply.body.splitlines()]

    def remove_containers(self) -> None:
        """Every container with its anonymous volumes, and every volume."""
        for row in self.containers():
            self.request("DELETE", f"/containers/{row['Id']}", force=1, v=1)
        for volume in self.request("GET", "/volumes").json["Volumes"] or ():
            self.request("DELETE", f"/volumes/{volume['Name']}", force=1)
