"""docker-py: volumes with options, labels, filters, and mounts of every type."""

from __future__ import annotations

from collections.abc import Iterator

import docker as docker_py
import pytest
from docker.errors import APIError, NotFound
from docker.types import DriverConfig, Mount
from tests.support.engine import EngineProcess

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.fixture
def client(engine: EngineProcess) -> Iterator[docker_py.DockerClient]:
    client = docker_py.DockerClient(base_url=engine.host, version="auto", timeout=60)
    yield client
    for container in client.containers.list(all=True):
        container.remove(force=True)
    for volume in client.volumes.list():
        volume.remove()
    client.close()


def test_volume_has_what_it_was_made_with(client: docker_py.DockerClient) -> None:
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=2m"}
    volume = client.volumes.create("mem", driver_opts=options, labels={"tier": "a"})
    assert volume.attrs["Options"] == options
    assert volume.attrs["Labels"] == {"tier": "a"}
    assert (volume.attrs["Driver"], volume.attrs["Scope"]) == ("local", "local")
    assert client.volumes.list(filters={"label": "tier=a"}) == [volume]
    assert client.volumes.list(filters={"dangling": "false"}) == []


def test_mount_makes_its_volume_with_options_and_labels(client: docker_py.DockerClient) -> None:
    mount = Mount(
        target="/m",
        source="mem",
        type="volume",
        labels={"made": "by-mount"},
        driver_config=DriverConfig(
            "local", options={"type": "tmpfs", "device": "tmpfs", "o": "size=2m"}
        ),
    )
    shown = client.containers.run("busybox", ["df", "-k", "/m"], mounts=[mount], remove=True)
    assert shown.splitlines()[-1].split()[1] == b"2048"
    volume = client.volumes.get("mem")
    assert volume.attrs["Labels"] == {"made": "by-mount"}
    assert volume.attrs["Options"]["o"] == "size=2m"


def test_tmpfs_mount(client: docker_py.DockerClient) -> None:
    mount = Mount(target="/t", source=None, type="tmpfs", tmpfs_size="1m", tmpfs_mode=0o711)
    shown = client.containers.run(
        "busybox", ["stat", "-c", "%a", "/t"], mounts=[mount], remove=True
    )
    assert shown == b"711\n"


def test_volume_in_use_is_a_conflict(client: docker_py.DockerClient) -> None:
    client.containers.create("busybox", "true", volumes=["data:/data"])
    with pytest.raises(APIError) as caught:
        client.volumes.get("data").remove(force=True)
    assert caught.value.status_code == 409
    with pytest.raises(NotFound):
        client.volumes.get("other")


def test_prune_spares_volumes_with_options(client: docker_py.DockerClient) -> None:
    client.volumes.create("mem", driver_opts={"type": "tmpfs", "device": "tmpfs"})
    client.volumes.create("plain")
    gone = client.volumes.prune(filters={"all": "true"})
    assert gone["VolumesDeleted"] == ["plain"]


def test_disk_usage_counts_users(client: docker_py.DockerClient) -> None:
    client.containers.run("busybox", ["sh", "-c", "echo 12345 >/d/f"], volumes=["data:/d"])
    (volume,) = client.df()["Volumes"]
    assert (volume["Name"], volume["UsageData"]) == ("data", {"RefCount": 1, "Size": 6})
