"""An engine for seeding alone, which lies below the seed's cache and ends with it.

It has its own images, so `debian` means the recipe's, and nothing of the user's engine is touched.
What it keeps makes the next seeding quick: layers, steps, the folders of cache mounts. It is driven
over its API with the standard library. Needs root.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from budu.base.errors import Internal, PermissionDenied, Unavailable

_START_S = 60
_END_S = 30
_ANSWER_S = 3600
"""A command of a recipe may be silent for long."""
_RUN = Path("/run/budu-seed")
_BRIDGE = "com.docker.network.bridge.name"
_SETTINGS = (
    *("--iptables=false", "--ip6tables=false", "--ip-forward=false"),
    "--image-compression=small",
)
"""Commands have the host's network, so no firewall is needed; images are pulled often."""


class SeedEngine:
    """An engine with its data in `folder`, from `with` to its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        mark = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        self._run = _RUN / mark  # a socket's path is short, a folder's may be long
        self._socket = self._run / "engine.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> SeedEngine:
        """Start it. Raises: Unavailable; PermissionDenied for who is not root."""
        if os.geteuid() != 0:
            raise PermissionDenied("only root can build the official images")
        for each in (self._folder, self._run):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = self._folder / "daemon.json"  # its own: the user's are for his engine
        settings.write_text("{}\n")
        log = self._folder / "engine.log"
        command = [
            *("setpriv", "--pdeathsig", "TERM"),  # a killed seeding leaves no engine
            *(sys.executable, "-m", "budu.daemon.main", f"--config-file={settings}"),
            *(f"--data-root={self._folder / 'data'}", f"--exec-root={self._run}"),
            *(f"--host=unix://{self._socket}", f"--pidfile={self._run / 'engine.pid'}", *_SETTINGS),
        ]
        with log.open("wb") as told:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=told, stderr=told, start_new_session=True
            )
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._end()
                raise Unavailable(f"the engine does not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        """End it, with containers that a build may have left. Raises: as `call`."""
        bridge = ""
        try:
            for row in self.get("/containers/json", all=1):
                self.call("DELETE", f"/containers/{row['Id']}", force=1, v=1)
            bridge = self.get("/networks/bridge")["Options"][_BRIDGE]
        finally:
            self._end()
            _tidy(bridge)
            for folder in (self._run / "containers", self._run, _RUN):
                with contextlib.suppress(OSError):  # not empty: another seeding's
                    folder.rmdir()

    def _answers(self) -> bool:
        try:
            self.call("GET", "/_ping")
        except Unavailable:
            return False
        return True

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    # Its API

    def get(self, path: str, **query: object) -> Any:
        """The document at a path. Raises: as `call`."""
        return json.loads(self.call("GET", path, **query))

    def call(self, method: str, path: str, **query: object) -> bytes:
        """A request without a body; the answer's.

        Raises: Internal for a refusal, Unavailable when the engine ended.
        """
        with self._asking(method, path, query) as answer:
            return answer.read()

    def tell(
        self,
        path: str,
        *,
        body: IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        **query: object,
    ) -> Iterator[dict[str, Any]]:
        """POST, and what is told meanwhile, message by message. Raises: as `call`."""
        with self._asking("POST", path, query, body=body, headers=headers) as answer:
            for line in answer:
                if line.strip():
                    yield json.loads(line)

    @contextlib.contextmanager
    def _asking(
        self,
        method: str,
        path: str,
        query: Mapping[str, object],
        *,
        body: IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        connection = _Connection(self._socket)
        target = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        with contextlib.closing(connection):
            try:
                connection.request(method, target, body, dict(headers or {}))
                answer = connection.getresponse()
                if answer.status >= http.client.BAD_REQUEST:
                    raise Internal(_reason(answer.read()))
                yield answer
            except (OSError, http.client.HTTPException) as error:
                raise Unavailable(f"the engine that builds is gone: {error}") from error


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_ANSWER_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")


def _tidy(bridge: str) -> None:
    """Take away what an engine leaves for its next start: this host has another one."""
    mark = re.fullmatch(r"bd-([0-9a-f]{6})", bridge)
    if mark is None:
        return
    subprocess.run(["ip", "link", "delete", bridge], capture_output=True)
    subprocess.run(["nft", "delete", "table", "inet", f"budu-{mark[1]}"], capture_output=True)
    groups = Path("/sys/fs/cgroup")
    for group in (*groups.glob(f"budu-{mark[1]}"), *groups.glob(f"*/budu-{mark[1]}")):
        with contextlib.suppress(OSError):
            group.rmdir()
