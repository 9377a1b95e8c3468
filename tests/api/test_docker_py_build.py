"""docker-py builds: what programs written for Docker do."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker as docker_py
import pytest
from docker.errors import APIError, BuildError
from tests.support.engine import EngineProcess

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.fixture
def client(engine: EngineProcess) -> Iterator[docker_py.DockerClient]:
    client = docker_py.DockerClient(base_url=engine.host, version="auto", timeout=60)
    yield client
    for image in client.images.list():
        if any(tag.startswith("made") for tag in image.tags):
            client.images.remove(image.id, force=True)
    client.images.prune()
    client.api.prune_builds()
    client.close()


def dockerfile(*lines: str) -> io.BytesIO:
    return io.BytesIO("\n".join(lines).encode())


def text_of(logs: Any) -> str:
    return "".join(line.get("stream", "") for line in logs)


def test_build_of_a_folder_gives_image_and_log(
    client: docker_py.DockerClient, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nCOPY f /\nRUN cat /f\n")
    (tmp_path / "f").write_text("in the context\n")
    (tmp_path / "big.log").write_text("x")
    (tmp_path / ".dockerignore").write_text("*.log\n")
    image, logs = client.images.build(path=str(tmp_path), tag="made:1")
    assert image.tags == ["made:1"]
    assert "in the context\n" in text_of(logs)
    assert client.containers.run("made:1", ["cat", "/f"], remove=True) == b"in the context\n"
    assert client.api.history("made:1")


def test_build_of_a_file_alone(client: docker_py.DockerClient) -> None:
    image, _ = client.images.build(fileobj=dockerfile("FROM busybox", "ENV A=b"), rm=True)
    assert "A=b" in image.attrs["Config"]["Env"]


def test_build_of_a_packed_archive(client: docker_py.DockerClient) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        data = b"FROM busybox\nRUN echo packed\n"
        entry = tarfile.TarInfo("sub/Other")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    buffer.seek(0)
    _, logs = client.images.build(
        fileobj=buffer, custom_context=True, encoding="gzip", dockerfile="sub/Other"
    )
    assert "packed\n" in text_of(logs)


def test_build_with_everything(client: docker_py.DockerClient) -> None:
    image, logs = client.images.build(
        fileobj=dockerfile(
            "ARG BASE=nope",
            "FROM ${BASE} AS first",
            "ARG WORD",
            "RUN echo $WORD; grep far /etc/hosts; ls /sys/class/net",
            "FROM nope AS second",
        ),
        tag="made:all",
        target="first",
        buildargs={"BASE": "busybox", "WORD": "said", "UNSET": None},
        labels={"by": "us"},
        nocache=True,
        rm=True,
        forcerm=True,
        network_mode="none",
        extra_hosts={"far": "1.2.3.4"},
        shmsize=1 << 20,
        container_limits={"memory": 64 << 20, "memswap": 64 << 20, "cpushares": 7},
        cache_from=["busybox"],
        platform="linux",
    )
    told = text_of(logs)
    assert "said\n" in told
    assert "1.2.3.4\tfar" in told
    assert "eth0" not in told
    assert image.labels == {"by": "us"}
    assert client.containers.list(all=True) == []


def test_a_quiet_build_finds_its_image(client: docker_py.DockerClient) -> None:
    image, logs = client.images.build(fileobj=dockerfile("FROM busybox", "ENV Q=1"), quiet=True)
    assert text_of(logs) == f"{image.id}\n"


def test_a_step_that_fails_is_a_build_error_with_the_log(client: docker_py.DockerClient) -> None:
    with pytest.raises(BuildError) as failed:
        client.images.build(fileobj=dockerfile("FROM busybox", "RUN echo before; exit 3"))
    sentence = "The command '/bin/sh -c echo before; exit 3' returned a non-zero code: 3"
    assert failed.value.msg == sentence
    log = list(failed.value.build_log)
    assert "before\n" in text_of(log)
    assert log[-1]["errorDetail"]["code"] == 3


def test_a_wrong_dockerfile_is_an_api_error(client: docker_py.DockerClient) -> None:
    with pytest.raises(APIError, match="unknown instruction: NOPE") as failed:
        client.images.build(fileobj=dockerfile("FROM busybox", "NOPE"))
    assert failed.value.status_code == 400


def test_lines_come_as_they_are_made(client: docker_py.DockerClient) -> None:
    lines = client.api.build(
        fileobj=dockerfile("FROM busybox", "RUN echo one"), decode=True, rm=True
    )
    told = [line for line in lines]
    assert told[0] == {"stream": "Step 1/2 : FROM busybox"} or "Step 1/2" in told[0]["stream"]
    (made,) = [line["aux"]["ID"] for line in told if "aux" in line]
    assert client.images.get(made).id == made


def test_the_cache_is_pruned(client: docker_py.DockerClient) -> None:
    client.images.build(fileobj=dockerfile("FROM busybox", "RUN echo x >/x"), rm=True)
    assert client.df()["BuildCache"]
    client.images.prune()
    assert client.api.prune_builds()["CachesDeleted"] is not None
