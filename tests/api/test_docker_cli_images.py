"""The genuine docker command line: pull, images, tag, rmi, image inspect and history."""

import json
from collections.abc import Callable

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.fixtures import Registry
from tests.support.images import machine_architecture, other_architecture

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.fixture
def no_images(engine: EngineProcess) -> None:
    for image in engine.request("GET", "/images/json", all=1).json:
        reply = engine.request("DELETE", f"/images/{image['Id']}", force=1)
        assert reply.status == 200, reply.body


@pytest.fixture
def busybox(docker: Docker, no_images: None) -> str:
    """The id of the busybox image, the only one there."""
    docker("pull", "-q", "busybox")
    return docker("images", "-q", "--no-trunc", "busybox:latest")


@pytest.mark.usefixtures("no_images")
def test_pull_prints_dockers_lines(docker: Docker, registry: Registry) -> None:
    done = docker.run("pull", "layered")
    digest = registry.digests["layered:latest"]
    assert done.status == 0, done
    assert done.lines[:2] == ["Using default tag: latest", "latest: Pulling from library/layered"]
    assert done.lines[-3:] == [
        f"Digest: {digest}",
        "Status: Downloaded newer image for layered:latest",
        "docker.io/library/layered:latest",
    ]
    words = {line.partition(": ")[2] for line in done.lines[2:-3]}
    assert {"Pulling fs layer", "Verifying Checksum", "Download complete", "Pull complete"} <= words
    assert sum(line.endswith("Pull complete") for line in done.lines) == 3


def test_second_pull_says_up_to_date(docker: Docker, busybox: str, registry: Registry) -> None:
    assert docker.run("pull", "busybox:latest").lines == [
        "latest: Pulling from library/busybox",
        f"Digest: {registry.digests['busybox:latest']}",
        "Status: Image is up to date for busybox:latest",
        "docker.io/library/busybox:latest",
    ]


def test_known_layers_are_not_fetched_again(docker: Docker, busybox: str) -> None:
    lines = docker.run("pull", "layered").lines
    assert sum(line.endswith(": Already exists") for line in lines) == 1
    assert sum(line.endswith(": Pull complete") for line in lines) == 2


@pytest.mark.usefixtures("no_images")
def test_pull_by_digest_has_no_tag(docker: Docker, registry: Registry) -> None:
    digest = registry.digests["busybox:latest"]
    done = docker.run("pull", f"busybox@{digest}")
    assert done.lines[-1] == f"docker.io/library/busybox@{digest}"
    assert f"Status: Downloaded newer image for busybox@{digest}" in done.lines
    row = json.loads(docker("images", "--digests", "--format", "json"))
    assert (row["Repository"], row["Tag"], row["Digest"]) == ("busybox", "<none>", digest)


@pytest.mark.usefixtures("no_images")
def test_quiet_pull_prints_the_name_only(docker: Docker) -> None:
    assert docker("pull", "-q", "busybox:1.36") == "docker.io/library/busybox:1.36"


@pytest.mark.usefixtures("no_images")
def test_pull_of_all_tags(docker: Docker) -> None:
    docker("pull", "-a", "-q", "busybox")
    assert docker("images", "--format", "{{.Tag}}").split() == ["1.36", "latest"]


def test_unknown_tag_ends_with_dockers_sentence(docker: Docker, registry: Registry) -> None:
    name = f"{registry.address}/library/busybox:nope"
    done = docker.run("pull", name)
    assert done.status == 1
    assert f"manifest for {name} not found: manifest unknown: manifest unknown" in done.err


def test_unknown_repository_ends_with_what_the_registry_says(
    docker: Docker, registry: Registry
) -> None:
    done = docker.run("pull", f"{registry.address}/no/such")
    assert done.status == 1
    assert f"manifest for {registry.address}/no/such:latest not found" in done.err


def test_an_image_for_other_machines_only_is_refused(docker: Docker) -> None:
    done = docker.run("pull", "foreign")
    assert done.status == 1
    assert "no matching manifest for linux/" in done.err
    assert "in the manifest list entries" in done.err


@pytest.mark.usefixtures("no_images")
def test_platform_chooses_from_the_index(docker: Docker) -> None:
    docker("pull", "-q", "--platform", f"linux/{other_architecture()}", "foreign")
    shown = docker("image", "inspect", "foreign", "--format", "{{.Os}}/{{.Architecture}}")
    assert shown == f"linux/{other_architecture()}"


def test_an_image_for_one_other_platform_is_taken_with_a_warning(
    docker: Docker, busybox: str
) -> None:
    wanted = f"linux/{other_architecture()}"
    lines = docker.run("pull", "--platform", wanted, "busybox").lines
    sentence = (
        f"its platform (linux/{machine_architecture()}) does not match the specified platform "
        f"({wanted})"
    )
    assert lines[-2:] == [
        f"WARNING: image with reference docker.io/library/busybox:latest was found but {sentence}",
        "docker.io/library/busybox:latest",
    ]
    docker("tag", "busybox", "a/first:1")
    done = docker.run("create", "--pull", "never", "--platform", wanted, "busybox")
    assert done.status == 1
    assert f"image with reference busybox was found but {sentence}" in done.err
    assert "WARNING" not in docker(
        "pull", "--platform", f"linux/{machine_architecture()}", "busybox"
    )


def test_images_table(docker: Docker, busybox: str) -> None:
    done = docker.run("images")
    assert done.lines[0].split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert done.lines[1].split()[:3] == ["busybox", "latest", busybox.removeprefix("sha256:")[:12]]
    assert done.lines[1].split()[-1].endswith("MB")


def test_images_quiet_whole_and_digests(docker: Docker, busybox: str, registry: Registry) -> None:
    assert docker("images", "-q") == busybox.removeprefix("sha256:")[:12]
    assert docker("images", "--no-trunc", "--format", "{{.ID}}") == busybox
    assert registry.digests["busybox:latest"] in docker("images", "--digests")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["reference=busy*"], ["busybox:latest"]),
        (["reference=*:1.0"], ["app:1.0"]),
        (["label=org.example.tier=front"], ["app:1.0"]),
        (["label=nope"], []),
        (["before=app:1.0"], ["busybox:latest"]),
        (["since=busybox"], ["app:1.0"]),
        (["dangling=true"], []),
        (["dangling=false", "reference=app"], ["app:1.0"]),
    ],
)
def test_image_filters(
    docker: Docker, busybox: str, wanted: list[str], expected: list[str]
) -> None:
    docker("pull", "-q", "app:1.0")
    flags = [word for each in wanted for word in ("-f", each)]
    assert docker("images", *flags, "--format", "{{.Repository}}:{{.Tag}}").split() == expected


def test_unknown_image_filter_is_refused(docker: Docker) -> None:
    done = docker.run("images", "-f", "colour=red")
    assert (done.status, done.err) == (
        1,
        "Error response from daemon: invalid filter 'colour'\n",
    )


def test_tag_and_untag(docker: Docker, busybox: str) -> None:
    docker("tag", "busybox", "mine/box:2")
    assert docker("images", "-q", "--no-trunc", "mine/box:2") == busybox
    assert docker("rmi", "mine/box:2") == "Untagged: mine/box:2"
    assert docker("images", "-q", "--no-trunc") == busybox


def test_tag_of_nothing(docker: Docker) -> None:
    done = docker.run("tag", "nope", "x")
    assert done.status == 1
    assert done.err == "Error response from daemon: No such image: nope:latest\n"


def test_rmi_of_the_last_name_deletes(docker: Docker, busybox: str, registry: Registry) -> None:
    lines = docker.run("rmi", "busybox").lines
    digest = registry.digests["busybox:latest"]
    assert lines[:3] == [
        "Untagged: busybox:latest",
        f"Untagged: busybox@{digest}",
        f"Deleted: {busybox}",
    ]
    assert [line.partition(":")[0] for line in lines[3:]] == ["Deleted"]
    assert docker("images", "-q") == ""


def test_rmi_by_id_with_two_repositories_needs_force(docker: Docker, busybox: str) -> None:
    docker("tag", "busybox", "other:1")
    done = docker.run("rmi", busybox)
    assert done.status == 1
    assert "(must be forced) - image is referenced in multiple repositories" in done.err
    docker("rmi", "-f", busybox)
    assert docker("images", "-q") == ""


def test_rmi_of_a_used_image(docker: Docker, busybox: str) -> None:
    id_ = docker("create", "--name", "user", "busybox")
    done = docker.run("rmi", "busybox")
    assert done.status == 1
    assert (
        'conflict: unable to remove repository reference "busybox" (must force) - '
        f"container {id_[:12]} is using its referenced image" in done.err
    )
    docker("rmi", "-f", "busybox")
    assert docker("ps", "-a", "--format", "{{.Names}}") == "user"


def test_rmi_of_a_running_containers_image(docker: Docker, busybox: str) -> None:
    id_ = docker("run", "-d", "busybox", "sleep", "600")
    done = docker.run("rmi", "-f", busybox)
    assert done.status == 1
    assert "(cannot be forced) - image is being used by running container " + id_[:12] in done.err
    assert docker("run", "--rm", "busybox", "echo", "still here") == "still here"


def test_rmi_of_nothing(docker: Docker) -> None:
    done = docker.run("rmi", "nope")
    assert done.status == 1
    assert done.err == "Error response from daemon: No such image: nope:latest\n"
    assert docker.run("rmi", "-f", "nope").status == 0


def test_image_inspect_tells_the_config(docker: Docker) -> None:
    docker("pull", "-q", "app:1.0")
    (image,) = json.loads(docker("inspect", "--type", "image", "app:1.0"))
    config = image["Config"]
    assert config["User"] == "daemon"
    assert config["Entrypoint"] == ["/bin/app"]
    assert config["ExposedPorts"] == {"8000/tcp": {}, "5353/udp": {}}
    assert image["RepoTags"] == ["app:1.0"]
    assert len(image["RootFS"]["Layers"]) == 2
    assert image["Created"] == "2026-02-02T02:02:02Z"


def test_image_history(docker: Docker, busybox: str) -> None:
    docker("pull", "-q", "app:1.0")
    rows = docker("history", "--format", "{{.CreatedBy}}", "app:1.0").splitlines()
    assert rows == ["layer 1", "layer 0"]


def test_image_prune_removes_what_has_no_name(docker: Docker, busybox: str) -> None:
    docker("pull", "-q", "app:1.0")
    docker("tag", "app:1.0", "busybox:latest")
    assert "Total reclaimed space" in docker("image", "prune", "-f")
    docker("image", "prune", "-a", "-f")
    assert docker("images", "-q") == ""


def test_layers_on_layers_are_merged(docker: Docker, busybox: str) -> None:
    docker("pull", "-q", "layered")
    assert docker("run", "--rm", "layered", "sh", "-c", "cd /opt; echo *; cat two") == "two\n2"


@pytest.mark.docker_cli
def test_unreachable_registry_names_the_failed_step(
    make_engine: Callable[..., EngineProcess], tmp_path
) -> None:
    engine = make_engine()
    docker = Docker(engine, tmp_path)
    done = docker.run("pull", "127.0.0.1:1/some/thing")
    assert done.status == 1
    assert "127.0.0.1:1" in done.err
    assert "connection refused" in done.err
