"""Pulls from Debian's docker-registry, the real thing, and onto a real full disk."""

import asyncio
import contextlib
import random
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.fakes.registry import FakeRegistry, tar_of

from budu.base.errors import NotFound, ResourceExhausted, Unauthenticated
from budu.content.disk import DiskContent
from budu.distribution.auth import ANONYMOUS, Credentials
from budu.distribution.client import Registries
from budu.distribution.hosts import hosts_config
from budu.distribution.login import login
from budu.distribution.pull import PulledImage, Puller
from budu.snapshot.choose import choose_layer_store
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest
from budu.spec.platform import parse_platform
from budu.spec.reference import parse_reference

pytestmark = pytest.mark.host

BINARY = shutil.which("docker-registry")
BIG = random.Random(3).randbytes(3_000_000)
ANN = Credentials(username="ann", password="secret")
# What `htpasswd -nbB ann secret` prints.
HTPASSWD = "ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"


class Server:
    """A running docker-registry."""

    def __init__(self, address: str, *, credentials: Credentials = ANONYMOUS) -> None:
        self.address = address
        self._credentials = credentials

    def send(self, method: str, url: str, body: bytes = b"", media_type: str = "") -> str:
        """One request; the Location of the answer."""
        if url.startswith("/"):
            url = f"http://{self.address}{url}"
        request = urllib.request.Request(url, data=body, method=method)
        request.add_header("Content-Type", media_type or "application/octet-stream")
        if self._credentials.password:
            request.add_header("Authorization", self._credentials.basic)
        with urllib.request.urlopen(request) as answer:
            return str(answer.headers.get("Location", ""))

    def push(self, source: FakeRegistry) -> None:
        """Upload everything that a fake registry holds; manifests before indexes."""
        manifests = sorted(source.manifests.items(), key=lambda m: b'"manifests"' in m[1][1])
        for repository in {repository for repository, _ in source.manifests}:
            for digest, data in source.blobs.items():
                place = self.send("POST", f"/v2/{repository}/blobs/uploads/")
                joint = "&" if "?" in place else "?"
                self.send("PUT", f"{place}{joint}digest={digest}", data)
        for (repository, name), (media_type, body) in manifests:
            self.send("PUT", f"/v2/{repository}/manifests/{name}", body, media_type)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(root: Path, *, htpasswd: str = "") -> Iterator[str]:
    """docker-registry on a free port, its storage below `root`; its address."""
    assert BINARY, "install Debian's docker-registry"
    address = f"127.0.0.1:{_free_port()}"
    auth = ""
    if htpasswd:
        (root / "htpasswd").write_text(htpasswd)
        auth = f"auth: {{htpasswd: {{realm: test, path: {root}/htpasswd}}}}\n"
    (root / "config.yml").write_text(
        "version: 0.1\n"
        "log: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {root}/data}}}}\n"
        f"http: {{addr: '{address}'}}\n" + auth
    )
    process = subprocess.Popen(
        [BINARY, "serve", str(root / "config.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(address)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(address: str) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"docker-registry does not answer at {address}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("registry")) as address:
        yield Server(address)


class Engine:
    """Stores as this kernel lets us have them, and a puller."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.content = DiskContent(root / "content")
        self.layers: LayerStore = choose_layer_store(root / "layers")
        self.registries = Registries(hosts_config())
        self.puller = Puller(self.registries, self.content, self.layers)

    async def pull(
        self, name: str, *, platform: str = "linux/amd64", credentials: Credentials = ANONYMOUS
    ) -> PulledImage:
        return await self.puller.pull(
            parse_reference(name), platform=parse_platform(platform), credentials=credentials
        )

    async def close(self) -> None:
        await self.registries.close()
        self.puller.close()
        self.layers.close()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    engine = Engine(tmp_path)
    yield engine
    await engine.close()


@pytest.mark.parametrize("docker", [False, True])
@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
async def test_an_image_comes_from_docker_registry(
    server: Server, engine: Engine, docker: bool, compression: str
) -> None:
    source = FakeRegistry()
    name = f"{compression}-{'docker' if docker else 'oci'}"
    layers = [{"etc/motd": name.encode()}, {"big": BIG}]
    built = source.add_image(name, "1", layers=layers, compression=compression, docker=docker)
    await asyncio.to_thread(server.push, source)
    pulled = await engine.pull(f"{server.address}/{name}:1")
    assert pulled.manifest_digest == built.digest
    assert pulled.diff_ids == built.diff_ids
    for files, diff_id in zip(layers, built.diff_ids, strict=True):
        assert engine.layers.size(Digest(diff_id)) == len(tar_of(files))
    assert not (await engine.pull(f"{server.address}/{name}:1")).new


async def test_a_platform_is_chosen_from_an_index(server: Server, engine: Engine) -> None:
    source = FakeRegistry()
    images = [
        source.add_image("multi", layers=[{"a": name.encode()}], platform=name)
        for name in ("linux/amd64", "linux/arm64")
    ]
    index = source.add_index("multi", "1", images, attestations=False)
    await asyncio.to_thread(server.push, source)
    pulled = await engine.pull(f"{server.address}/multi:1", platform="linux/arm64")
    assert (pulled.descriptor.digest, pulled.manifest_digest) == (index, images[1].digest)
    by_digest = await engine.pull(f"{server.address}/multi@{index}")
    assert by_digest.manifest_digest == images[0].digest


async def test_a_kept_part_is_completed_by_range(server: Server, engine: Engine) -> None:
    source = FakeRegistry()
    built = source.add_image("resume", "1", layers=[{"big": BIG[::-1]}])
    await asyncio.to_thread(server.push, source)
    ingest = engine.content.ingest(Digest(built.blobs[0]))
    ingest.write(source.blobs[built.blobs[0]][:1_000_000])
    ingest.close()
    pulled = await engine.pull(f"{server.address}/resume:1")
    assert engine.layers.has(pulled.diff_ids[0])


async def test_an_unknown_tag_names_the_near_one(server: Server, engine: Engine) -> None:
    source = FakeRegistry()
    source.add_image("tags", "2.4")
    await asyncio.to_thread(server.push, source)
    with pytest.raises(NotFound) as caught:
        await engine.pull(f"{server.address}/tags:2.5")
    error = caught.value
    assert error.message == (
        f"manifest for {server.address}/tags:2.5 not found: manifest unknown: manifest unknown"
    )
    assert error.hint is not None
    assert error.hint.values["near"] == "2.4"


async def test_a_password_is_asked_for_and_checked(tmp_path: Path, engine: Engine) -> None:
    source = FakeRegistry()
    source.add_image("private", "1")
    with running(tmp_path, htpasswd=HTPASSWD) as address:
        await asyncio.to_thread(Server(address, credentials=ANN).push, source)
        assert (await engine.pull(f"{address}/private:1", credentials=ANN)).new
        with pytest.raises(Unauthenticated, match="no basic auth credentials"):
            await engine.pull(f"{address}/private:1")
        named = Credentials(username="ann", password="secret", server_address=address)
        assert (await login(engine.registries, named)).status == "Login Succeeded"
        wrong = Credentials(username="ann", password="no", server_address=address)
        with pytest.raises(Unauthenticated, match="failed with status: 401 Unauthorized"):
            await login(engine.registries, wrong)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


async def test_a_full_disk_ends_in_one_sentence_and_is_emptied(
    server: Server, small_disk: Path
) -> None:
    source = FakeRegistry()
    source.add_image("too-big", "1", layers=[{"small": b"1"}, {"big": BIG[1:]}])
    await asyncio.to_thread(server.push, source)
    engine = Engine(small_disk)
    try:
        before = shutil.disk_usage(small_disk).used
        with pytest.raises(ResourceExhausted) as caught:
            await engine.pull(f"{server.address}/too-big:1")
        assert caught.value.message.endswith(": no space left on device")
        assert [*engine.content.list()] == [*engine.layers.list()] == []
        assert shutil.disk_usage(small_disk).used <= before + 64 * 1024
    finally:
        await engine.close()
