"""What the HTTP edge may ask of the engine: one object with a service per kind of object.

`api.handlers` decode a request, make one call of these, and render the answer with `api.views`.
All errors are `base.errors`; a `ref` is an id, an unambiguous id prefix, or a name with or without
the leading slash. Methods are coroutines unless they only look at memory.

Life of a stream: an iterator that a service returns is closed by the handler (`aclose`) when the
client goes away; closing it frees what it holds and never disturbs the container.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from typing import Protocol

import msgspec

from budu.base.errors import Hint
from budu.base.filters import Filters
from budu.distribution.progress import ProgressSink
from budu.engine.containers.model import Container
from budu.engine.contract.archives import ImageArchives
from budu.engine.contract.builds import Builds
from budu.engine.contract.care import Cleanup, ImageExplorer, StorageCare
from budu.engine.contract.diagnosis import NetworkDoctor as NetworkDoctor
from budu.engine.contract.execs import Execs
from budu.engine.contract.files import Files
from budu.engine.contract.logs import Logs
from budu.engine.contract.monitor import Monitor, Processes
from budu.engine.contract.networks import NetworkList as NetworkList
from budu.engine.contract.networks import NetworkMembers as NetworkMembers
from budu.engine.contract.networks import Networks as Networks
from budu.engine.contract.pushes import Pushes
from budu.engine.contract.registries import RegistryQueries
from budu.engine.contract.snapshots import Imports, Snapshots
from budu.engine.contract.update import Updates
from budu.engine.contract.usage import Usages
from budu.engine.contract.volume_copies import VolumeCopies
from budu.engine.images.tree import ImageTree
from budu.image.history import HistoryRow
from budu.image.model import ImageRecord
from budu.spec.api.auth import AuthConfig
from budu.spec.api.container import ContainerCreateBody
from budu.spec.api.events import EventMessage
from budu.spec.api.system import SystemInfo, SystemVersion
from budu.spec.api.volume import Volume
from budu.spec.image import ImageConfig
from budu.spec.platform import Platform


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a create."""

    id: str
    warnings: tuple[str, ...] = ()


class WaitResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a container ended; `error` is set when it could not be waited for."""

    exit_code: int
    error: str = ""


class LogOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a log, and how. `tail` None means all; times in unix ns, 0 for unbounded."""

    stdout: bool = False
    stderr: bool = False
    follow: bool = False
    timestamps: bool = False
    details: bool = False
    since_ns: int = 0
    until_ns: int = 0
    tail: int | None = None


class AttachOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which streams to join; `logs` replays what was written before, `stream` stays.

    Not `framed`, both outputs come as one stream of bytes, as from a terminal.
    """

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    stream: bool = False
    logs: bool = False
    detach_keys: str | None = None
    framed: bool = True


class Attachment(Protocol):
    """One client's connection to a container's stdio."""

    tty: bool
    """Raw bytes when True; otherwise Docker's 8-byte frames, unless they are not wanted."""

    def output(self) -> AsyncIterator[bytes]:
        """Bytes ready for the wire (framed already), until the container ends or detaches."""

    async def write(self, data: bytes) -> bool:
        """Pass bytes to the container's stdin; False once the detach keys were seen."""

    async def close_stdin(self) -> None:
        """The client half-closed: stdin of the container ends when it was opened once only."""

    async def aclose(self) -> None:
        """Let go; idempotent."""


class ContainerFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Paths on the host that an inspection names."""

    hosts: str
    hostname: str
    resolv_conf: str
    log: str


class ImageDeletion(msgspec.Struct, frozen=True, kw_only=True):
    """One line of what a removal did: exactly one of the two is set."""

    untagged: str = ""
    deleted: str = ""


# Names for results, because inside the services `list` is a method.
ContainerList = list[Container]
ImageList = list[ImageRecord]
VolumeList = list[Volume]
Deletions = list[ImageDeletion]
Texts = list[str]
HistoryRows = tuple[HistoryRow, ...]


class Containers(Protocol):
    """Everything that happens to containers."""

    async def create(
        self, body: ContainerCreateBody, *, name: str | None, platform: Platform | None
    ) -> Created: ...
    def get(self, ref: str) -> Container: ...
    def list(self, *, everything: bool, limit: int, filters: Filters) -> ContainerList: ...
    def size(self, container: Container) -> tuple[int, int]:
        """Bytes of the writable layer, and of that with the image."""

    def files(self, container: Container) -> ContainerFiles:
        """The container's files on the host."""

    async def start(self, ref: str) -> None: ...
    async def stop(self, ref: str, *, timeout_s: int | None, signal: str | None) -> Hint | None:
        """End a container politely, or by force. What the caller may want to be told."""

    async def restart(self, ref: str, *, timeout_s: int | None, signal: str | None) -> Hint | None:
        """Stop and start a container. What the caller may want to be told."""

    async def kill(self, ref: str, *, signal: str | None) -> None: ...
    async def pause(self, ref: str) -> None: ...
    async def unpause(self, ref: str) -> None: ...
    async def rename(self, ref: str, name: str) -> None: ...
    async def remove(self, ref: str, *, force: bool, volumes: bool, link: bool) -> None: ...
    def wait(self, ref: str, condition: str) -> Awaitable[WaitResult]:
        """Arm a wait at once (so that headers may be sent) and return what to await.

        `condition` is `not-running` (also for empty), `next-exit` or `removed`.
        """

    def logs(self, ref: str, options: LogOptions) -> tuple[bool, AsyncIterator[bytes]]:
        """Whether the container has a terminal (raw bytes), and the bytes for the wire."""

    async def attach(self, ref: str, options: AttachOptions) -> Attachment: ...
    async def resize(self, ref: str, *, height: int, width: int) -> None: ...
    async def prune(self, filters: Filters) -> tuple[Texts, int]:
        """Ids removed and bytes freed."""


class Images(Protocol):
    """Images by name and id."""

    async def pull(
        self,
        reference: str,
        *,
        platform: Platform | None,
        registry_auth: str,
        progress: ProgressSink,
    ) -> None:
        """Fetch an image. `registry_auth` is the header X-Registry-Auth as it came, may be empty.

        Nothing is reported to `progress` before the registry has answered, so what is raised
        before the first call can still become an HTTP status.
        """

    def get(self, ref: str) -> ImageRecord: ...
    def config(self, image: ImageRecord) -> ImageConfig:
        """The image's config document. Raises: NotFound, DataLoss where it is damaged."""

    def labels(self, image: ImageRecord) -> dict[str, str] | None:
        """The labels of the image's config; None without any, or where it can't be read."""

    def of_platform(self, ref: str, platform: Platform | None) -> ImageRecord:
        """The image that `ref` means for a platform. Raises: NotFound with Docker's sentence."""

    def split(self, image: ImageRecord) -> ImageList:
        """The image once for each of the documents that its names stand for."""

    def tree(self, image: ImageRecord) -> ImageTree:
        """What the image's name stands for, with every manifest. Raises: NotFound."""

    def unpacked_size(self, diff_id: str) -> int:
        """Bytes of a layer, 0 when it is not here."""

    def users_by_id(self, image_id: str) -> Texts:
        """Ids of the containers made from an image."""

    def history(self, image: ImageRecord) -> HistoryRows:
        """The steps of its making, newest first."""

    def list(self, *, everything: bool, filters: Filters) -> ImageList: ...
    def user_counts(self) -> Mapping[str, int]:
        """How many containers were made from each image, or have it mounted, by its id; images
        without any are left out."""

    async def tag(self, ref: str, *, repository: str, tag: str) -> None: ...
    async def remove(
        self, ref: str, *, force: bool, prune: bool, platforms: Sequence[Platform] = ()
    ) -> Deletions: ...
    async def prune(self, filters: Filters) -> tuple[Deletions, int]: ...


class Volumes(Protocol):
    """Named and anonymous volumes of all drivers."""

    async def list(self, filters: Filters) -> tuple[VolumeList, Texts]: ...
    async def get(self, name: str) -> Volume: ...
    async def create(
        self, name: str, *, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
    ) -> Volume: ...
    async def remove(self, name: str, *, force: bool) -> None: ...
    async def resize(self, name: str, size: int) -> None:
        """Let a volume that has a size hold `size` bytes from now on."""

    async def prune(self, filters: Filters) -> tuple[Texts, int]:
        """Names of the volumes that went because no container has them, and bytes freed."""


class System(Protocol):
    """The engine and its host."""

    async def info(self) -> SystemInfo: ...
    def version(self) -> SystemVersion: ...
    async def login(self, auth: AuthConfig) -> tuple[str, str]:
        """Docker's status sentence and an identity token (mostly empty)."""

    def shutdown(self) -> None:
        """End the engine soon; containers live on."""


class Events(Protocol):
    """What happened, as it happens."""

    def stream(
        self, *, since_ns: int | None, until_ns: int | None, filters: Filters
    ) -> AsyncIterator[EventMessage]: ...


class Engine(Protocol):
    """All services; `daemon.compose` has the engine itself."""

    @property
    def containers(self) -> Containers:
        """Everything that happens to containers."""

    @property
    def images(self) -> Images:
        """Images by name and id."""

    @property
    def networks(self) -> Networks:
        """The networks that exist."""

    @property
    def network_members(self) -> NetworkMembers:
        """Networks and ports of containers that exist."""

    @property
    def network_doctor(self) -> NetworkDoctor:
        """Finds out why a container has no network."""

    @property
    def volumes(self) -> Volumes:
        """Volumes of the local driver."""

    @property
    def volume_copies(self) -> VolumeCopies:
        """Whole volumes: renamed, cloned, kept."""

    @property
    def container_files(self) -> Files:
        """Files of containers, as archives."""

    @property
    def volume_files(self) -> Files:
        """Files of volumes, as archives."""

    @property
    def execs(self) -> Execs:
        """More processes in running containers."""

    @property
    def logs(self) -> Logs:
        """What may be done to logs."""

    @property
    def system(self) -> System:
        """The engine and its host."""

    @property
    def snapshots(self) -> Snapshots:
        """What containers changed, and images made of it."""

    @property
    def image_archives(self) -> ImageArchives:
        """Images as archives."""

    @property
    def registries(self) -> RegistryQueries:
        """What registries say."""

    @property
    def explorer(self) -> ImageExplorer:
        """Looks into images."""

    @property
    def builds(self) -> Builds:
        """Images made of Dockerfiles."""

    @property
    def cleanup(self) -> Cleanup:
        """Images that go by a policy."""

    @property
    def storage_care(self) -> StorageCare:
        """Looks after what is stored."""

    @property
    def pushes(self) -> Pushes:
        """Images on their way to registries."""

    @property
    def imports(self) -> Imports:
        """Images made of archives."""

    @property
    def monitor(self) -> Monitor:
        """Samples of what containers use."""

    @property
    def processes(self) -> Processes:
        """What runs in containers."""

    @property
    def updates(self) -> Updates:
        """Limits and restart policies of containers that exist."""

    @property
    def usages(self) -> Usages:
        """How much of the disk everything takes."""

    @property
    def events(self) -> Events:
        """What happened, as it happens."""
