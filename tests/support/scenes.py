"""Containers by the API, for tests in which no foreign client is wanted."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.engine import EngineProcess, Reply
from tests.support.waiting import eventually

PATIENT = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
SERVER = "mkdir -p /w; echo page > /w/index.html; exec httpd -f -h /w -p 80"


def create(
    engine: EngineProcess, command: Sequence[str] | str, *, name: str = "", **host: object
) -> str:
    """A new busybox container; a text is run by sh. Its id."""
    reply = try_create(engine, command, name=name, **host)
    assert reply.status == 201, reply.body
    return str(reply.json["Id"])


def try_create(
    engine: EngineProcess, command: Sequence[str] | str, *, name: str = "", **host: object
) -> Reply:
    """What the engine answers to a create."""
    words = ["sh", "-c", command] if isinstance(command, str) else list(command)
    body = {"Image": "busybox", "Cmd": words, "HostConfig": host}
    query = {"name": name} if name else {}
    return engine.request("POST", "/containers/create", body, **query)


def start(engine: EngineProcess, ref: str) -> None:
    reply = engine.request("POST", f"/containers/{ref}/start")
    assert reply.status == 204, reply.body


def run(
    engine: EngineProcess, command: Sequence[str] | str, *, name: str = "", **host: object
) -> str:
    """A started busybox container; its id."""
    id_ = create(engine, command, name=name, **host)
    start(engine, id_)
    return id_


def publish(port: int, inside: int = 80) -> dict[str, object]:
    """The host part of a create that publishes a port."""
    return {"PortBindings": {f"{inside}/tcp": [{"HostPort": str(port)}]}}


def wait(engine: EngineProcess, ref: str) -> int:
    """The exit code, when there is one."""
    reply = engine.request("POST", f"/containers/{ref}/wait")
    assert reply.status == 200, reply.body
    return int(reply.json["StatusCode"])


def logs(engine: EngineProcess, ref: str) -> bytes:
    """What the container wrote to stdout, without Docker's frames."""
    data = engine.request("GET", f"/containers/{ref}/logs", stdout=1).body
    return b"".join(_payloads(data))


def _payloads(data: bytes) -> Iterator[bytes]:
    while data:
        size = int.from_bytes(data[4:8], "big")
        yield data[8 : 8 + size]
        data = data[8 + size :]


def fetch(port: int, address: str = "127.0.0.1") -> str:
    """A page, or nothing when nobody serves it."""
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def await_page(port: int) -> None:
    eventually(lambda: fetch(port) == "page\n", f"a page at port {port}")


def shim_of(engine: EngineProcess, ref: str) -> int:
    """The process that owns the container's first process."""
    return int(_fields(engine.state(ref)["Pid"])[1])


def parent(pid: int) -> int:
    """The parent of a process."""
    return int(_fields(pid)[1])


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        return _fields(pid)[0] != "Z"
    except OSError:
        return False


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
