"""A hub of its own process on a free port, with the library's texts and small images."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from tests.support.images import (
    CONFIG_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    describe,
    layer,
    machine_architecture,
    sha256,
)
from tests.support.ports import free_port
from tests.support.waiting import eventually

from budu.build.dockerfile.apply import apply
from budu.build.dockerfile.history import history_text
from budu.build.dockerfile.model import ConfigInstruction
from budu.build.dockerfile.parse import parse
from budu.hub.seed import library
from budu.hub.seed.library import Recipe
from budu.hub.seed.publish import Hub
from budu.spec.image import ExecConfig

CREATED, OCTETS = "2026-01-01T00:00:00Z", "application/octet-stream"
ADMIN, PASSWORD = "admin", "a harbour at night"
PUSHED: dict[str, int] = {"httpd": 2, "nginx": 1, "redis": 1, "busybox": 1}
"""Images that have tags, and how many layers."""


@dataclass(frozen=True)
class RunningHub:
    """Where it is, and how its admin enters."""

    address: str
    folder: Path

    @property
    def registry(self) -> str:
        """As image names have it."""
        return self.address.removeprefix("http://")

    def client(self) -> Hub:
        """The admin's way in."""
        return Hub(self.address, ADMIN, PASSWORD)


@contextlib.contextmanager
def running_hub(folder: Path) -> Iterator[RunningHub]:
    """A hub whose data is below `folder`, in Docker Hub's place: its pull commands name no host."""
    address = f"http://127.0.0.1:{free_port()}"
    log = (folder / "hub.log").open("wb")
    command = [sys.executable, "-m", "budu.hub.main", "serve", f"--data={folder / 'data'}"]
    flags = [f"--listen={address.removeprefix('http://')}", "--name=Hub", "--pull-prefix="]
    process = subprocess.Popen(
        [*command, *flags],
        env={**os.environ, "HUB_ADMIN_PASSWORD": PASSWORD},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        eventually(lambda: _answers(address), f"the hub, see {log.name}")
        yield RunningHub(address, folder)
    finally:
        process.terminate()
        process.wait(15)
        log.close()


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/api/v1/session", timeout=2).close()
    except OSError:
        return False
    return True


def seed(hub: RunningHub) -> None:
    """Every recipe's texts, and for some of them an image of a few files."""
    client = hub.client()
    for name in library.names():
        recipe = library.read_recipe(name)
        client.describe(recipe)
        if name in PUSHED:
            push_small_image(hub, recipe, PUSHED[name])


def push_small_image(hub: RunningHub, recipe: Recipe, count: int) -> None:
    """An image with the recipe's settings and `count` layers of one file each."""
    files = [{f"srv/{recipe.name}/{n}": bytes(1000 * (n + 1))} for n in range(count)]
    plain = [layer(each) for each in files]
    packed = [gzip.compress(each, mtime=0) for each in plain]
    config = json.dumps(_config(recipe, plain)).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": describe(CONFIG_TYPE, config),
        "layers": [describe(LAYER_TYPE, each) for each in packed],
    }
    repository = f"{hub.address}/v2/library/{recipe.name}"
    for blob in (config, *packed):
        _send("POST", f"{repository}/blobs/uploads/?digest={sha256(blob)}", blob)
    for tag in recipe.metadata.tags:
        body = json.dumps(manifest).encode()
        _send("PUT", f"{repository}/manifests/{tag}", body, content_type=MANIFEST_TYPE)


def _config(recipe: Recipe, layers: list[bytes]) -> dict[str, object]:
    history: list[dict[str, object]] = [
        {"created": CREATED, "created_by": f"RUN step {number}"} for number in range(len(layers))
    ]
    config = ExecConfig()
    for instruction in parse((recipe.folder / "Dockerfile").read_text()).stages[-1].instructions:
        if isinstance(instruction, ConfigInstruction):
            config = apply(config, instruction)
            told = history_text(instruction, None)
            history.append({"created": CREATED, "created_by": told, "empty_layer": True})
    return {
        "created": CREATED,
        "architecture": machine_architecture(),
        "os": "linux",
        "config": msgspec.to_builtins(config),
        "rootfs": {"type": "layers", "diff_ids": [sha256(each) for each in layers]},
        "history": history,
    }


def _send(method: str, url: str, body: bytes, *, content_type: str = OCTETS) -> None:
    request = urllib.request.Request(url, data=body, method=method)
    request.add_header("Content-Type", content_type)
    request.add_header(
        "Authorization", f"Basic {b64encode(f'{ADMIN}:{PASSWORD}'.encode()).decode()}"
    )
    urllib.request.urlopen(request, timeout=30).close()
