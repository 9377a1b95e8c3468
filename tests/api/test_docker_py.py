"""docker-py against an engine of ours: what programs written for Docker do."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import docker as docker_py
import pytest
from docker.errors import APIError, ContainerError, ImageNotFound, NotFound
from tests.support.engine import EngineProcess, UnixConnection
from tests.support.fixtures import Registry
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.fixture(scope="module")
def client(engine: EngineProcess) -> Iterator[docker_py.DockerClient]:
    environment = {"DOCKER_HOST": engine.host}
    client = docker_py.from_env(environment=environment, timeout=30)
    yield client
    client.close()


@pytest.fixture
def sleeper(client: docker_py.DockerClient) -> Any:
    command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
    return client.containers.run("busybox", command, name="sleeper", detach=True)


# Images


def test_pull_and_get(client: docker_py.DockerClient, registry: Registry) -> None:
    image = client.images.pull("layered", tag="latest")
    assert image.tags == ["layered:latest"]
    assert image.attrs["RepoDigests"] == [f"layered@{registry.digests['layered:latest']}"]
    assert client.images.get("layered").id == image.id
    assert client.images.get(image.short_id).id == image.id


def test_pull_all_tags(client: docker_py.DockerClient) -> None:
    images = client.images.pull("busybox", all_tags=True)
    assert {tag for image in images for tag in image.tags} == {"busybox:latest", "busybox:1.36"}


def test_pull_reports_progress(client: docker_py.DockerClient) -> None:
    lines = list(client.api.pull("busybox", tag="latest", stream=True, decode=True))
    assert lines[0] == {"status": "Pulling from library/busybox", "id": "latest"}
    assert lines[-1] == {"status": "Status: Image is up to date for busybox:latest"}


def test_list_and_filters(client: docker_py.DockerClient) -> None:
    tags = [tag for image in client.images.list(name="app") for tag in image.tags]
    assert tags == ["app:1.0"]
    (image,) = client.images.list(filters={"label": "org.example.tier=front"})
    assert image.labels["maintainer"] == "somebody"


def test_tag_and_remove(client: docker_py.DockerClient) -> None:
    image = client.images.get("busybox")
    assert image.tag("mine/box", "3")
    assert client.images.get("mine/box:3").id == image.id
    client.images.remove("mine/box:3")
    with pytest.raises(ImageNotFound) as caught:
        client.images.get("mine/box:3")
    assert caught.value.explanation == "No such image: mine/box:3"


def test_missing_images_and_containers_are_told_apart(client: docker_py.DockerClient) -> None:
    with pytest.raises(ImageNotFound):
        client.images.get("nope")
    with pytest.raises(NotFound) as caught:
        client.containers.get("nope")
    assert not isinstance(caught.value, ImageNotFound)
    assert caught.value.response.status_code == 404
    with pytest.raises(ImageNotFound):
        client.containers.create("nope")


def test_pull_of_nothing(client: docker_py.DockerClient, registry: Registry) -> None:
    with pytest.raises(NotFound) as caught:
        client.images.pull(f"{registry.address}/library/busybox", tag="nope")
    assert "manifest unknown" in caught.value.explanation


# Containers


def test_run_returns_the_output(client: docker_py.DockerClient, engine: EngineProcess) -> None:
    assert client.containers.run("busybox", ["echo", "hello"], remove=True) == b"hello\n"
    both = ["sh", "-c", "echo out; echo err >&2"]
    assert (
        client.containers.run("busybox", both, remove=True, stderr=True, stdout=False) == b"err\n"
    )
    assert engine.containers() == []


def test_run_raises_what_failed(client: docker_py.DockerClient) -> None:
    with pytest.raises(ContainerError) as caught:
        client.containers.run("busybox", ["sh", "-c", "echo bad >&2; exit 4"])
    assert (caught.value.exit_status, caught.value.stderr) == (4, b"bad\n")
    with pytest.raises(APIError) as unstarted:
        client.containers.run("busybox", "nosuchprogram")
    assert unstarted.value.response.status_code == 400
    assert "executable file not found in $PATH" in unstarted.value.explanation


def test_run_with_options(client: docker_py.DockerClient) -> None:
    shown = client.containers.run(
        "busybox",
        ["sh", "-c", "echo $A; id -u; hostname; cat /v/x; ulimit -n"],
        environment={"A": "1"},
        user="33",
        hostname="here",
        volumes={"vol": {"bind": "/w", "mode": "rw"}, "/etc/hostname": {"bind": "/v/x"}},
        mem_limit="64m",
        nano_cpus=500_000_000,
        pids_limit=50,
        cap_drop=["ALL"],
        ulimits=[docker_py.types.Ulimit(name="nofile", soft=77, hard=99)],
        remove=True,
    )
    lines = shown.decode().splitlines()
    assert lines == ["1", "33", "here", socket.gethostname(), "77"]


def test_life(client: docker_py.DockerClient, sleeper: Any) -> None:
    sleeper.reload()
    assert sleeper.status == "running"
    sleeper.pause()
    sleeper.reload()
    assert sleeper.status == "paused"
    sleeper.unpause()
    sleeper.rename("other")
    sleeper.stop()
    sleeper.reload()
    assert (sleeper.name, sleeper.status) == ("other", "exited")
    sleeper.restart(timeout=0)
    sleeper.kill()
    assert sleeper.wait()["StatusCode"] == 137
    sleeper.remove()
    with pytest.raises(NotFound):
        sleeper.reload()


def test_conflicts(client: docker_py.DockerClient, sleeper: Any) -> None:
    with pytest.raises(APIError) as removing:
        sleeper.remove()
    assert removing.value.response.status_code == 409
    with pytest.raises(APIError) as naming:
        client.containers.create("busybox", name="sleeper")
    assert naming.value.response.status_code == 409
    with pytest.raises(APIError) as wrong:
        client.containers.create("busybox", name="not allowed")
    assert wrong.value.response.status_code == 400
    sleeper.kill()
    with pytest.raises(APIError) as killing:
        sleeper.kill()
    assert killing.value.response.status_code == 409


def test_wait_conditions(
    client: docker_py.DockerClient, sleeper: Any, engine: EngineProcess
) -> None:
    """The head of the answer says that the wait is armed, so no client misses an end."""
    waits = {}
    for condition in ("not-running", "next-exit", "removed"):
        connection = UnixConnection(engine.socket)
        connection.request("POST", f"/containers/{sleeper.id}/wait?condition={condition}")
        waits[condition] = connection.getresponse()
    sleeper.stop()
    for condition in ("not-running", "next-exit"):
        assert json.loads(waits[condition].read()) == {"StatusCode": 0}
    assert client.api.wait(sleeper.id)["StatusCode"] == 0
    sleeper.remove()
    assert json.loads(waits["removed"].read()) == {"StatusCode": 0}


def test_logs(client: docker_py.DockerClient) -> None:
    script = "for n in 1 2 3; do echo line $n; sleep 0.1; done; echo problem >&2"
    container = client.containers.run("busybox", ["sh", "-c", script], detach=True)
    stream = container.logs(stream=True, follow=True, stderr=False)
    assert b"".join(stream) == b"line 1\nline 2\nline 3\n"
    assert container.logs(stdout=False) == b"problem\n"
    assert container.logs(stderr=False, tail=1) == b"line 3\n"
    stamped = container.logs(timestamps=True).decode().splitlines()
    assert all(line[:2] == "20" and "Z " in line for line in stamped)


def test_attach_socket(client: docker_py.DockerClient) -> None:
    container = client.containers.create("busybox", "cat", stdin_open=True, tty=False)
    connection = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    container.start()
    raw: socket.socket = connection._sock
    raw.sendall(b"hello\n")
    header = read_exactly(raw, 8)
    assert (header[0], int.from_bytes(header[4:], "big")) == (1, 6)
    assert read_exactly(raw, 6) == b"hello\n"
    connection.close()
    container.kill()


def test_attach_socket_of_a_terminal(client: docker_py.DockerClient) -> None:
    container = client.containers.create("busybox", "cat", stdin_open=True, tty=True)
    connection = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    container.start()
    container.resize(height=40, width=100)
    raw: socket.socket = connection._sock
    raw.sendall(b"hi\n")
    assert read_exactly(raw, 8) == b"hi\r\nhi\r\n"
    connection.close()
    container.kill()


def read_exactly(raw: socket.socket, size: int) -> bytes:
    raw.settimeout(20)
    data = b""
    while len(data) < size:
        data += raw.recv(size - len(data))
    return data


def test_attach_stream(client: docker_py.DockerClient) -> None:
    container = client.containers.create("busybox", ["sh", "-c", "echo a; echo b >&2"])
    output = container.attach(stream=True, logs=True)
    container.start()
    assert sorted(b"".join(output).split()) == [b"a", b"b"]


def test_list_of_containers(client: docker_py.DockerClient, sleeper: Any) -> None:
    client.containers.run("busybox", "true", name="done")
    assert [each.name for each in client.containers.list()] == ["sleeper"]
    assert [each.name for each in client.containers.list(all=True)] == ["done", "sleeper"]
    (found,) = client.containers.list(all=True, filters={"exited": 0})
    assert found.name == "done"
    with pytest.raises(APIError) as caught:
        client.containers.list(filters={"colour": "red"})
    assert caught.value.response.status_code == 400


def test_ports(client: docker_py.DockerClient) -> None:
    container = client.containers.run(
        "busybox", ["sleep", "600"], ports={"80/tcp": ("127.0.0.1", None)}, detach=True
    )
    container.reload()
    (binding,) = container.ports["80/tcp"]
    assert binding["HostIp"] == "127.0.0.1"
    assert int(binding["HostPort"]) > 0
    container.kill()


def test_prune(client: docker_py.DockerClient, sleeper: Any) -> None:
    client.containers.run("busybox", "true", name="done")
    id_ = client.containers.get("done").id
    assert client.containers.prune()["ContainersDeleted"] == [id_]
    assert client.containers.prune()["ContainersDeleted"] is None
    assert client.images.prune()["ImagesDeleted"] is None


# The engine


def test_events(client: docker_py.DockerClient) -> None:
    since = time.time()
    events = client.events(decode=True, filters={"type": "container"})
    seen: list[str] = []

    def follow() -> None:
        with contextlib.suppress(Exception):  # closing ends the stream in its own ways
            seen.extend(event["Action"] for event in events)

    thread = threading.Thread(target=follow)
    thread.start()
    client.containers.run("busybox", "true", name="seen", remove=True)
    past = client.events(since=since, until=time.time(), decode=True)
    wanted = {"create", "start", "die", "destroy"}
    eventually(lambda: wanted <= set(seen))
    assert wanted <= {event["Action"] for event in past if event["Type"] == "container"}
    events.close()
    thread.join(20)
    assert not thread.is_alive()


def test_info_version_and_ping(client: docker_py.DockerClient, engine: EngineProcess) -> None:
    assert client.ping()
    version = client.version()
    assert (version["ApiVersion"], version["MinAPIVersion"]) == ("1.51", "1.40")
    assert version["Platform"]["Name"] == "budu"
    assert client.info()["DockerRootDir"] == str(engine.data_root)


def test_volumes(client: docker_py.DockerClient) -> None:
    volume = client.volumes.create("things", labels={"a": "b"})
    assert volume.attrs["Labels"] == {"a": "b"}
    assert [each.name for each in client.volumes.list()] == ["things"]
    container = client.containers.create("busybox", volumes=["things:/t"])
    with pytest.raises(APIError) as caught:
        volume.remove()
    assert caught.value.response.status_code == 409
    container.remove()
    volume.remove()
    with pytest.raises(NotFound):
        client.volumes.get("things")


def test_networks(client: docker_py.DockerClient) -> None:
    assert [each.name for each in client.networks.list()] == ["bridge", "host", "none"]
    with pytest.raises(NotFound):
        client.networks.get("nope")


def test_unserved_operations_say_so(client: docker_py.DockerClient) -> None:
    with pytest.raises(APIError) as caught:
        client.swarm.init()
    assert caught.value.response.status_code == 501
