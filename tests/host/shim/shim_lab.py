"""One real container kept by a shim, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

from budu.logs.driver import LogSettings
from budu.logs.files import BEGINNING
from budu.logs.frames import STDOUT, Frame
from budu.logs.reader import LogQuery, LogReader
from budu.logs.watch import Watch
from budu.runtime.host import read_host
from budu.runtime.plan import make_plan
from budu.shim.client import ExitStatus, ShimHandle
from budu.shim.pool import ShimPool, StartOrder
from budu.spec.oci_runtime import OCI_VERSION, Linux, Mount, Namespace, Process, Root, RuntimeSpec

LONG = "container-" + "x" * 120
"""A folder name that makes the socket's path longer than the kernel takes."""


class Case:
    """One container's folder, and how to start things in it."""

    def __init__(self, pool: ShimPool, rootfs: Path) -> None:
        self.pool = pool
        self.rootfs = rootfs
        self.directory = rootfs.parent / LONG
        self.directory.mkdir()
        self.log = LogReader(str(self.directory), Watch())
        self.handle: ShimHandle | None = None

    def path(self, name: str) -> str:
        return str(self.directory / name)

    def spec(self, *args: str, tty: bool = False, host_pid: bool = False) -> RuntimeSpec:
        kinds = ["mount", "uts", "ipc", "network"] + ([] if host_pid else ["pid"])
        return RuntimeSpec(
            oci_version=OCI_VERSION,
            process=Process(args=args, env=("PATH=/bin",), terminal=tty),
            root=Root(path=str(self.rootfs)),
            mounts=(
                Mount(destination="/proc", type="proc", source="proc"),
                Mount(destination="/dev", type="tmpfs", source="tmpfs", options=("mode=755",)),
                Mount(
                    destination="/dev/pts",
                    type="devpts",
                    source="devpts",
                    options=("newinstance", "ptmxmode=0666", "mode=0620"),
                ),
            ),
            linux=Linux(namespaces=tuple(Namespace(type=kind) for kind in kinds)),
        )

    def order(
        self,
        *args: str,
        tty: bool = False,
        host_pid: bool = False,
        stdin: bool = False,
        stdin_once: bool = False,
        window: int | None = None,
        max_size: int = 0,
    ) -> StartOrder:
        return StartOrder(
            id=LONG,
            socket=self.path("shim.sock"),
            exit=self.path("exit"),
            log=LogSettings(max_size=max_size, max_files=5).shim_order(str(self.directory)),
            stdin=stdin,
            stdin_once=stdin_once,
            tty=tty,
            window=window,
            plan=make_plan(self.spec(*args, tty=tty, host_pid=host_pid), read_host()),
        )

    async def start(self, order: StartOrder) -> ShimHandle:
        self.handle = await (await self.pool.take()).start(order, {})
        return self.handle

    async def run(self, *args: str, **options: bool) -> ExitStatus:
        handle = await self.start(self.order(*args, **options))
        return await handle.wait()

    async def output(self, stream: int = STDOUT) -> bytes:
        frames = [frame async for batch in self.log.read(LogQuery()) for frame in batch]
        return join(frames, stream)

    async def read_until(self, text: bytes) -> bytes:
        """Follow the log until `text` has come."""
        collected = b""
        frames = self.log.attach(BEGINNING)
        async for batch in frames:
            collected += join(batch, STDOUT)
            if text in collected:
                break
        await frames.aclose()
        return collected


def join(frames: list[Frame], stream: int) -> bytes:
    return b"".join(frame[3] for frame in frames if frame[0] == stream)
