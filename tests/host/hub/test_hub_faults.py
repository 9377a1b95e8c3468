"""What goes wrong around a hub: kills, full disks, clients that leave, many clients at once."""

from __future__ import annotations

import asyncio
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.hub import RunningHub, serving_hub
from tests.support.hub_client import Client, image
from tests.support.hub_process import HubProcess

from budu.spec.digest import Digest

pytestmark = pytest.mark.host
MIB = 1 << 20
DATA = secrets.token_bytes(MIB) * 24


def client_of(hub: HubProcess) -> Client:
    return Client(RunningHub(hub.address, *[None] * 3))  # type: ignore[arg-type]  # an address alone


async def test_killed_in_the_middle_of_an_upload(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        ann = client_of(hub)
        location = (await ann("POST", "blobs/uploads/")).headers["Location"]
        sent = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            for start in range(0, 16 * MIB, MIB):
                yield DATA[start : start + MIB]
                await asyncio.sleep(0)
            sent.set()
            await asyncio.Event().wait()

        pushing = asyncio.create_task(ann("PATCH", location, data=slowly()))
        await asyncio.wait_for(sent.wait(), 30)
        async with asyncio.timeout(30):
            while not any(f.stat().st_size for f in (tmp_path / "blobs" / "uploads").iterdir()):
                await asyncio.sleep(0.01)
        hub.end(signal.SIGKILL)
        await asyncio.gather(pushing, return_exceptions=True)
        hub.start()
        status = await ann("GET", location)
        size = int(status.headers["Range"].partition("-")[2]) + 1
        assert 0 < size <= 16 * MIB
        headers = {"Content-Range": f"{size}-{len(DATA) - 1}"}
        rest = await ann("PATCH", location, data=DATA[size:], headers=headers)
        assert rest.status == 202, rest.body
        done = await ann("PUT", f"{location}?digest={Digest.of(DATA)}")
        assert done.status == 201, done.body
        assert (await ann("GET", done.headers["Location"])).body == DATA


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Eight megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


async def test_full_disk(tmp_path: Path, small_disk: Path) -> None:
    async with serving_hub(f"sqlite:///{tmp_path}/hub.db", f"file://{small_disk}") as hub:
        ann = Client(hub)
        kept = await ann.push_blob(DATA[:MIB])
        location = (await ann("POST", "blobs/uploads/")).headers["Location"]
        answer = await ann("PATCH", location, data=DATA[: 12 * MIB])
        assert (answer.status, answer.code) == (507, "UNAVAILABLE")
        assert "no space left on device" in answer.json["errors"][0]["message"]
        assert (await ann("GET", f"blobs/{kept}")).body == DATA[:MIB]
        assert (await ann("DELETE", location)).status == 204
        again = await ann.push_blob(DATA[: 4 * MIB])
        assert Digest.of((await ann("GET", f"blobs/{again}")).body) == again


async def test_full_disk_is_freed_and_the_upload_goes_on(tmp_path: Path, small_disk: Path) -> None:
    async with serving_hub(f"sqlite:///{tmp_path}/hub.db", f"file://{small_disk}") as hub:
        ann = Client(hub)
        (small_disk / "ballast").write_bytes(bytes(5 * MIB))
        data = DATA[: 6 * MIB]
        location = (await ann("POST", "blobs/uploads/")).headers["Location"]
        assert (await ann("PATCH", location, data=data)).status == 507
        (small_disk / "ballast").unlink()
        size = int((await ann("GET", location)).headers["Range"].partition("-")[2]) + 1
        assert MIB <= size < len(data)
        assert (await ann("PATCH", location, data=data[size:])).status == 202
        assert (await ann("PUT", f"{location}?digest={Digest.of(data)}")).status == 201


async def test_delete_and_sweep_during_a_pull(tmp_path: Path) -> None:
    from budu.hub.registry.sweep import Sweep, SweepRules

    async with serving_hub(f"sqlite:///{tmp_path}/hub.db", f"file://{tmp_path}/blobs") as hub:
        ann = Client(hub)
        layer = await ann.push_blob(DATA)
        digest = await ann.push_manifest("1", image(layer))
        reader, writer = await asyncio.open_connection(*hub.address.split(":"), limit=65536)
        path = f"/v2/ann/app/blobs/{layer}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert (await ann("DELETE", f"manifests/{digest}")).status == 202
        later = Sweep(hub.database, hub.context.blobs, now=lambda: hub.context.now() + 7200)
        assert (await later.sweep(SweepRules())).blobs == 1
        assert (await ann("GET", f"blobs/{layer}")).status == 404
        body = bytearray()
        while piece := await reader.read(MIB):
            body += piece
        assert Digest.of(body) == layer
        writer.close()


async def test_a_hundred_clients_at_once_in_bounded_memory(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        ann = client_of(hub)
        layer = await ann.push_blob(DATA[: 8 * MIB])
        before = hub.peak_bytes
        answers = await asyncio.gather(*(counted(hub, layer) for _ in range(100)))
        assert answers == [8 * MIB] * 100
        assert hub.peak_bytes - before < 64 * MIB


async def counted(hub: HubProcess, digest: str) -> int:
    reader, writer = await asyncio.open_connection(*hub.address.split(":"))
    path = f"/v2/ann/app/blobs/{digest}"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    size = 0
    while piece := await reader.read(MIB):
        size += len(piece)
    writer.close()
    return size


async def test_clients_that_leave_are_forgotten(tmp_path: Path) -> None:
    async with serving_hub(f"sqlite:///{tmp_path}/hub.db", f"file://{tmp_path}/blobs") as hub:
        ann = Client(hub)
        layer = await ann.push_blob(DATA)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(20):
            reader, writer = await asyncio.open_connection(*hub.address.split(":"))
            path = f"/v2/ann/app/blobs/{layer}"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()
        async with asyncio.timeout(20):
            while len(list(Path("/proc/self/fd").iterdir())) > before:
                await asyncio.sleep(0.01)
        assert (await ann("GET", f"blobs/{layer}")).body == DATA


async def test_large_push_in_bounded_memory(tmp_path: Path) -> None:
    with HubProcess(tmp_path) as hub:
        ann = client_of(hub)
        await ann.push_blob(b"warm")
        before = hub.peak_bytes
        location = (await ann("POST", "blobs/uploads/")).headers["Location"]

        async def much() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield DATA

        assert (await ann("PATCH", location, data=much())).status == 202
        assert (await ann("PUT", f"{location}?digest={Digest.of(DATA * 4)}")).status == 201
        assert hub.peak_bytes - before < 48 * MIB
