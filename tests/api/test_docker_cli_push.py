"""The genuine docker CLI, docker-py, skopeo and podman: what was pushed, and its digests."""

import json
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker as docker_py
import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry
from tests.support.registry import running_registry

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


# What `htpasswd -nbB ann secret` prints.
HTPASSWD = "ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"


@pytest.fixture
def busybox(docker: Docker) -> str:
    docker("pull", "-q", "busybox:latest")
    return "busybox:latest"


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path: podman wants one."""
    with tempfile.TemporaryDirectory(prefix="bp-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def digest_at(address: str, name: str, tag: str) -> str:
    accept = "application/vnd.oci.image.manifest.v1+json,application/vnd.oci.image.index.v1+json"
    request = urllib.request.Request(f"http://{address}/v2/{name}/manifests/{tag}")
    request.add_header("Accept", accept)
    with urllib.request.urlopen(request) as answer:
        return str(answer.headers["Docker-Content-Digest"])


def test_push_keeps_the_digest(
    docker: Docker, busybox: str, target: str, registry: Registry
) -> None:
    docker("tag", busybox, f"{target}/team/box:1")
    done = docker.run("push", f"{target}/team/box:1")
    assert done.status == 0, done
    digest = registry.digests["busybox:latest"]
    assert digest_at(target, "team/box", "1") == digest
    assert done.lines[0] == f"The push refers to repository [{target}/team/box]"
    assert done.lines[1].endswith(": Preparing")
    assert done.lines[-2].endswith(": Pushed")
    assert done.lines[-1].startswith(f"1: digest: {digest} size: ")
    assert f"{target}/team/box@{digest}" in docker(
        "inspect", "-f", "{{json .RepoDigests}}", f"{target}/team/box:1"
    )


def test_second_push_sends_nothing_and_another_repository_mounts(
    docker: Docker, busybox: str, target: str
) -> None:
    for name in ("one", "two"):
        docker("tag", busybox, f"{target}/{name}:1")
    docker("push", "-q", f"{target}/one:1")
    assert ": Layer already exists" in docker("push", f"{target}/one:1")
    assert ": Mounted from one" in docker("push", f"{target}/two:1")


def test_all_tags_are_pushed(docker: Docker, busybox: str, target: str) -> None:
    for tag in ("1", "2"):
        docker("tag", busybox, f"{target}/many:{tag}")
    docker("push", "-a", f"{target}/many")
    with urllib.request.urlopen(f"http://{target}/v2/many/tags/list") as answer:
        assert sorted(json.load(answer)["tags"]) == ["1", "2"]


def test_committed_image_is_pushed_and_pulled_again(
    docker: Docker, busybox: str, target: str
) -> None:
    docker("run", "--name", "made", busybox, "sh", "-c", "echo hi > /made")
    docker("commit", "made", f"{target}/made:1")
    docker("push", "-q", f"{target}/made:1")
    identity = docker("inspect", "-f", "{{.Id}}", f"{target}/made:1")
    docker("rm", "made")
    docker("rmi", "-f", identity)
    docker("pull", "-q", f"{target}/made:1")
    assert docker("inspect", "-f", "{{.Id}}", f"{target}/made:1") == identity
    assert docker("run", "--rm", f"{target}/made:1", "cat", "/made") == "hi"


def test_missing_image_and_missing_tag(docker: Docker, busybox: str, target: str) -> None:
    done = docker.run("push", f"{target}/nothing:1")
    assert done.status == 1
    assert f"An image does not exist locally with the tag: {target}/nothing" in done.err
    docker("tag", busybox, f"{target}/box:1")
    assert f"tag does not exist: {target}/box:2" in docker.run("push", f"{target}/box:2").err


def test_registry_that_is_away(docker: Docker, busybox: str) -> None:
    docker("tag", busybox, "127.0.0.1:1/box:1")
    done = docker.run("push", "127.0.0.1:1/box:1")
    assert done.status == 1
    assert "connection refused" in done.err
    docker("rmi", "127.0.0.1:1/box:1")


def test_platform_that_is_not_here(docker: Docker, busybox: str, target: str) -> None:
    docker("tag", busybox, f"{target}/box:1")
    done = docker.run("push", "--platform", "linux/s390x", f"{target}/box:1")
    assert done.status == 1
    assert "does not match the specified platform (linux/s390x)" in done.err


def test_registry_that_wants_a_login(docker: Docker, busybox: str, tmp_path: Path) -> None:
    with running_registry(tmp_path, htpasswd=HTPASSWD) as address:
        docker("tag", busybox, f"{address}/box:1")
        done = docker.run("push", f"{address}/box:1")
        assert done.status == 1
        assert "no basic auth credentials" in done.err
        docker("login", "-u", "ann", "--password-stdin", address, stdin=b"secret")
        assert ": Pushed" in docker("push", f"{address}/box:1")
        docker("logout", address)
        docker("rmi", f"{address}/box:1")


def test_docker_py_gets_lines_and_the_digest(
    docker: Docker, engine: EngineProcess, busybox: str, target: str, registry: Registry
) -> None:
    docker("tag", busybox, f"{target}/py:1")
    client = docker_py.DockerClient(base_url=engine.host)
    lines: list[dict[str, Any]] = list(
        client.images.push(f"{target}/py", tag="1", stream=True, decode=True)
    )
    client.close()
    results = [line["aux"] for line in lines if "Tag" in line.get("aux", {})]
    assert [result["Digest"] for result in results] == [registry.digests["busybox:latest"]]


def test_skopeo_and_podman_read_what_was_pushed(
    docker: Docker, busybox: str, target: str, tmp_path: Path, short: Path
) -> None:
    docker("tag", busybox, f"{target}/box:1")
    docker("push", "-q", f"{target}/box:1")
    command = ["skopeo", "copy", "--src-tls-verify=false", f"docker://{target}/box:1"]
    subprocess.run([*command, f"oci:{tmp_path}/oci:1"], check=True, capture_output=True)
    command = ["podman", "--root", f"{short}/p", "--runroot", f"{short}/r"]
    command += ["--storage-driver", "vfs", "pull", "--tls-verify=false", f"{target}/box:1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    identity = done.stdout.strip()
    assert docker("inspect", "-f", "{{.Id}}", f"{target}/box:1") == f"sha256:{identity}"
