"""A short life of containers, images, networks and volumes, and what an engine answers on the way.

Played against a dockerd to record the shape of its answers, and against ours to compare.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Protocol

from demo.images import busybox_layer
from tests.support.engine import UnixConnection
from tests.support.waiting import eventually

SLEEP = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
CHANGES = (
    'CMD ["sh"]',
    "LABEL tier=front",
    "ENV COLOUR=blue",
    "EXPOSE 80/tcp",
    "VOLUME /data",
    "WORKDIR /tmp",
)
FULL: dict[str, Any] = {
    "Image": "scene:1",
    "Cmd": SLEEP,
    "Tty": True,
    "OpenStdin": True,
    "Env": ["A=b"],
    "Labels": {"a": "b"},
    "ExposedPorts": {"81/udp": {}},
    "StopTimeout": 3,
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1_000_000_000},
    "HostConfig": {
        "Binds": ["/etc/hostname:/bound:ro", "named:/named"],
        "Tmpfs": {"/scratch": "size=1m"},
        "Mounts": [{"Type": "tmpfs", "Target": "/scratch2", "TmpfsOptions": {"SizeBytes": 65536}}],
        "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2},
        "Memory": 64 << 20,
        "Ulimits": [{"Name": "nofile", "Soft": 100, "Hard": 200}],
        "CapAdd": ["NET_ADMIN"],
        "Dns": ["192.0.2.1"],
        "ExtraHosts": ["other:192.0.2.2"],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
        "Devices": [
            {"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "rwm"}
        ],
        "Init": True,
    },
    "NetworkingConfig": {"EndpointsConfig": {"scenes": {"Aliases": ["alias"]}}},
}
FULL["HostConfig"]["NetworkMode"] = "scenes"


class Ask(Protocol):
    """One request: method, path, and maybe a body and a query. The status and the document."""

    def __call__(self, method: str, path: str, body: Any = None, /, **query: Any) -> Any: ...


def asker(socket: Any, prefix: str) -> Ask:
    """Asks an engine at a unix socket in one API version; anything but success is an error."""

    def ask(method: str, path: str, body: Any = None, /, **query: Any) -> Any:
        from urllib.parse import urlencode

        connection = UnixConnection(socket)
        try:
            data = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
            kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
            headers = {} if body is None else {"Content-Type": kind}
            target = f"{prefix}{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
            connection.request(method, target, data, headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status < 300, (method, path, answer.status, text)
            if answer.headers.get("Content-Type", "").startswith("application/json") and text:
                lines = text.decode().splitlines()
                return [json.loads(line) for line in lines] if len(lines) > 1 else json.loads(text)
            return None
        finally:
            connection.close()

    return ask


def play(ask: Ask) -> dict[str, Any]:
    """Answers by name."""
    kept: dict[str, Any] = {}

    def keep(called: str, method: str, path: str, body: Any = None, **query: Any) -> Any:
        kept[called] = ask(method, path, body, **query)
        return kept[called]

    began = int(time.time())
    ask("POST", "/images/create", busybox_layer(), fromSrc="-", repo="scene", tag="1",
        changes=CHANGES)  # fmt: skip
    keep("NetworkCreate", "POST", "/networks/create", {"Name": "scenes", "CheckDuplicate": True})
    keep("VolumeCreate", "POST", "/volumes/create", {"Name": "named", "Labels": {"a": "b"}})
    plain = {"Image": "scene:1", "Cmd": SLEEP}
    keep("ContainerCreate", "POST", "/containers/create", plain, name="plain")
    keep("ContainerInspect created", "GET", "/containers/plain/json")
    ask("POST", "/containers/create", FULL, name="full")
    for name in ("plain", "full"):
        ask("POST", f"/containers/{name}/start")
    eventually(lambda: _healthy(ask), "a healthy container")
    _running(ask, keep)
    ask("POST", "/containers/plain/pause")
    keep("ContainerInspect paused", "GET", "/containers/plain/json")
    ask("POST", "/containers/plain/unpause")
    ask("POST", "/containers/plain/stop")
    keep("ContainerWait", "POST", "/containers/plain/wait")
    keep("ContainerInspect exited", "GET", "/containers/plain/json")
    _images(ask, keep)
    keep("SystemDataUsage", "GET", "/system/df")
    _ends(ask, keep)
    events = ask("GET", "/events", since=began, until=int(time.time()) + 1)
    kept["SystemEvents"] = [each for each in events if not each["Action"].startswith("exec_")]
    return kept


def _healthy(ask: Ask) -> bool:
    return bool(ask("GET", "/containers/full/json")["State"]["Health"]["Status"] == "healthy")


def _running(ask: Ask, keep: Callable[..., Any]) -> None:
    keep("ContainerInspect running", "GET", "/containers/plain/json")
    keep("ContainerInspect full", "GET", "/containers/full/json", size=1)
    keep("ContainerList", "GET", "/containers/json", all=1)
    keep("ContainerList sizes", "GET", "/containers/json", size=1)
    keep("ContainerTop", "GET", "/containers/plain/top")
    keep("ContainerTop aux", "GET", "/containers/plain/top", ps_args="aux")
    keep("ContainerStats", "GET", "/containers/full/stats", stream=0)
    keep("ContainerChanges", "GET", "/containers/plain/changes")
    body = {"Memory": 128 << 20, "MemorySwap": 256 << 20}
    keep("ContainerUpdate", "POST", "/containers/full/update", body)
    exec_body = {"Cmd": ["true"], "AttachStdout": True}
    id_ = keep("ContainerExec", "POST", "/containers/plain/exec", exec_body)["Id"]
    keep("ExecInspect", "GET", f"/exec/{id_}/json")
    ask("POST", f"/exec/{id_}/start", {"Detach": True})
    eventually(lambda: not ask("GET", f"/exec/{id_}/json")["Running"], "the end of the exec")
    keep("ExecInspect ended", "GET", f"/exec/{id_}/json")
    keep("NetworkList", "GET", "/networks")
    keep("NetworkInspect", "GET", "/networks/scenes")
    keep("VolumeList", "GET", "/volumes")
    keep("VolumeInspect", "GET", "/volumes/named")
    keep("SystemInfo", "GET", "/info")
    keep("SystemVersion", "GET", "/version")


def _images(ask: Ask, keep: Callable[..., Any]) -> None:
    keep("ImageList", "GET", "/images/json")
    keep("ImageInspect", "GET", "/images/scene:1/json")
    keep("ImageHistory", "GET", "/images/scene:1/history")
    config = {"Cmd": ["sh"], "Labels": {"c": "d"}}
    keep("ImageCommit", "POST", "/commit", config, container="plain", repo="scene", tag="2",
         comment="said", author="us")  # fmt: skip
    keep("ImageInspect committed", "GET", "/images/scene:2/json")
    keep("ImageHistory committed", "GET", "/images/scene:2/history")
    keep("ImageDelete", "DELETE", "/images/scene:2")


def _ends(ask: Ask, keep: Callable[..., Any]) -> None:
    ask("POST", "/containers/full/kill")
    ask("POST", "/containers/full/wait")
    keep("ContainerPrune", "POST", "/containers/prune")
    keep("ContainerPrune nothing", "POST", "/containers/prune")
    keep("NetworkPrune", "POST", "/networks/prune")
    keep("NetworkPrune nothing", "POST", "/networks/prune")
    keep("VolumePrune", "POST", "/volumes/prune")
    keep("VolumePrune nothing", "POST", "/volumes/prune")
    keep("ImagePrune", "POST", "/images/prune", filters='{"dangling":["false"]}')
    keep("ImagePrune nothing", "POST", "/images/prune")
    keep("BuildPrune", "POST", "/build/prune")
    keep("ContainerList nothing", "GET", "/containers/json")
    keep("ImageList nothing", "GET", "/images/json", filters='{"reference":["nothing"]}')
    keep("VolumeList nothing", "GET", "/volumes")
    keep("SystemDataUsage nothing", "GET", "/system/df")
