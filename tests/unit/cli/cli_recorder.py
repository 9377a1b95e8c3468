"""Records what the genuine docker client sends to an engine for a command line.

`EngineRecorder` is a tiny HTTP server on a unix socket: it answers `_ping` and create and keeps
every create it saw. `python cli_recorder.py` rewrites the fixtures from the docker on this host.
"""

from __future__ import annotations

import json
import os
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "cli_bodies"
CONTAINER_ID = "c0ffee" * 10 + "c0ff"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(200, b"")

    def do_GET(self) -> None:
        self.answer(200, b"OK")

    def do_POST(self) -> None:
        body = self.read_body()
        url = urlsplit(self.path)
        if url.path.endswith("/containers/create"):
            recorded = {"query": dict(parse_qsl(url.query)), "body": json.loads(body)}
            self.server.recorded.append(recorded)  # type: ignore[attr-defined]
        self.answer(201, json.dumps({"Id": CONTAINER_ID, "Warnings": []}).encode())

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Api-Version", "1.50")
        self.send_header("OSType", "linux")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class EngineRecorder:
    """A context manager; `.host` is the address, `.recorded` the creates seen so far."""

    def __init__(self, handler: type[Handler] | None = None) -> None:
        self._folder = tempfile.mkdtemp(prefix="rec")
        path = os.path.join(self._folder, "r.sock")
        self._server = _Server(path, handler or Handler)
        self._server.recorded = []  # type: ignore[attr-defined]
        self.host = f"unix://{path}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )

    @property
    def recorded(self) -> list:
        return self._server.recorded  # type: ignore[attr-defined]

    def __enter__(self) -> EngineRecorder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        shutil.rmtree(self._folder)


def record(case: dict, folder: Path) -> dict:
    """Run `docker` with the case's arguments in `folder`; what it sent, or how it failed."""
    for name, text in case.get("files", {}).items():
        (folder / name).write_text(text)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **case.get("env", {})}
    with EngineRecorder() as engine:
        done = subprocess.run(
            ["docker", "-H", engine.host, *case["argv"]],
            cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=30,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        sent = engine.recorded[-1] if engine.recorded else None
    if sent is None:
        return {"exit": done.returncode, "stderr": done.stderr.strip()}
    text = json.dumps(sent).replace(str(folder), "$PWD")
    return json.loads(text)


def load_cases() -> list[dict]:
    """Every stored case, with the name of its group."""
    return [
        {**case, "group": path.stem}
        for path in sorted(FIXTURES.glob("*.json"))
        for case in json.loads(path.read_text())
    ]


def _rewrite() -> None:
    for path in sorted(FIXTURES.glob("*.json")):
        cases = json.loads(path.read_text())
        for case in cases:
            folder = Path(tempfile.mkdtemp())
            case["expect"] = record(case, folder)
            shutil.rmtree(folder)
        path.write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(_rewrite())
