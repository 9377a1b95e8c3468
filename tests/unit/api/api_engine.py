"""An engine that keeps everything in memory and runs nothing: what the handlers talk to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any

from api_builds import FakeBuilds

from budu.base.errors import Conflict, Hint, NotFound, NotModified, Unauthenticated
from budu.base.filters import Filters
from budu.distribution.progress import ProgressSink
from budu.engine.containers.model import Container, Mount, MountKind, Status
from budu.engine.contract import (
    Attachment,
    AttachOptions,
    ContainerFiles,
    Created,
    ImageDeletion,
    LogOptions,
    WaitResult,
)
from budu.engine.contract.diagnosis import Diagnosis, Outcome, Step
from budu.image.history import HistoryRow
from budu.image.model import ImageRecord
from budu.network.contract import EndpointState, PortBinding
from budu.spec.api.auth import AuthConfig
from budu.spec.api.container import ContainerConfig, ContainerCreateBody
from budu.spec.api.events import EventActor, EventMessage
from budu.spec.api.host_config import HostConfig
from budu.spec.api.network import EndpointSettings, Network, NetworkCreateResponse, OpenPort
from budu.spec.api.system import SystemInfo, SystemVersion
from budu.spec.api.volume import Volume
from budu.spec.image import ExecConfig, History, ImageConfig, RootFS
from budu.spec.platform import Platform

ID = "c0ffee" + "0" * 58
IMAGE_ID = "sha256:" + "1" * 64
NETWORK_ID = "2" * 64


def a_container(**changes: Any) -> Container:
    """A running web server."""
    fields: dict[str, Any] = {
        "id": ID,
        "name": "web",
        "created_ns": 1_700_000_000_123_456_789,
        "image_id": IMAGE_ID,
        "image_name": "httpd:2.4",
        "diff_ids": ("sha256:" + "3" * 64,),
        "path": "httpd",
        "args": ("-D", "FOREGROUND x"),
        "config": ContainerConfig(image="httpd:2.4", labels={"a": "b"}),
        "host_config": HostConfig(network_mode="bridge"),
        "mounts": (
            Mount(kind=MountKind.BIND, source="/srv", destination="/htdocs", read_only=True),
        ),
        "endpoint_settings": {"bridge": EndpointSettings()},
        "endpoints": {"bridge": an_endpoint()},
        "status": Status.RUNNING,
        "pid": 4242,
        "started_ns": 1_700_000_001_000_000_000,
    }
    return Container(**{**fields, **changes})


def an_endpoint() -> EndpointState:
    return EndpointState(
        endpoint_id="4" * 64,
        container_id=ID,
        name="web",
        address="172.17.0.2",
        prefix_length=16,
        gateway="172.17.0.1",
        mac="02:42:ac:11:00:02",
        host_link="budu-1",
        mtu=1500,
        bindings=(PortBinding(container_port=80, host_port=8080),),
        exposed=("443/tcp", "80/tcp"),
    )


def an_image(**changes: Any) -> ImageRecord:
    fields: dict[str, Any] = {
        "id": IMAGE_ID,
        "manifest_digest": "sha256:" + "5" * 64,
        "repo_tags": ("httpd:2.4",),
        "repo_digests": ("httpd@sha256:" + "5" * 64,),
        "size": 1234,
        "created": "2023-11-14T22:13:20Z",
        "platform": Platform(os="linux", architecture="amd64"),
        "diff_ids": ("sha256:" + "3" * 64,),
    }
    return ImageRecord(**{**fields, **changes})


class FakeAttachment:
    """Sends its chunks, then echoes input in capitals until the input ends or says bye."""

    def __init__(self, *, tty: bool, chunks: tuple[bytes, ...]) -> None:
        self.tty = tty
        self.closed = asyncio.Event()
        self.input_ended = False
        self.received = b""
        self.writing = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        for chunk in chunks:
            self._queue.put_nowait(chunk)

    async def output(self) -> AsyncIterator[bytes]:
        while (chunk := await self._queue.get()) is not None:
            yield chunk

    async def write(self, data: bytes) -> bool:
        self.writing.set()
        await self.gate.wait()
        self.received += data
        if data == b"bye":
            return False
        self._queue.put_nowait(data.upper())
        return True

    async def close_stdin(self) -> None:
        self.input_ended = True
        self._queue.put_nowait(b"[end]")
        self._queue.put_nowait(None)

    async def aclose(self) -> None:
        self.closed.set()


class FakeContainers:
    def __init__(self) -> None:
        self.all = {"web": a_container()}
        self.calls: list[tuple[Any, ...]] = []
        self.ended: asyncio.Future[WaitResult] | None = None
        self.attachment: FakeAttachment | None = None
        self.log_chunks: list[bytes] = [b"one\n", b"two\n"]
        self.log_ends = True
        self.log_closed = asyncio.Event()

    async def create(
        self, body: ContainerCreateBody, *, name: str | None, platform: Platform | None
    ) -> Created:
        self.calls.append(("create", body, name, platform))
        return Created(id=ID, warnings=("careful",))

    def get(self, ref: str) -> Container:
        if ref not in self.all:
            raise NotFound(f"No such container: {ref}", reference=ref)
        return self.all[ref]

    def list(self, *, everything: bool, limit: int, filters: Filters) -> list[Container]:
        self.calls.append(("list", everything, limit, filters.get("name")))
        return [*self.all.values()]

    def size(self, container: Container) -> tuple[int, int]:
        return 10, 1244

    def files(self, container: Container) -> ContainerFiles:
        folder = f"/var/lib/budu/containers/{container.id}"
        return ContainerFiles(
            hosts=f"{folder}/hosts",
            hostname=f"{folder}/hostname",
            resolv_conf=f"{folder}/resolv.conf",
            log=f"{folder}/log/container.log",
        )

    async def start(self, ref: str) -> None:
        if self.get(ref).is_running:
            raise NotModified("container is already running")

    async def stop(self, ref: str, *, timeout_s: int | None, signal: str | None) -> None:
        self.calls.append(("stop", self.get(ref).name, timeout_s, signal))

    async def restart(self, ref: str, *, timeout_s: int | None, signal: str | None) -> None:
        self.calls.append(("restart", self.get(ref).name, timeout_s, signal))

    async def kill(self, ref: str, *, signal: str | None) -> None:
        self.calls.append(("kill", self.get(ref).name, signal))

    async def pause(self, ref: str) -> None:
        self.calls.append(("pause", self.get(ref).name))

    async def unpause(self, ref: str) -> None:
        self.calls.append(("unpause", self.get(ref).name))

    async def rename(self, ref: str, name: str) -> None:
        self.calls.append(("rename", self.get(ref).name, name))

    async def remove(self, ref: str, *, force: bool, volumes: bool, link: bool) -> None:
        if self.get(ref).is_running and not force:
            raise Conflict(f"cannot remove container {ref!r}: container is running")
        self.calls.append(("remove", ref, volumes, link))

    def wait(self, ref: str, condition: str) -> Awaitable[WaitResult]:
        self.get(ref)
        self.calls.append(("wait", condition))
        self.ended = asyncio.get_running_loop().create_future()
        return self.ended

    def logs(self, ref: str, options: LogOptions) -> tuple[bool, AsyncIterator[bytes]]:
        self.calls.append(("logs", options))
        return self.get(ref).tty, self._log()

    async def _log(self) -> AsyncIterator[bytes]:
        try:
            for chunk in self.log_chunks:
                yield chunk
            if not self.log_ends:
                await asyncio.Future[None]()
        finally:
            self.log_closed.set()

    async def attach(self, ref: str, options: AttachOptions) -> Attachment:
        self.calls.append(("attach", options))
        self.attachment = FakeAttachment(tty=self.get(ref).tty, chunks=(b"hello ",))
        return self.attachment

    async def resize(self, ref: str, *, height: int, width: int) -> None:
        self.calls.append(("resize", self.get(ref).name, height, width))

    async def prune(self, filters: Filters) -> Any:
        return [ID], 10


class FakeImages:
    def __init__(self) -> None:
        self.all = {"httpd:2.4": an_image()}
        self.pulled: tuple[Any, ...] = ()
        self.pull_script: Any = None
        self.pull_cancelled = asyncio.Event()
        self.tagged: tuple[str, ...] = ()

    async def pull(
        self,
        reference: str,
        *,
        platform: Platform | None,
        registry_auth: str,
        progress: ProgressSink,
    ) -> None:
        self.pulled = (reference, platform, registry_auth)
        try:
            await self.pull_script(progress)
        except asyncio.CancelledError:
            self.pull_cancelled.set()
            raise

    def get(self, ref: str) -> ImageRecord:
        if ref not in self.all:
            raise NotFound(f"No such image: {ref}", reference=ref)
        return self.all[ref]

    def of_platform(self, ref: str, platform: Platform | None) -> ImageRecord:
        return self.get(ref)

    def split(self, image: ImageRecord) -> list[ImageRecord]:
        return [image]

    def tree(self, image: ImageRecord) -> Any:
        raise NotFound("no documents here")

    def config(self, image: ImageRecord) -> ImageConfig:
        return ImageConfig(
            architecture="amd64",
            os="linux",
            created=image.created,
            config=ExecConfig(cmd=("httpd",), labels={"maintainer": "us"}),
            rootfs=RootFS(diff_ids=image.diff_ids),
            history=(History(created_by="ADD", comment="base"),),
        )

    def history(self, image: ImageRecord) -> tuple[HistoryRow, ...]:
        return (HistoryRow(id=image.id, created=1, created_by="ADD", size=image.size),)

    def list(self, *, everything: bool, filters: Filters) -> list[ImageRecord]:
        return [*self.all.values()]

    def labels(self, image: ImageRecord) -> dict[str, str] | None:
        return {"maintainer": "us"}

    def user_counts(self) -> dict[str, int]:
        return {each.id: 1 for each in self.all.values()}

    async def tag(self, ref: str, *, repository: str, tag: str) -> None:
        self.tagged = (self.get(ref).id, repository, tag)

    async def remove(
        self, ref: str, *, force: bool, prune: bool, platforms: tuple[Platform, ...] = ()
    ) -> Any:
        image = self.get(ref)
        return [ImageDeletion(untagged=ref), ImageDeletion(deleted=image.id)]

    async def prune(self, filters: Filters) -> Any:
        return [], 0


class FakeNetworks:
    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def list(self, filters: Filters) -> list[Network]:
        return [self.get("bridge")]

    def get(self, ref: str, *, scope: str = "") -> Network:
        if ref not in ("bridge", NETWORK_ID) or scope not in ("", "local"):
            raise NotFound(f"network {ref} not found", reference=ref)
        return Network(name="bridge", id=NETWORK_ID, driver="bridge")

    def id_of(self, name: str) -> str:
        return NETWORK_ID if name == "bridge" else ""

    async def create(self, body: Any) -> NetworkCreateResponse:
        self.asked.append(("create", body.name, body.driver, body.ipam))
        return NetworkCreateResponse(id=NETWORK_ID)

    async def remove(self, ref: str) -> None:
        self.asked.append(("remove", ref))

    def published(self) -> tuple[OpenPort, ...]:
        return (OpenPort(container="web", container_port=80, host_port=8080, reach="world"),)


class FakeDoctor:
    async def examine(self, ref: str) -> Diagnosis:
        finding = Hint("engine.doctor-route-ok", gateway="10.9.0.1")
        step = Step(name="route", outcome=Outcome.OK, finding=finding)
        problems = (Hint("network.protocols"),)
        return Diagnosis(container=ref, steps=(step,), problems=problems)


class FakeNetworkMembers:
    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    async def connect(self, network: str, ref: str, settings: Any) -> None:
        self.asked.append(("connect", network, ref, settings and settings.aliases))

    async def disconnect(self, network: str, ref: str, *, force: bool) -> None:
        self.asked.append(("disconnect", network, ref, force))

    async def publish(self, ref: str, ports: Any) -> None:
        self.asked.append(("publish", ref, ports))

    async def unpublish(self, ref: str, ports: Any) -> None:
        self.asked.append(("unpublish", ref, ports))


class FakeVolumes:
    def __init__(self) -> None:
        self.all: dict[str, Volume] = {}

    async def list(self, filters: Filters) -> Any:
        return [*self.all.values()], []

    async def get(self, name: str) -> Volume:
        if name not in self.all:
            raise NotFound(f"get {name}: no such volume", reference=name)
        return self.all[name]

    async def create(
        self, name: str, *, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
    ) -> Volume:
        name = name or "f" * 64
        self.all[name] = Volume(
            name=name, driver=driver or "local", labels=dict(labels), scope="local"
        )
        return self.all[name]

    async def remove(self, name: str, *, force: bool) -> None:
        del self.all[(await self.get(name)).name]


class FakeLogs:
    def __init__(self) -> None:
        self.cleared: list[str] = []

    def clear(self, ref: str) -> None:
        if ref not in ("web", ID):
            raise NotFound(f"No such container: {ref}")
        self.cleared.append(ref)


class FakeSystem:
    def __init__(self) -> None:
        self.ends = False

    async def info(self) -> SystemInfo:
        return SystemInfo(name="host", containers=1)

    def version(self) -> SystemVersion:
        return SystemVersion(version="0.1.0", api_version="1.51", min_api_version="1.40")

    async def login(self, auth: AuthConfig) -> tuple[str, str]:
        if auth.password != "right":
            raise Unauthenticated("unauthorized: incorrect username or password")
        return "Login Succeeded", ""

    def shutdown(self) -> None:
        self.ends = True


class FakeEvents:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[EventMessage | None] = asyncio.Queue()
        self.asked: tuple[Any, ...] = ()
        self.closed = asyncio.Event()

    def happen(self, action: str) -> None:
        self.queue.put_nowait(
            EventMessage(type="container", action=action, actor=EventActor(id=ID), time=1)
        )

    def stream(
        self, *, since_ns: int | None, until_ns: int | None, filters: Filters
    ) -> AsyncIterator[EventMessage]:
        filters.check_keys({"type", "container"})
        self.asked = (since_ns, until_ns, filters.get("type"))
        return self._stream()

    async def _stream(self) -> AsyncIterator[EventMessage]:
        try:
            while (event := await self.queue.get()) is not None:
                yield event
        finally:
            self.closed.set()


class FakeExecs:
    """No exec runs."""

    def ids_of(self, container_id: str) -> list[str]:
        return []


class FakeEngine:
    """See `engine.contract.Engine`."""

    def __init__(self) -> None:
        self.containers: Any = FakeContainers()
        self.images: Any = FakeImages()
        self.networks: Any = FakeNetworks()
        self.network_members: Any = FakeNetworkMembers()
        self.network_doctor: Any = FakeDoctor()
        self.volumes: Any = FakeVolumes()
        self.container_files: Any = None
        self.volume_files: Any = None
        self.volume_copies: Any = None
        self.snapshots: Any = None
        self.builds: Any = FakeBuilds()
        self.imports: Any = None
        self.pushes: Any = None
        self.explorer: Any = None
        self.storage_care: Any = None
        self.cleanup: Any = None
        self.registries: Any = None
        self.image_archives: Any = None
        self.execs: Any = FakeExecs()
        self.monitor: Any = None
        self.processes: Any = None
        self.updates: Any = None
        self.usages: Any = None
        self.logs: Any = FakeLogs()
        self.system: Any = FakeSystem()
        self.events: Any = FakeEvents()
