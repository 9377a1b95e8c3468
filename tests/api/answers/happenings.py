"""Everything that makes an event, done once, and the events that tell of it."""

from __future__ import annotations

import io
import json
import socket
import tarfile
import time
from pathlib import Path
from typing import Any

from demo.images import busybox_layer
from tests.api.answers.scene import SLEEP, Ask, asker
from tests.support.waiting import eventually

UPGRADE = "Host: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"


def happen(path: Path, prefix: str) -> list[str]:
    """The events at the engine that listens at `path`, as text: kind, action and attributes' names
    and those values that are not by chance."""
    ask = asker(path, prefix)
    began = int(time.time())
    ask("POST", "/images/create", busybox_layer(), fromSrc="-", repo="scene", tag="1")
    _containers(ask, path, prefix)
    _images(ask)
    _networks_and_volumes(ask)
    _ends(ask)
    events = ask("GET", "/events", since=began, until=int(time.time()) + 1)
    return [_told(each) for each in events]


def _told(event: dict[str, Any]) -> str:
    attributes = event["Actor"]["Attributes"]
    by_chance = ("execID", "container", "reclaimed", "execDuration", "imageID")
    names = [
        name if name in by_chance or value.startswith("sha256:") else f"{name}={value}"
        for name, value in sorted(attributes.items())
    ]
    return f"{event['Type']} {event['Action']} ({', '.join(names)})"


def archive(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    return buffer.getvalue()


def _containers(ask: Ask, path: Path, prefix: str) -> None:
    body = {
        "Image": "scene:1",
        "Cmd": SLEEP,
        "Tty": True,
        "OpenStdin": True,
        "Labels": {"a": "b"},
        "HostConfig": {"NetworkMode": "none"},
    }
    ask("POST", "/containers/create", body, name="one")
    ask("POST", "/containers/one/start")
    ask("POST", "/containers/one/resize", h=10, w=20)
    ask("GET", "/containers/one/top")
    ask("POST", "/containers/one/pause")
    ask("POST", "/containers/one/unpause")
    ask("POST", "/containers/one/rename", name="two")
    ask("POST", "/containers/two/update", {"CpuShares": 512})
    ask("GET", "/containers/two/archive", path="/bin/busybox")
    ask("PUT", "/containers/two/archive", archive("x"), path="/tmp")
    ask("GET", "/containers/two/export")
    ask("POST", "/commit", {}, container="two", repo="scene", tag="2")
    _execs(ask, path, prefix)
    _stream(path, f"{prefix}/containers/two/attach?stream=1&stdin=1&stdout=1", b"\x10\x11")
    ask("POST", "/containers/two/kill", signal="WINCH")
    ask("POST", "/containers/two/restart")
    ask("POST", "/containers/two/stop")
    ask("POST", "/containers/two/wait")
    ask("POST", "/containers/two/start")
    ask("POST", "/containers/two/kill")
    ask("POST", "/containers/two/wait")


def _execs(ask: Ask, path: Path, prefix: str) -> None:
    body = {"Cmd": ["false"], "AttachStdout": True}
    id_ = ask("POST", "/containers/two/exec", body)["Id"]
    ask("POST", f"/exec/{id_}/start", {"Detach": True})
    eventually(lambda: not ask("GET", f"/exec/{id_}/json")["Running"], "the end of the exec")
    body = {"Cmd": ["sleep", "987"], "AttachStdout": True, "AttachStdin": True, "Tty": True}
    id_ = ask("POST", "/containers/two/exec", body)["Id"]
    _stream(path, f"{prefix}/exec/{id_}/start", b"\x10\x11", {"Tty": True})


def _stream(path: Path, target: str, keys: bytes, body: dict[str, Any] | None = None) -> None:
    """A connection that types the keys and reads to its end."""
    data = b"" if body is None else json.dumps(body).encode()
    head = f"POST {target} HTTP/1.1\r\n{UPGRADE}Content-Type: application/json\r\n"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        connection.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(4096)
        assert b" 101 " in answer, answer
        for key in keys:
            connection.sendall(bytes([key]))
        while connection.recv(4096):
            pass


def _images(ask: Ask) -> None:
    ask("POST", "/images/scene:1/tag", repo="other", tag="3")
    ask("GET", "/images/other:3/get")
    ask("DELETE", "/images/other:3")
    ask("DELETE", "/images/scene:2")


def _networks_and_volumes(ask: Ask) -> None:
    ask("POST", "/networks/create", {"Name": "net", "Labels": {"n": "1"}})
    ask("POST", "/volumes/create", {"Name": "vol"})
    body = {
        "Image": "scene:1",
        "Cmd": SLEEP,
        "HostConfig": {"Binds": ["vol:/vol:ro", "/tmp:/host"]},
    }
    ask("POST", "/containers/create", body, name="three")
    ask("POST", "/containers/three/start")
    ask("POST", "/networks/net/connect", {"Container": "three"})
    ask("POST", "/networks/net/disconnect", {"Container": "three"})
    ask("POST", "/containers/three/stop")
    ask("POST", "/containers/three/wait")


def _ends(ask: Ask) -> None:
    ask("DELETE", "/containers/three", v=1)
    ask("POST", "/containers/prune")
    ask("DELETE", "/volumes/vol")
    ask("POST", "/volumes/prune")
    ask("DELETE", "/networks/net")
    ask("POST", "/networks/prune")
    ask("POST", "/images/prune", filters='{"dangling":["false"]}')
