"""The images that are measured, and the registry on loopback that serves them.

busybox is one small layer; `debian` is Debian's minimal system in one layer (about 50 MB gzip);
`httpd` adds apache2 in a second one. The layers are the demo's and lie in its cache folder. Every
room has its own registry process over the same files, because each room has a loopback link of
its own.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from demo import images as demo_images

from bench import httpd

ADDRESS = "127.0.0.1:5000"
"""Where each room's registry listens."""
PUSH_ADDRESS = "127.0.0.1:5001"
"""Where each room has an empty registry when something is pushed."""
BUSYBOX = f"{ADDRESS}/library/busybox:latest"
"""One layer of about 2 MB."""
DEBIAN = f"{ADDRESS}/library/debian:bookworm"
"""One layer of about 50 MB gzip, 120 MB tar."""
HTTPD = f"{ADDRESS}/library/httpd:latest"
"""The layer of `DEBIAN` and one with apache2."""


def write_registry_config(folder: Path, *, address: str = ADDRESS) -> Path:
    """The settings of docker-registry, for blobs below `folder`."""
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": address},
    }
    path = folder / "registry.json"
    path.write_text(json.dumps(settings))
    return path


def prepare(cache: Path) -> None:
    """Make the layers where they are missing. Runs outside of any room, where Debian's mirror is
    in reach."""
    httpd.layers(_layer_folder(cache))


def push_images(cache: str) -> None:
    """Put the images into the registry where they are missing. Runs inside a room."""
    folder = Path(cache)
    wait_for_registry(ADDRESS)
    if not _is_there("library/busybox", "latest"):
        busybox: dict[str, object] = {"Cmd": ["sh"], "Env": ["PATH=/bin:/usr/bin"]}
        layer = demo_images.busybox_layer()
        demo_images.push(ADDRESS, "library/busybox", ["latest"], [layer], busybox)
    if not (_is_there("library/debian", "bookworm") and _is_there("library/httpd", "latest")):
        layers = [without_package_lists(layer) for layer in httpd.layers(_layer_folder(folder))]
        blobs = [gzip.compress(layer, 6, mtime=0) for layer in layers]
        debian: dict[str, object] = {"Cmd": ["bash"]}
        demo_images.push(
            ADDRESS, "library/debian", ["bookworm"], layers[:1], debian, compressed=blobs[:1]
        )
        demo_images.push(
            ADDRESS, "library/httpd", ["latest"], layers, httpd.CONFIG, compressed=blobs
        )


def wait_for_registry(address: str) -> None:
    """Wait until a registry answers. Runs inside a room. Raises: TimeoutError."""
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://{address}/v2/").close()
            return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise TimeoutError("docker-registry does not answer")


def without_package_lists(layer: bytes) -> bytes:
    """A layer without apt's lists, which published images do not carry either."""
    buffer = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(layer)) as source,
        tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in source:
            if not (member.isfile() and member.name.startswith("var/lib/apt/lists/")):
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
    return buffer.getvalue()


def _layer_folder(cache: Path) -> Path:
    """The demo's cache, whose layers these are."""
    return cache.parent / "demo"


def _is_there(name: str, tag: str) -> bool:
    url = f"http://{ADDRESS}/v2/{name}/manifests/{tag}"
    headers = {"Accept": demo_images.MANIFEST_TYPE}
    try:
        urllib.request.urlopen(urllib.request.Request(url, headers=headers)).close()
    except urllib.error.HTTPError:
        return False
    return True
