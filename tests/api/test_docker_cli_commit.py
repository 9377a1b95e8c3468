"""The genuine docker command line and docker-py: diff, export, commit, import."""

import io
import json
import re
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker as docker_py
import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

ID = re.compile(r"sha256:[0-9a-f]{64}\Z")
CHANGE = "echo hi >/etc/new; echo x >>/etc/passwd; rm /etc/group; mkdir -p /srv/a/b"


@pytest.fixture
def client(engine: EngineProcess) -> Iterator[docker_py.DockerClient]:
    client = docker_py.DockerClient(base_url=engine.host, version="auto", timeout=60)
    yield client
    client.close()


@pytest.fixture
def changed(docker: Docker) -> str:
    """A stopped container that changed its files."""
    docker("run", "--name", "one", "-v", "/vol", "busybox", "sh", "-c", CHANGE)
    return "one"


@pytest.fixture
def no_made_images(docker: Docker) -> Iterator[None]:
    yield
    for name in docker("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines():
        if name.startswith(("made", "<none>")):
            docker("rmi", "-f", name) if "<" not in name else None
    docker("image", "prune", "-f")


pytestmark.append(pytest.mark.usefixtures("no_made_images"))


def test_diff_lists_what_changed(docker: Docker, changed: str) -> None:
    assert docker.run("diff", changed).lines == [
        "C /etc",
        "D /etc/group",
        "A /etc/new",
        "C /etc/passwd",
        "A /srv",
        "A /srv/a",
        "A /srv/a/b",
        "A /vol",
    ]


def test_diff_of_an_untouched_container_is_empty(docker: Docker) -> None:
    docker("run", "--name", "two", "busybox", "true")
    assert docker("diff", "two") == ""


def test_diff_of_a_running_container(docker: Docker) -> None:
    docker("run", "-d", "--name", "runs", "busybox", "sh", "-c", "touch /x; sleep 1000")
    while docker("diff", "runs") != "A /x":
        time.sleep(0.05)


def test_diff_of_a_missing_container(docker: Docker) -> None:
    done = docker.run("diff", "nope")
    assert done.status == 1
    assert "No such container: nope" in done.err


def test_export_gives_the_whole_tree_without_volumes(docker: Docker, changed: str) -> None:
    with tarfile.open(fileobj=io.BytesIO(docker.run("export", changed).raw)) as tar:
        names = {info.name for info in tar}
        new = tar.extractfile("etc/new")
        assert new is not None
        assert new.read() == b"hi\n"
    assert {"bin", "bin/busybox", "vol", "srv/a/b", "etc/hosts"} <= names
    assert "etc/group" not in names


def test_export_of_a_running_container_and_its_event(
    docker: Docker, engine: EngineProcess, tmp_path: Path
) -> None:
    docker("run", "-d", "--name", "runs", "-v", "data:/vol", "busybox", "sh", "-c",
           "echo v >/vol/file; echo r >/file; sleep 1000")  # fmt: skip
    while "/file" not in docker("diff", "runs"):
        time.sleep(0.05)
    target = tmp_path / "out.tar"
    docker("export", "-o", str(target), "runs")
    with tarfile.open(target) as tar:
        names = {info.name for info in tar}
    assert "file" in names
    assert "vol" in names
    assert "vol/file" not in names
    assert "export" in [each["Action"] for each in engine.events(container="runs")]


def test_commit_makes_an_image_that_runs(
    docker: Docker, engine: EngineProcess, changed: str
) -> None:
    image = docker("commit", "-a", "Me <me@x>", "-m", "a note", "-c", 'CMD ["cat", "/etc/new"]',
                   "-c", "ENV A=1", changed, "made/one:1")  # fmt: skip
    assert ID.match(image)
    assert docker("run", "--rm", "made/one:1") == "hi"
    gone = docker.run("run", "--rm", "made/one:1", "cat", "/etc/group")
    assert gone.status == 1
    [inspection] = json.loads(docker("inspect", "made/one:1"))
    assert inspection["Id"] == image
    assert inspection["Author"] == "Me <me@x>"
    assert inspection["Comment"] == "a note"
    assert inspection["Config"]["Cmd"] == ["cat", "/etc/new"]
    assert "A=1" in inspection["Config"]["Env"]
    assert len(inspection["RootFS"]["Layers"]) == 2
    first = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}",
                   "made/one:1").splitlines()[0]  # fmt: skip
    assert first == f"sh -c {CHANGE}|a note"
    [event] = [each for each in engine.events(container="one") if each["Action"] == "commit"]
    attributes = event["Actor"]["Attributes"]
    assert attributes["imageID"] == image
    assert attributes["imageRef"] == "made/one:1"
    assert attributes["comment"] == "a note"


def test_commit_without_changes_adds_no_layer(docker: Docker) -> None:
    docker("run", "--name", "two", "busybox", "true")
    docker("commit", "two", "made:same")
    layers = [json.loads(docker("inspect", "-f", "{{json .RootFS.Layers}}", name))
              for name in ("busybox", "made:same")]  # fmt: skip
    assert layers[0] == layers[1]
    assert docker("history", "-q", "made:same").splitlines()[0] != "<missing>"


def test_commit_without_a_name_is_dangling(docker: Docker, changed: str) -> None:
    image = docker("commit", changed)
    assert image in docker("images", "-q", "--no-trunc", "-f", "dangling=true")
    docker("rmi", image)


@pytest.mark.parametrize("pause", ["true", "false"])
def test_commit_pauses_a_running_container_unless_told(
    docker: Docker, engine: EngineProcess, pause: str
) -> None:
    container = docker("run", "-d", "busybox", "sleep", "1000")
    docker("commit", f"--pause={pause}", container, "made:runs")
    assert engine.state(container)["Status"] == "running"
    actions = [each["Action"] for each in engine.events(container=container)]
    assert ("pause" in actions, "unpause" in actions) == ((pause == "true",) * 2)


def test_commit_leaves_a_paused_container_paused(docker: Docker, engine: EngineProcess) -> None:
    docker("run", "-d", "--name", "runs", "busybox", "sleep", "1000")
    docker("pause", "runs")
    docker("commit", "runs", "made:paused")
    assert engine.state("runs")["Status"] == "paused"


def test_commit_refuses_other_instructions(docker: Docker, changed: str) -> None:
    done = docker.run("commit", "-c", "RUN make", changed)
    assert done.status == 1
    assert "RUN is not a valid change command" in done.err


def test_commit_of_a_commit_and_removal_of_the_first(docker: Docker, changed: str) -> None:
    docker("commit", changed, "made:1")
    docker("run", "--name", "three", "made:1", "rm", "/etc/new")
    docker("commit", "three", "made:2")
    docker("rm", "three", changed)
    docker("rmi", "made:1")
    assert docker("run", "--rm", "made:2", "ls", "/srv/a") == "b"
    assert docker.run("run", "--rm", "made:2", "ls", "/etc/new").status == 1


def test_export_and_import_round_trip(docker: Docker, changed: str) -> None:
    image = docker("import", "-m", "from export", "-c", 'CMD ["cat", "/etc/new"]', "-",
                   "made/imported:1", stdin=docker.run("export", changed).raw)  # fmt: skip
    assert ID.match(image)
    assert docker("run", "--rm", "made/imported:1") == "hi"
    [inspection] = json.loads(docker("inspect", "made/imported:1"))
    assert inspection["Comment"] == "from export"
    assert len(inspection["RootFS"]["Layers"]) == 1


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_import_takes_packed_files(docker: Docker, tmp_path: Path, packing: str) -> None:
    path = tmp_path / f"small.tar.{packing}"
    with tarfile.open(path, f"w:{packing}") as tar:
        info = tarfile.TarInfo("hello")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"hey"))
    image = docker("import", str(path), "made:small")
    created = docker("create", "--name", "holds", "made:small", "none")
    with tarfile.open(fileobj=io.BytesIO(docker.run("export", created).raw)) as tar:
        assert "hello" in tar.getnames()
    assert docker("inspect", "-f", "{{.Comment}}", image) == "Imported from -"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web server over a folder with `small.tar.gz`."""
    with tarfile.open(tmp_path / "small.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("hello"))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_import_fetches_a_url(docker: Docker, site: str) -> None:
    lines = docker("import", f"{site}/small.tar.gz", "made:url").splitlines()
    assert lines[0] == f"Downloading from {site}/small.tar.gz"
    assert ID.match(lines[-1])
    assert (
        docker("inspect", "-f", "{{.Comment}}", "made:url") == f"Imported from {site}/small.tar.gz"
    )


def test_import_of_a_missing_url_says_so(docker: Docker, site: str) -> None:
    done = docker.run("import", f"{site}/none", "made:url")
    assert done.status == 1
    assert f"failed to GET {site}/none with status 404 File not found: " in done.err


def test_import_refuses_what_is_no_archive(docker: Docker) -> None:
    done = docker.run("import", "-", "made:bad", stdin=b"not a tar at all" * 100)
    assert done.status == 1
    assert "made" not in docker("images")


def test_docker_py_commits_diffs_and_exports(client: docker_py.DockerClient, changed: str) -> None:
    container = client.containers.get(changed)
    assert {"Path": "/etc/new", "Kind": 1} in container.diff()
    image = container.commit("made", "py", message="m", author="a",
                             changes="CMD echo py", conf={"Labels": {"x": "y"}})  # fmt: skip
    assert image.tags == ["made:py"]
    assert image.labels == {"x": "y"}
    assert client.containers.run("made:py", remove=True) == b"py\n"
    size = sum(map(len, container.export()))
    assert size > 100_000


def test_docker_py_imports(client: docker_py.DockerClient) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    answer = client.api.import_image_from_data(buffer.getvalue(), repository="made", tag="data")
    assert ID.match(json.loads(answer.splitlines()[-1])["status"])
    assert client.images.get("made:data").tags == ["made:data"]


def test_commits_at_the_same_time_leave_the_container_running(
    docker: Docker, engine: EngineProcess
) -> None:
    container = docker("run", "-d", "busybox", "sh", "-c", "echo 1 >/one; sleep 1000")
    commits = [docker.open(["commit", container], stdout=subprocess.PIPE) for _ in range(3)]
    images = {each.communicate()[0].strip() for each in commits}
    assert [each.returncode for each in commits] == [0, 0, 0]
    assert len(images) == 3
    assert engine.state(container)["Status"] == "running"
