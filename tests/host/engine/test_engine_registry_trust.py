"""Files that decide about registries, read at each use: hosts.toml and the policy of signatures."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.cosign import KeyPair, bundle_of, simple_payload
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry
from tests.support.images import (
    CONFIG_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    describe,
    layer,
    push,
    push_blob,
    put,
    sha256,
)
from tests.support.registry import running_registry

pytestmark = pytest.mark.host


def pull(engine: EngineProcess, name: str, tag: str = "latest") -> tuple[int, bytes]:
    reply = engine.request("POST", "/images/create", fromImage=name, tag=tag)
    return reply.status, reply.body


def test_files_are_read_at_each_use(
    make_engine: Callable[..., EngineProcess], registry: Registry, tmp_path: Path
) -> None:
    policy, folder = tmp_path / "policy.json", tmp_path / "certs.d" / "registry.test"
    engine = make_engine(
        *("--registry-config", str(folder.parent)), *("--signature-policy", str(policy))
    )
    folder.mkdir(parents=True)
    (folder / "hosts.toml").write_text(f'[host."http://{registry.address}"]\n')
    assert pull(engine, "registry.test/library/busybox")[0] == 200
    row = engine.request("GET", "/images/registry.test/library/busybox/json").json
    assert row["Descriptor"]["digest"] == registry.digests["busybox:latest"]

    (folder / "hosts.toml").write_text("server = [")
    status, body = pull(engine, "registry.test/library/busybox")
    assert (status, b"hosts.toml" in body) == (400, True)

    rules = {"registry.test/library": [{"type": "reject"}], "": [{"type": "sigstoreSigned"}]}
    document = {"default": [{"type": "insecureAcceptAnything"}], "transports": {"docker": rules}}
    (folder / "hosts.toml").write_text(f'[host."http://{registry.address}"]\n')
    policy.write_text(json.dumps(document))
    status, body = pull(engine, "registry.test/library/busybox")
    assert status == 403
    assert b"is rejected by policy" in body
    assert b"registry.test/library" in body
    assert str(policy).encode() in body

    policy.unlink()
    assert pull(engine, "registry.test/library/busybox")[0] == 200


def sign(address: str, repository: str, digest: str, pair: KeyPair, *, stored: str) -> None:
    """What `cosign sign --key` puts into a registry: under a tag, or as a manifest that refers to
    the image; since its third version a bundle."""
    kind, body = "application/vnd.dev.cosign.artifact.sig.v1+json", b""
    if stored == "bundle":
        kind, body = "application/vnd.dev.sigstore.bundle.v0.3+json", bundle_of(pair, digest)
        layer = describe(kind, body)
    else:
        body = simple_payload(f"{address}/{repository}", digest)
        layer = describe("application/vnd.dev.cosign.simplesigning.v1+json", body)
        signature = base64.b64encode(pair.sign(body)).decode()
        layer["annotations"] = {"dev.cosignproject.cosign/signature": signature}
    manifest: dict[str, object] = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE}
    manifest |= {"config": describe(CONFIG_TYPE, b"{}"), "layers": [layer]}
    subject = {"mediaType": MANIFEST_TYPE, "digest": digest, "size": 1}
    manifest |= {"artifactType": kind, "subject": subject} if stored != "tag" else {}
    for blob in (body, b"{}"):
        push_blob(address, repository, blob)
    document, base = json.dumps(manifest).encode(), f"http://{address}/v2/{repository}/manifests"
    tag = digest.replace(":", "-")
    if stored == "tag":
        put(f"{base}/{tag}.sig", document, MANIFEST_TYPE)
        return
    put(f"{base}/{sha256(document)}", document, MANIFEST_TYPE)
    row = {**describe(MANIFEST_TYPE, document), "artifactType": kind}
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [row]}
    put(f"{base}/{tag}", json.dumps(index).encode(), INDEX_TYPE)


@pytest.mark.parametrize(
    ("stored", "kind"),
    [("tag", "P-256"), ("referrer", "RSA"), ("bundle", "ED25519"), ("bundle", "P-384")],
)
def test_only_signed_images_pass(
    make_engine: Callable[..., EngineProcess], tmp_path: Path, stored: str, kind: str
) -> None:
    policy, public = tmp_path / "policy.json", tmp_path / "key.pub"
    pair = KeyPair(tmp_path, kind)
    public.write_text(pair.public)
    engine = make_engine("--signature-policy", str(policy))
    (tmp_path / "registry").mkdir()
    with running_registry(tmp_path / "registry") as address:
        digests = [
            push(address, "team/app", [tag], [layer({"f": tag.encode()})], {}) for tag in "12"
        ]
        rule = {"type": "sigstoreSigned", "keyPath": str(public)}
        rules = {f"{address}/team": [rule]}
        default = [{"type": "insecureAcceptAnything"}]
        policy.write_text(json.dumps({"default": default, "transports": {"docker": rules}}))
        status, body = pull(engine, f"{address}/team/app", "1")
        assert (status, b"no signature exists" in body) == (403, True), body
        sign(address, "team/app", digests[0], pair, stored=stored)
        assert pull(engine, f"{address}/team/app", "1")[0] == 200
        assert pull(engine, f"{address}/team/app", digests[0])[0] == 200
        status, body = pull(engine, f"{address}/team/app", "2")
        assert (status, b"sigstoreSigned" in body, str(public).encode() in body) == (
            403,
            True,
            True,
        ), body


def test_cleanup_policy_is_a_setting(make_engine: Callable[..., EngineProcess]) -> None:
    engine = make_engine("--image-cleanup", "max-size=1")
    assert pull(engine, "busybox")[0] == 200
    (row,) = engine.request("POST", "/budu/images/cleanup?preview=1").json
    assert (row["Name"], row["Rule"], row["Deleted"]) == ("busybox:latest", "max-size", False)
