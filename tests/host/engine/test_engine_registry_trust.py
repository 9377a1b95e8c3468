"""Files that decide about registries, read at each use: hosts.toml and the policy of signatures."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
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


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A pair as `cosign generate-key-pair` makes it, but that the private one has no password."""
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    make = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private]
    subprocess.run(make, check=True, capture_output=True)
    command = ["openssl", "ec", "-in", private, "-pubout", "-out", public]
    subprocess.run(command, check=True, capture_output=True)
    return private, public


def sign(address: str, repository: str, digest: str, key: Path, *, as_referrer: bool) -> None:
    """What `cosign sign --tlog-upload=false` puts into a registry."""
    payload = json.dumps(
        {
            "critical": {
                "identity": {"docker-reference": f"{address}/{repository}"},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": None,
        }
    ).encode()
    command = ["openssl", "dgst", "-sha256", "-sign", key]
    done = subprocess.run(command, input=payload, check=True, capture_output=True)
    signature = base64.b64encode(done.stdout).decode()
    layer = describe("application/vnd.dev.cosign.simplesigning.v1+json", payload)
    layer["annotations"] = {"dev.cosignproject.cosign/signature": signature}
    kind = "application/vnd.dev.cosign.artifact.sig.v1+json"
    manifest: dict[str, object] = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE}
    manifest |= {"config": describe(CONFIG_TYPE, b"{}"), "layers": [layer]}
    subject = {"mediaType": MANIFEST_TYPE, "digest": digest, "size": 1}
    manifest |= {"artifactType": kind, "subject": subject} if as_referrer else {}
    for blob in (payload, b"{}"):
        push_blob(address, repository, blob)
    body, base = json.dumps(manifest).encode(), f"http://{address}/v2/{repository}/manifests"
    tag = digest.replace(":", "-")
    if not as_referrer:
        put(f"{base}/{tag}.sig", body, MANIFEST_TYPE)
        return
    put(f"{base}/{sha256(body)}", body, MANIFEST_TYPE)
    row = {**describe(MANIFEST_TYPE, body), "artifactType": kind}
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [row]}
    put(f"{base}/{tag}", json.dumps(index).encode(), INDEX_TYPE)


@pytest.mark.parametrize("as_referrer", [False, True])
def test_only_signed_images_pass(
    make_engine: Callable[..., EngineProcess],
    tmp_path: Path,
    keys: tuple[Path, Path],
    as_referrer: bool,
) -> None:
    policy, (private, public) = tmp_path / "policy.json", keys
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
        sign(address, "team/app", digests[0], private, as_referrer=as_referrer)
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
