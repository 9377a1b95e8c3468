"""A real plugin: an HTTP server on a unix socket whose calls are functions of the test."""

from __future__ import annotations

import asyncio
import json
import subprocess
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


class VethNetworks:
    """Calls of a network plugin that gives each endpoint a veth; the host's end is the gateway."""

    def __init__(self) -> None:
        self.networks: dict[str, str] = {}
        self.endpoints: dict[str, str] = {}

    def calls(self) -> dict[str, Call]:
        return {
            "NetworkDriver.GetCapabilities": lambda _: {"Scope": "local"},
            "NetworkDriver.CreateNetwork": self.create_network,
            "NetworkDriver.DeleteNetwork": self.delete_network,
            "NetworkDriver.CreateEndpoint": self.create_endpoint,
            "NetworkDriver.DeleteEndpoint": self.delete_endpoint,
            "NetworkDriver.EndpointOperInfo": lambda _: {"Value": {"kind": "veth"}},
            "NetworkDriver.Join": self.join,
            "NetworkDriver.Leave": lambda _: {},
        }

    def create_network(self, request: dict[str, Any]) -> dict[str, Any]:
        generic = request["Options"]["com.docker.network.generic"]
        if generic.get("refuse"):
            raise Refused("no more networks")
        self.networks[request["NetworkID"]] = request["IPv4Data"][0]["Gateway"]
        return {}

    def delete_network(self, request: dict[str, Any]) -> dict[str, Any]:
        del self.networks[request["NetworkID"]]
        return {}

    def create_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        self.endpoints[request["EndpointID"]] = request["Interface"]["Address"]
        return {"Interface": {"MacAddress": "02:aa:bb:cc:dd:01"}}

    def delete_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        id_ = request["EndpointID"]
        del self.endpoints[id_]
        ip("link", "del", f"vh{id_[:10]}", check=False)
        return {}

    def join(self, request: dict[str, Any]) -> dict[str, Any]:
        assert Path(request["SandboxKey"]).exists()
        id_ = request["EndpointID"]
        outer, inner = f"vh{id_[:10]}", f"vc{id_[:10]}"
        gateway = self.networks[request["NetworkID"]]
        ip("link", "add", outer, "type", "veth", "peer", "name", inner)
        ip("addr", "add", gateway, "dev", outer)
        ip("link", "set", outer, "up")
        return {
            "InterfaceName": {"SrcName": inner, "DstPrefix": "wharf"},
            "Gateway": gateway.partition("/")[0],
            "StaticRoutes": [{"Destination": "198.51.100.0/24", "RouteType": 1, "NextHop": ""}],
        }


class CountingIpam:
    """Calls of an IPAM plugin with one pool, that gives addresses from 100 on."""

    def __init__(self, subnet: str) -> None:
        self.subnet = subnet
        self.pools: set[str] = set()
        self.taken: list[str] = []
        self._next = 100

    def calls(self) -> dict[str, Call]:
        return {
            "IpamDriver.GetDefaultAddressSpaces": lambda _: {
                "LocalDefaultAddressSpace": "here",
                "GlobalDefaultAddressSpace": "there",
            },
            "IpamDriver.RequestPool": self.request_pool,
            "IpamDriver.ReleasePool": self.release_pool,
            "IpamDriver.RequestAddress": self.request_address,
            "IpamDriver.ReleaseAddress": self.release_address,
        }

    def request_pool(self, request: dict[str, Any]) -> dict[str, Any]:
        assert request["AddressSpace"] == "here"
        self.pools.add("p1")
        return {"PoolID": "p1", "Pool": request["Pool"] or self.subnet, "Data": {}}

    def release_pool(self, request: dict[str, Any]) -> dict[str, Any]:
        self.pools.discard(request["PoolID"])
        return {}

    def request_address(self, request: dict[str, Any]) -> dict[str, Any]:
        base = self.subnet.rpartition(".")[0]
        address = request["Address"] or f"{base}.{self._next}"
        if "RequestAddressType" not in request["Options"]:
            self._next += 1
            self.taken.append(address)
        elif not request["Address"]:
            address = f"{base}.1"
        return {"Address": f"{address}/24"}

    def release_address(self, request: dict[str, Any]) -> dict[str, Any]:
        self.taken.remove(request["Address"])
        return {}


def ip(*arguments: str, check: bool = True) -> None:
    """Run iproute2."""
    subprocess.run(["ip", *arguments], check=check, capture_output=True)
