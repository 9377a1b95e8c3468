"""The genuine docker command line: every kind of prune, volume create and rm."""

import json
from collections.abc import Iterator

import docker as docker_py
import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


def volumes(docker: Docker) -> set[str]:
    return set(docker("volume", "ls", "-q").splitlines())


@pytest.fixture
def named_and_anonymous(docker: Docker) -> str:
    """A volume named `kept` and the name of an anonymous one, both with a file of five bytes."""
    fill = ["busybox", "sh", "-c", "echo 1234 >/v/f; echo 1234 >/w/f"]
    docker("run", "--name", "fills", "-v", "kept:/v", "-v", "/w", *fill)
    docker("rm", "fills")
    [anonymous] = volumes(docker) - {"kept"}
    return anonymous


def test_volume_prune_takes_anonymous_ones(docker: Docker, named_and_anonymous: str) -> None:
    assert docker.run("volume", "prune", "-f").out == (
        f"Deleted Volumes:\n{named_and_anonymous}\n\nTotal reclaimed space: 5B\n"
    )
    assert volumes(docker) == {"kept"}


def test_volume_prune_all_takes_every_unused_one(docker: Docker, named_and_anonymous: str) -> None:
    docker("run", "-d", "--name", "uses", "-v", "used:/v", "busybox", "sleep", "1000")
    done = docker("volume", "prune", "-f", "-a")
    assert done.endswith("Total reclaimed space: 10B")
    assert volumes(docker) == {"used"}


def test_volume_prune_looks_at_labels(docker: Docker) -> None:
    for name, label in (("aa", "x=1"), ("bb", "x=2")):
        assert docker("volume", "create", "--label", label, name) == name
    docker("volume", "prune", "-f", "-a", "--filter", "label=x=1")
    assert volumes(docker) == {"bb"}
    docker("volume", "prune", "-f", "-a", "--filter", "label!=x=2")
    assert volumes(docker) == {"bb"}


def test_volume_prune_refuses_other_filters(docker: Docker) -> None:
    done = docker.run("volume", "prune", "-f", "--filter", "name=x")
    assert done.status == 1
    assert "invalid filter 'name'" in done.err


def test_old_clients_prune_named_volumes_too(docker: Docker, engine: EngineProcess) -> None:
    docker("volume", "create", "named")
    reply = engine.request("POST", "/v1.41/volumes/prune")
    assert reply.json == {"VolumesDeleted": ["named"], "SpaceReclaimed": 0}


def test_volume_without_a_name_is_anonymous(docker: Docker) -> None:
    name = docker("volume", "create")
    [volume] = json.loads(docker("volume", "inspect", name))
    assert volume["Labels"] == {"com.docker.volume.anonymous": ""}
    assert docker("volume", "rm", name) == name


def test_network_prune_keeps_the_predefined_ones(docker: Docker) -> None:
    assert docker.run("network", "prune", "-f").out == ""
    assert set(docker("network", "ls", "--format", "{{.Name}}").splitlines()) == {
        "bridge",
        "host",
        "none",
    }


def test_builder_prune_has_nothing_to_do(engine: EngineProcess) -> None:
    reply = engine.request("POST", "/build/prune")
    assert reply.json == {"CachesDeleted": None, "SpaceReclaimed": 0}


@pytest.fixture
def stopped(docker: Docker) -> str:
    docker("run", "--name", "ended", "busybox", "sh", "-c", "echo 1234 >/f")
    return docker("inspect", "-f", "{{.Id}}", "ended")


def test_container_prune(docker: Docker, stopped: str) -> None:
    assert docker.run("container", "prune", "-f").out == (
        f"Deleted Containers:\n{stopped}\n\nTotal reclaimed space: 5B\n"
    )


def test_container_prune_looks_at_times_and_labels(docker: Docker, stopped: str) -> None:
    for given in ("until=1h", "label=x"):
        out = docker("container", "prune", "-f", "--filter", given)
        assert out == "Total reclaimed space: 0B"
    out = docker("container", "prune", "-f", "--filter", "label!=x")
    assert stopped in out


def test_system_prune_takes_everything_unused(
    docker: Docker, stopped: str, named_and_anonymous: str
) -> None:
    out = docker("system", "prune", "-f", "--volumes")
    assert out == (
        f"Deleted Containers:\n{stopped}\n\n"
        f"Deleted Volumes:\n{named_and_anonymous}\n\n"
        "Total reclaimed space: 10B"
    )
    assert volumes(docker) == {"kept"}


@pytest.fixture
def old_image(docker: Docker) -> Iterator[str]:
    """A dangling image with a label."""
    docker("run", "--name", "makes", "busybox", "touch", "/x")
    image = docker("commit", "-c", "LABEL keep=yes", "makes")
    docker("rm", "makes")
    yield image
    docker.run("rmi", "-f", image)


def test_system_prune_takes_dangling_images_unless_their_label_keeps_them(
    docker: Docker, old_image: str
) -> None:
    assert old_image not in docker("system", "prune", "-f", "--filter", "label!=keep")
    assert f"deleted: {old_image}" in docker("system", "prune", "-f")


def test_image_prune_all_takes_unused_names(docker: Docker) -> None:
    docker("run", "--name", "makes", "busybox", "touch", "/x")
    docker("commit", "-c", "LABEL mine=1", "makes", "tagged:1")
    docker("rm", "makes")
    out = docker("image", "prune", "-a", "-f", "--filter", "label=mine")
    assert out.splitlines()[:2] == ["Deleted Images:", "untagged: tagged:1"]


def test_system_prune_asks(docker: Docker, stopped: str) -> None:
    done = docker.run("system", "prune", stdin=b"n\n")
    assert done.out.startswith("WARNING! This will remove:")
    assert stopped in docker("ps", "-aq", "--no-trunc")


def test_docker_py_prunes(engine: EngineProcess, stopped: str) -> None:
    client = docker_py.DockerClient(base_url=engine.host, version="auto", timeout=60)
    try:
        assert client.containers.prune()["ContainersDeleted"] == [stopped]
        client.volumes.create("named")
        assert client.volumes.prune({"all": True})["VolumesDeleted"] == ["named"]
        assert client.networks.prune()["NetworksDeleted"] is None
        assert client.images.prune()["ImagesDeleted"] is None
    finally:
        client.close()
