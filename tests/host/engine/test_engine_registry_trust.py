"""Files that decide about registries, read at each use: hosts.toml and the policy of signatures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry

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


def test_cleanup_policy_is_a_setting(make_engine: Callable[..., EngineProcess]) -> None:
    engine = make_engine("--image-cleanup", "max-size=1")
    assert pull(engine, "busybox")[0] == 200
    (row,) = engine.request("POST", "/budu/images/cleanup?preview=1").json
    assert (row["Name"], row["Rule"], row["Deleted"]) == ("busybox:latest", "max-size", False)
