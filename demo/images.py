"""Images made on this machine from Debian's packages, and their way into a registry.

Used by the demo, the tests and the bench where no public registry can be reached. An image is a
list of layer tars and a config; `push` writes it to any OCI registry over HTTP.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import urllib.parse
import urllib.request
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
PASSWD = """root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
"""
GROUP = "root:x:0:\ndaemon:x:1:\ntty:x:5:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def sha256(data: bytes) -> str:
    """The digest of `data` as registries write it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def machine_architecture() -> str:
    """This machine's architecture under its OCI name."""
    import os

    return ARCHITECTURES[os.uname().machine]


def busybox_layer() -> bytes:
    """A tar with Debian's static busybox and a link for each of its commands."""
    busybox = Path("/bin/busybox") if Path("/bin/busybox").exists() else Path("/usr/bin/busybox")
    commands = subprocess.run(
        [busybox, "--list"], check=True, capture_output=True, text=True
    ).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, mode in (
            ("bin", 0o755),
            ("etc", 0o755),
            ("home", 0o755),
            ("root", 0o700),
            ("tmp", 0o1777),
            ("usr", 0o755),
            ("usr/bin", 0o755),
            ("var", 0o755),
            ("var/www", 0o755),
        ):
            add_directory(tar, name, mode)
        add_file(tar, "bin/busybox", busybox.read_bytes(), mode=0o755)
        for command in commands:
            if command != "busybox":
                add_link(tar, f"bin/{command}", "busybox")
        add_file(tar, "etc/passwd", PASSWD.encode())
        add_file(tar, "etc/group", GROUP.encode())
    return buffer.getvalue()


def add_directory(tar: tarfile.TarFile, name: str, mode: int = 0o755) -> None:
    """A directory of root's."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, mode
    tar.addfile(info)


def add_file(tar: tarfile.TarFile, name: str, data: bytes, *, mode: int = 0o644) -> None:
    """A file of root's."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    tar.addfile(info, io.BytesIO(data))


def add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    """A symbolic link."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    tar.addfile(info)


def push(
    registry: str,
    name: str,
    tags: list[str],
    layers: list[bytes],
    config: dict[str, object],
    *,
    compressed: list[bytes] | None = None,
    created: str = "2026-01-01T00:00:00Z",
) -> str:
    """Write an image to `http://registry` and return its manifest's digest.

    `layers` are plain tars, lowest first; `compressed` their gzip forms where they exist already.
    """
    blobs = compressed or [gzip.compress(layer, 6, mtime=0) for layer in layers]
    document = {
        "created": created,
        "architecture": machine_architecture(),
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in layers]},
        "history": [{"created": created, "created_by": f"layer {n}"} for n in range(len(layers))],
    }
    config_blob = json.dumps(document, separators=(",", ":")).encode()
    for blob in (*blobs, config_blob):
        push_blob(registry, name, blob)
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": describe(CONFIG_TYPE, config_blob),
            "layers": [describe(LAYER_TYPE, blob) for blob in blobs],
        },
        separators=(",", ":"),
    ).encode()
    for tag in tags:
        put(f"http://{registry}/v2/{name}/manifests/{tag}", manifest, MANIFEST_TYPE)
    return sha256(manifest)


def describe(media_type: str, blob: bytes) -> dict[str, object]:
    """A descriptor of `blob`."""
    return {"mediaType": media_type, "digest": sha256(blob), "size": len(blob)}


def push_blob(registry: str, name: str, blob: bytes) -> None:
    """Upload one blob in one piece."""
    request = urllib.request.Request(f"http://{registry}/v2/{name}/blobs/uploads/", method="POST")
    with urllib.request.urlopen(request) as answer:
        location = urllib.parse.urljoin(request.full_url, answer.headers["Location"])
    joiner = "&" if "?" in location else "?"
    put(f"{location}{joiner}digest={sha256(blob)}", blob, "application/octet-stream")


def put(url: str, body: bytes, content_type: str) -> None:
    """One PUT request."""
    headers = {"Content-Type": content_type}
    request = urllib.request.Request(url, data=body, method="PUT", headers=headers)
    with urllib.request.urlopen(request):
        pass
