"""A real plugin: an HTTP server on a unix socket whose calls are functions of the test."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

Call = Callable[[dict[str, Any]], dict[str, Any]]


class PluginServer:
    """`calls` maps `VolumeDriver.Create` to a function of the request; `asked` is what came.

    A function may raise `Refused`. Use it in a loop (`start`, `stop`) or as a thread of its own
    (`run`, `end`).
    """

    def __init__(self, socket: Path, implements: list[str], calls: dict[str, Call]) -> None:
        self.socket = socket
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.accepts: list[str] = []
        self.calls: dict[str, Call] = {
            "Plugin.Activate": lambda _: {"Implements": implements},
            **calls,
        }
        self._runner: web.AppRunner | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def named(self, method: str) -> list[dict[str, Any]]:
        """The requests of one call."""
        return [request for name, request in self.asked if name == method]

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/{method}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        await web.UnixSite(self._runner, str(self.socket)).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def run(self) -> None:
        ready = threading.Event()

        async def live() -> None:
            self._loop = asyncio.get_running_loop()
            self._ended = asyncio.Event()
            await self.start()
            ready.set()
            await self._ended.wait()
            await self.stop()

        self._thread = threading.Thread(target=lambda: asyncio.run(live()))
        self._thread.start()
        assert ready.wait(10)

    def end(self) -> None:
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(10)
            self._thread = None

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        body = await request.read()
        arguments = json.loads(body) if body.strip() else {}
        self.asked.append((method, arguments))
        self.accepts.append(request.headers.get("Accept", ""))
        call = self.calls.get(method)
        if call is None:
            return web.Response(status=404, text="404 page not found\n")
        try:
            answer, status = call(arguments), 200
        except Refused as error:
            answer, status = {"Err": str(error)}, error.status
        text = json.dumps(answer)
        return web.Response(status=status, text=text, content_type="application/json")


class Refused(Exception):
    """A plugin's own no."""

    def __init__(self, words: str, status: int = 200) -> None:
        super().__init__(words)
        self.status = status


class DirectoryVolumes:
    """Calls of a volume plugin that keeps its volumes as folders."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.users: dict[str, set[str]] = {}

    def calls(self) -> dict[str, Call]:
        names = ("Create", "Remove", "Mount", "Unmount", "Path", "Get", "List", "Capabilities")
        return {f"VolumeDriver.{name}": getattr(self, name.lower()) for name in names}

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        if (request["Opts"] or {}).get("refuse"):
            raise Refused("the pool is empty")
        (self.root / request["Name"]).mkdir(parents=True, exist_ok=True)
        return {}

    def remove(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.users.get(request["Name"]):
            raise Refused("still mounted")
        path = self.root / request["Name"]
        for each in path.iterdir():
            each.unlink()
        path.rmdir()
        return {"Err": ""}

    def mount(self, request: dict[str, Any]) -> dict[str, Any]:
        self.users.setdefault(request["Name"], set()).add(request["ID"])
        return self.path(request)

    def unmount(self, request: dict[str, Any]) -> dict[str, Any]:
        self.users.setdefault(request["Name"], set()).discard(request["ID"])
        return {}

    def path(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"Mountpoint": str(self.root / request["Name"])}

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        if not (self.root / request["Name"]).is_dir():
            raise Refused("volume not found", 500)
        volume = {**self.path(request), "Name": request["Name"], "Status": {"kind": "folder"}}
        return {"Volume": volume}

    def list(self, _: dict[str, Any]) -> dict[str, Any]:
        found = sorted(each.name for each in self.root.iterdir()) if self.root.exists() else []
        return {"Volumes": [self.get({"Name": name})["Volume"] for name in found]}

    def capabilities(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"Capabilities": {"Scope": "global"}}
