"""docker, podman, skopeo and budu push to the hub and pull from it: the digests stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry
from tests.support.hub_process import HubProcess

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]
ACCEPT = ",".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.manifest.v1",
        "oci.image.index.v1",
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
    )
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with HubProcess(tmp_path_factory.mktemp("hub")) as hub:
        yield hub.address


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path: podman wants one."""
    with tempfile.TemporaryDirectory(prefix="bp-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def signed_in(docker: Docker, hub: str) -> Iterator[None]:
    docker("login", "-u", "ann", "--password-stdin", hub, stdin=b"secret")
    yield
    docker("logout", hub)


def digest_at(hub: str, name: str, tag: str) -> str:
    request = urllib.request.Request(f"http://{hub}/v2/{name}/manifests/{tag}", method="HEAD")
    request.add_header("Accept", ACCEPT)
    with urllib.request.urlopen(request) as answer:
        return str(answer.headers["Docker-Content-Digest"])


def run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=100, env={**os.environ, **environment}
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def test_docker_signs_in_only_with_the_right_password(docker: Docker, hub: str) -> None:
    done = docker.run("login", "-u", "ann", "--password-stdin", hub, stdin=b"wrong")
    assert done.status == 1
    assert "incorrect username or password" in done.err


@pytest.mark.usefixtures("signed_in")
def test_docker_and_back(docker: Docker, hub: str, registry: Registry) -> None:
    docker("pull", "-q", "busybox:latest")
    name = f"{hub}/ann/box:1"
    docker("tag", "busybox:latest", name)
    pushed = docker("push", name)
    digest = registry.digests["busybox:latest"]
    assert f"1: digest: {digest} size:" in pushed
    assert digest_at(hub, "ann/box", "1") == digest
    docker("rmi", name)
    assert f"Digest: {digest}" in docker("pull", name)
    docker("pull", f"{hub}/ann/box@{digest}")
    assert docker("run", "--rm", name, "echo", "hi") == "hi"
    docker("tag", name, f"{hub}/ann/other:1")
    assert "Mounted from ann/box" in docker("push", f"{hub}/ann/other:1")
    docker("rmi", "-f", name, f"{hub}/ann/other:1", f"{hub}/ann/box@{digest}")


def test_docker_may_not_push_unless_signed_in(docker: Docker, hub: str) -> None:
    docker("pull", "-q", "busybox:latest")
    docker("tag", "busybox:latest", f"{hub}/ann/no:1")
    done = docker.run("push", f"{hub}/ann/no:1")
    assert done.status == 1
    docker("rmi", f"{hub}/ann/no:1")


def test_budu_and_back(
    engine: EngineProcess, docker: Docker, hub: str, registry: Registry, tmp_path: Path
) -> None:
    budu = str(Path(sys.executable).with_name("budu"))
    environment = {"DOCKER_HOST": engine.host, "DOCKER_CONFIG": str(tmp_path)}
    docker("pull", "-q", "busybox:latest")
    name = f"{hub}/ann/budu:1"
    run(budu, "login", "-u", "ann", "-p", "secret", hub, **environment)
    run(budu, "tag", "busybox:latest", name, **environment)
    run(budu, "push", "-q", name, **environment)
    digest = registry.digests["busybox:latest"]
    assert digest_at(hub, "ann/budu", "1") == digest
    run(budu, "rmi", name, **environment)
    run(budu, "pull", "-q", name, **environment)
    found = run(budu, "inspect", "-f", "{{json .RepoDigests}}", name, **environment)
    assert f"{hub}/ann/budu@{digest}" in json.loads(found)
    run(budu, "rmi", name, **environment)


def test_skopeo_and_back(hub: str, registry: Registry, tmp_path: Path) -> None:
    source = f"docker://{registry.address}/library/busybox:latest"
    copy = ["skopeo", "copy", "--all", "--preserve-digests"]
    target = f"docker://{hub}/ann/sko:1"
    login = ["--dest-creds", "ann:secret", "--dest-tls-verify=false", "--src-tls-verify=false"]
    run(*copy, *login, source, target)
    digest = registry.digests["busybox:latest"]
    assert digest_at(hub, "ann/sko", "1") == digest
    inspected = json.loads(run("skopeo", "inspect", "--tls-verify=false", target))
    assert (inspected["Digest"], inspected["RepoTags"]) == (digest, ["1"])
    run(*copy, "--src-tls-verify=false", target, f"dir:{tmp_path}/dir")
    creds = ["--creds", "ann:secret", "--tls-verify=false"]
    run("skopeo", "delete", *creds, target)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        digest_at(hub, "ann/sko", "1")


@pytest.mark.podman
def test_podman_and_back(hub: str, registry: Registry, short: Path) -> None:
    podman = ["podman", "--root", f"{short}/p", "--runroot", f"{short}/r"]
    podman += ["--storage-driver", "vfs"]
    insecure = ["--tls-verify=false"]
    run(*podman, "pull", *insecure, f"{registry.address}/library/busybox:latest")
    name = f"{hub}/ann/pod:1"
    run(*podman, "tag", f"{registry.address}/library/busybox:latest", name)
    run(*podman, "push", *insecure, "--creds", "ann:secret", "--digestfile", f"{short}/d", name)
    digest = (short / "d").read_text()
    assert digest_at(hub, "ann/pod", "1") == digest
    identity = run(*podman, "inspect", "-f", "{{.Id}}", name)
    run(*podman, "rmi", "-af")
    assert run(*podman, "pull", *insecure, f"{hub}/ann/pod@{digest}") == identity
