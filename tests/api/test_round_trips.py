"""One index through the hub by budu, docker, podman and skopeo: its digest is the same everywhere.

Single images are walked in `test_hub_clients`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.host.cli.test_host_cli_archives import podman, skopeo
from tests.host.cli.test_host_cli_images import Budu
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry
from tests.support.hub_process import HubProcess
from tests.support.images import machine_architecture, other_architecture, push_index

__all__ = ["podman"]

pytestmark = [
    pytest.mark.host,
    pytest.mark.docker_cli,
    pytest.mark.podman,
    pytest.mark.usefixtures("clean"),
]
LOGIN = "ann:secret"
PLAIN = ("--src-tls-verify=false", "--dest-tls-verify=false")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "hub").mkdir()
    with HubProcess(tmp_path / "hub") as hub:
        yield hub.address


@pytest.fixture
def budu(engine: EngineProcess, tmp_path: Path, hub: str) -> Iterator[Budu]:
    budu = Budu(engine, tmp_path)
    budu("login", "-u", "ann", "-p", "secret", hub)
    yield budu
    for name in budu("images", "-aq", "--no-trunc").split():
        budu.run("rmi", "-f", name)


@pytest.fixture
def index(budu: Budu, hub: str, registry: Registry) -> tuple[str, dict[str, str]]:
    """The digest of `ann/both:1` in the hub, a list of two platforms that budu put together there
    of what skopeo brought; and the manifests' digests."""
    digests = push_index(registry.address, "library/both", "1")
    source = f"docker://{registry.address}/library/both:1"
    whole = f"docker://{hub}/ann/both:whole"
    skopeo("copy", "--all", *PLAIN, "--dest-creds", LOGIN, source, whole)
    name = f"{hub}/ann/both"
    members = [f"{name}@{digests[key]}" for key in ("own", "other")]
    budu("manifest", "create", f"{name}:1", *members)
    return budu("manifest", "push", f"{name}:1").splitlines()[-1], digests


def digest_in(hub: str, name: str) -> str:
    """As skopeo sees it: of the bytes."""
    raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{hub}/{name}")
    return f"sha256:{hashlib.sha256(raw.encode()).hexdigest()}"


def test_an_index_is_the_same_for_everybody(
    budu: Budu,
    docker: Docker,
    hub: str,
    index: tuple[str, dict[str, str]],
    podman: object,
    tmp_path: Path,
) -> None:
    digest, digests = index
    name = f"{hub}/ann/both:1"
    assert digest_in(hub, "ann/both:1") == digest
    for architecture in (other_architecture(), machine_architecture()):
        assert f"Digest: {digest}" in docker("pull", "--platform", f"linux/{architecture}", name)
    assert budu("image", "inspect", "-f", "{{.Descriptor.Digest}}", name) == digest
    identity = budu("image", "inspect", "-f", "{{.Id}}", name)

    budu("tag", name, f"{hub}/ann/budu:1")
    assert f"digest: {digest} size:" in budu("push", f"{hub}/ann/budu:1")
    docker("tag", name, f"{hub}/ann/docker:1")
    docker("login", "-u", "ann", "--password-stdin", hub, stdin=b"secret")
    assert f"digest: {digest} size:" in docker("push", f"{hub}/ann/docker:1")

    budu("save", "-o", str(tmp_path / "both.tar"), name)
    for each in (name, f"{hub}/ann/budu:1", f"{hub}/ann/docker:1"):
        budu("rmi", each)
    budu("load", "-q", "-i", str(tmp_path / "both.tar"))
    budu("tag", name, f"{hub}/ann/saved:1")
    assert f"digest: {digest} size:" in budu("push", f"{hub}/ann/saved:1")

    copies = [f"docker://{hub}/ann/{each}:1" for each in ("saved", "skopeo")]
    login = ("--src-creds", LOGIN, "--dest-creds", LOGIN)
    skopeo("copy", "--all", "--preserve-digests", *PLAIN, *login, *copies)
    for each in ("budu", "docker", "saved", "skopeo"):
        assert digest_in(hub, f"ann/{each}:1") == digest, each

    assert callable(podman)
    pulled = podman("pull", "-q", "--tls-verify=false", f"{hub}/ann/skopeo@{digest}")
    assert f"sha256:{pulled}" == identity
    found = podman("inspect", "-f", "{{.Digest}} {{.RepoDigests}}", pulled)
    assert digests["own"] in found
    assert digest in found


def test_near_names_of_a_hub_for_who_is_signed_in_and_who_is_not(budu: Budu, hub: str) -> None:
    budu("pull", "-q", "busybox")
    budu("tag", "busybox", f"{hub}/ann/box:1")
    budu("push", "-q", f"{hub}/ann/box:1")
    for _ in range(2):
        for command in ("pull", "tags"):
            said = budu.failure(command, f"{hub}/ann/bxo")
            assert f"Did you mean: {hub}/ann/box? Try: budu pull {hub}/ann/box" in said
        assert "Near ones: 1." in budu.failure("pull", f"{hub}/ann/box:2")
        budu("logout", hub)
