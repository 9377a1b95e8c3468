"""A hub of its own process on a free port, with the library's texts and small images."""

from __future__ import annotations

import contextlib
import gzip
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.images import layer, machine_architecture, sha256
from tests.support.ports import free_port
from tests.support.waiting import eventually

from budu.hub.seed import library
from budu.hub.seed.image import Image, Layer
from budu.hub.seed.library import Recipe
from budu.hub.seed.publish import Hub

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
            client.push(
                recipe,
                small_image(recipe, hub.folder, PUSHED[name]),
                architecture=machine_architecture(),
                created="2026-01-01T00:00:00Z",
            )


def small_image(recipe: Recipe, folder: Path, layers: int) -> Image:
    """An image with the recipe's settings and layers of one file each."""
    image = Image()
    for number in range(layers):
        plain = layer({f"srv/{recipe.name}/{number}": bytes(1000 * (number + 1))})
        packed = gzip.compress(plain, mtime=0)
        path = folder / f"{recipe.name}-{number}.tar.gz"
        path.write_bytes(packed)
        made = Layer(sha256(packed), sha256(plain), len(packed), str(path), "")
        image = image.with_layer(made, f"RUN step {number}")
    for instruction in recipe.stages[-1].instructions:
        if instruction.word not in ("ADD", "COPY", "RUN"):
            image = image.with_setting(instruction)
    return image
