"""The genuine docker command line, podman's friend skopeo and a hub of ours."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.docker import Docker
from tests.support.whole_hub import PASSWORD, WholeHub

BUSYBOX = "busybox:latest"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[WholeHub]:
    """A running hub with the user ann."""
    hub = WholeHub(tmp_path / "hub").start()
    call(hub, "POST", "/accounts", {"name": "ann", "password": PASSWORD})
    yield hub
    hub.stop()


def call(
    hub: WholeHub, method: str, path: str, body: object = None, token: str = ""
) -> dict[str, object]:
    """One request to the site's API."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{hub.url}/api/v1{path}", data=data, headers=headers, method=method
    )
    with urllib.request.urlopen(request) as answer:
        found: dict[str, object] = json.load(answer)
        return found


def site_token(hub: WholeHub, name: str) -> str:
    """What programs sign in with, as docker's hub-tool gets it."""
    body = json.dumps({"username": name, "password": PASSWORD}).encode()
    request = urllib.request.Request(f"{hub.url}/v2/users/login", data=body, method="POST")
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["token"])


def test_sign_in_push_search_and_pull(docker: Docker, hub: WholeHub) -> None:
    image = f"{hub.address}/ann/box:1"
    docker("tag", BUSYBOX, image)
    refused = docker.run("push", image)
    assert refused.status == 1
    assert "denied" in refused.err or "authentication required" in refused.err
    wrong = docker.run("login", "-u", "ann", "-p", "wrong-password", hub.address)
    assert wrong.status == 1
    assert "name or the password is wrong" in wrong.err
    docker("login", "-u", "ann", "-p", PASSWORD, hub.address)
    assert "digest: sha256:" in docker("push", image)
    token = site_token(hub, "ann")
    call(hub, "PATCH", "/repositories/ann/box", {"synonyms": ["상자"], "summary": "A box"}, token)
    for word in ("box", "상자", "boxx"):
        found = docker("search", "--format", "{{.Name}} {{.Description}}", f"{hub.address}/{word}")
        assert "ann/box A box" in found
    docker("rmi", image)
    assert docker("pull", image).strip().endswith(image)
    docker("rmi", image)
    tags = call(hub, "GET", "/repositories/ann/box/tags")
    assert tags["count"] == 1


def test_private_images_are_pulled_by_their_people_alone(docker: Docker, hub: WholeHub) -> None:
    image = f"{hub.address}/ann/secret:1"
    token = site_token(hub, "ann")
    body = {"account": "ann", "name": "secret", "isPrivate": True}
    call(hub, "POST", "/repositories", body, token)
    made = call(hub, "POST", "/tokens", {"name": "laptop", "scope": "write"}, token)
    docker("login", "-u", "ann", "-p", str(made["secret"]), hub.address)
    docker("tag", BUSYBOX, image)
    docker("push", image)
    docker("logout", hub.address)
    docker("rmi", image)
    command = ["skopeo", "inspect", "--tls-verify=false", "--no-creds", f"docker://{image}"]
    refused = subprocess.run(command, capture_output=True, timeout=60)  # docker asks for a name
    assert refused.returncode
    assert b"unauthorized" in refused.stderr or b"denied" in refused.stderr
    docker("login", "-u", "ann", "-p", str(made["secret"]), hub.address)
    docker("pull", image)
    docker("rmi", image)
    docker("logout", hub.address)


def test_a_killed_hub_goes_on(docker: Docker, hub: WholeHub) -> None:
    image = f"{hub.address}/ann/box:1"
    docker("login", "-u", "ann", "-p", PASSWORD, hub.address)
    docker("tag", BUSYBOX, image)
    docker("push", image)
    hub.kill()
    assert docker.run("pull", image).status == 1
    hub.start()
    docker("rmi", image)
    docker("pull", image)
    docker("rmi", image)
    assert PASSWORD not in hub.log


def test_skopeo_copies_with_equal_digests(docker: Docker, hub: WholeHub, tmp_path: Path) -> None:
    image = f"{hub.address}/ann/box:1"
    docker("login", "-u", "ann", "-p", PASSWORD, hub.address)
    docker("tag", BUSYBOX, image)
    pushed = docker("push", image).split("digest: ")[1].split()[0]
    docker("rmi", image)
    copy = f"docker://{hub.address}/ann/copy:1"
    login = f"ann:{PASSWORD}"
    subprocess.run(
        ["skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false",
         "--src-creds", login,
         "--dest-creds", login, "--preserve-digests", f"docker://{image}", copy],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    done = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", "--no-creds", copy],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert json.loads(done.stdout)["Digest"] == pushed
