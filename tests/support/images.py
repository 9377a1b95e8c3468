"""The images that tests pull: small, made from Debian's static busybox, pushed to a registry."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping

from demo.images import (
    CONFIG_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    add_directory,
    add_file,
    busybox_layer,
    describe,
    machine_architecture,
    push,
    push_blob,
    put,
    sha256,
)

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL = {"Env": [PATH], "Cmd": ["sh"]}
APP = {
    "Env": [PATH, "COLOUR=blue"],
    "User": "daemon",
    "Entrypoint": ["/bin/app"],
    "Cmd": ["hello"],
    "Volumes": {"/data": {}},
    "ExposedPorts": {"8000/tcp": {}, "5353/udp": {}},
    "WorkingDir": "/srv/app",
    "Labels": {"org.example.tier": "front", "maintainer": "somebody"},
    "StopSignal": "SIGINT",
}
APP_SCRIPT = b'#!/bin/sh\necho "app $* as $(id -un) in $(pwd) with $COLOUR"\nexec sleep 0\n'


def other_architecture() -> str:
    """One that this machine is not."""
    return "arm64" if machine_architecture() == "amd64" else "amd64"


def layer(files: Mapping[str, bytes], *, owner: int = 0, mode: int = 0o644) -> bytes:
    """A tar with `files` and the folders above them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        folders = {"/".join(path.split("/")[:n]) for path in files for n in range(1, 9)}
        for folder in sorted(folders - set(files) - {""}):
            add_directory(tar, folder)
        for path, data in sorted(files.items()):
            add_file(tar, path, data, mode=mode)
    return buffer.getvalue()


def push_all(registry: str) -> dict[str, str]:
    """Write every image into `registry`; their manifests' digests by name and tag."""
    busybox = busybox_layer()
    packed = gzip.compress(busybox, 1, mtime=0)
    digests = {
        "busybox:latest": _push(registry, "busybox", ["latest", "1.36"], [busybox], [packed])
    }
    more = [layer({"opt/one": b"1\n"}), layer({"opt/.wh.one": b"", "opt/two": b"2\n"})]
    small = [gzip.compress(each, mtime=0) for each in more]
    digests["layered:latest"] = _push(
        registry, "layered", ["latest"], [busybox, *more], [packed, *small]
    )
    app = layer({"bin/app": APP_SCRIPT, "srv/app/x": b"", "data/seed": b"seed\n"}, mode=0o755)
    digests["app:1.0"] = push(
        registry,
        "library/app",
        ["1.0"],
        [busybox, app],
        APP,
        compressed=[packed, gzip.compress(app, mtime=0)],
        created="2026-02-02T02:02:02Z",
    )
    digests["foreign:latest"] = push_foreign(registry, "library/foreign", busybox, packed)
    return digests


def _push(
    registry: str, name: str, tags: list[str], layers: list[bytes], packed: list[bytes]
) -> str:
    return push(registry, f"library/{name}", tags, layers, dict(SHELL), compressed=packed)


def push_foreign(registry: str, name: str, plain: bytes, packed: bytes) -> str:
    """An index whose only image is for another architecture."""
    architecture = other_architecture()
    document = {
        "architecture": architecture,
        "os": "linux",
        "config": SHELL,
        "rootfs": {"type": "layers", "diff_ids": [sha256(plain)]},
    }
    config = json.dumps(document).encode()
    for blob in (packed, config):
        push_blob(registry, name, blob)
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": describe(CONFIG_TYPE, config),
            "layers": [describe(LAYER_TYPE, packed)],
        }
    ).encode()
    put(f"http://{registry}/v2/{name}/manifests/{sha256(manifest)}", manifest, MANIFEST_TYPE)
    entry = {
        **describe(MANIFEST_TYPE, manifest),
        "platform": {"architecture": architecture, "os": "linux"},
    }
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}
    body = json.dumps(index).encode()
    put(f"http://{registry}/v2/{name}/manifests/latest", body, INDEX_TYPE)
    return sha256(body)


def push_index(registry: str, name: str, tag: str) -> dict[str, str]:
    """An index with an image for each of two platforms, an attestation about the first and an
    artifact. The digests of `index`, `own`, `other`, `attestation` and `artifact`; the artifact has
    the tag `artifact` as well."""
    digests, entries = {}, []
    base = busybox_layer()
    for key, architecture in (("own", machine_architecture()), ("other", other_architecture())):
        tars = [base, layer({"own": key.encode()})]
        blobs = [gzip.compress(each, mtime=0) for each in tars]
        document = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": ["cat", "/own"]},
            "history": [{"created_by": "base"}, {"created_by": f"for {architecture}"}],
            "rootfs": {"type": "layers", "diff_ids": [sha256(each) for each in tars]},
        }
        config = json.dumps(document).encode()
        row = _put_manifest(registry, name, (CONFIG_TYPE, config), [(LAYER_TYPE, b) for b in blobs])
        entries.append({**row, "platform": {"architecture": architecture, "os": "linux"}})
        digests[key] = str(row["digest"])
    statement = b'{"_type": "https://in-toto.io/Statement/v0.1"}'
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": [sha256(statement)]}}).encode()
    row = _put_manifest(
        registry, name, (CONFIG_TYPE, config), [("application/vnd.in-toto+json", statement)]
    )
    about = {"vnd.docker.reference.digest": digests["own"]}
    about["vnd.docker.reference.type"] = "attestation-manifest"
    nowhere = {"architecture": "unknown", "os": "unknown"}
    entries.append({**row, "annotations": about, "platform": nowhere})
    digests["attestation"] = str(row["digest"])
    kind = "application/vnd.example.thing"
    row = _put_manifest(
        registry,
        name,
        ("application/vnd.oci.empty.v1+json", b"{}"),
        [(f"{kind}.part", b"any bytes")],
        tag="artifact",
        artifactType=kind,
    )
    entries.append({**row, "artifactType": kind})
    digests["artifact"] = str(row["digest"])
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
    body = json.dumps({**index, "annotations": {"org.example": "kept"}}).encode()
    put(f"http://{registry}/v2/{name}/manifests/{tag}", body, INDEX_TYPE)
    digests["index"] = sha256(body)
    return digests


def _put_manifest(
    registry: str,
    name: str,
    config: tuple[str, bytes],
    layers: list[tuple[str, bytes]],
    *,
    tag: str = "",
    **fields: object,
) -> dict[str, object]:
    """Store a manifest with its blobs; its descriptor."""
    for _, blob in (config, *layers):
        push_blob(registry, name, blob)
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": describe(*config),
        "layers": [describe(*each) for each in layers],
        **fields,
    }
    body = json.dumps(document).encode()
    for each in filter(None, (tag, sha256(body))):
        put(f"http://{registry}/v2/{name}/manifests/{each}", body, MANIFEST_TYPE)
    return describe(MANIFEST_TYPE, body)
