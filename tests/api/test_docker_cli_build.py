"""The genuine docker command line builds: what the tour's recorded engine does not know, and the
cache, which that one keeps elsewhere."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.support.docker import Docker, Done
from tests.support.engine import EngineProcess
from tests.support.registry import running_registry
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("no_made_images", "clean")]


# What `htpasswd -nbB ann secret` prints.
HTPASSWD = "ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"


class Builder:
    """`docker build` in a folder, by the builder that the client calls the legacy one."""

    def __init__(self, docker: Docker, folder: Path) -> None:
        self._docker = docker
        self.folder = folder

    def write(self, **files: str) -> None:
        """Files of the context; `__` in a name is a slash."""
        for name, text in files.items():
            path = self.folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run(self, dockerfile: str, *flags: str) -> Done:
        self.write(Dockerfile=dockerfile)
        return self._docker.run("build", *flags, str(self.folder))

    def __call__(self, dockerfile: str, *flags: str) -> str:
        done = self.run(dockerfile, *flags)
        assert done.status == 0, done
        return done.out


@pytest.fixture
def no_made_images(docker: Docker) -> Iterator[None]:
    """What the test built goes."""
    yield
    for name in docker("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines():
        if name.startswith("made"):
            docker("rmi", "-f", name)
    docker("image", "prune", "-f")
    docker("builder", "prune", "-af")


@pytest.fixture
def build(docker: Docker, tmp_path: Path) -> Builder:
    folder = tmp_path / "context"
    folder.mkdir()
    return Builder(docker, folder)


@pytest.mark.docker_28
def test_build_needs_no_setting_of_the_client(build: Builder, docker: Docker) -> None:
    done = build.run("FROM busybox\nRUN echo hello\n", "-t", "made")
    assert done.status == 0, done
    assert "Successfully tagged made:latest" in done.out
    assert "legacy builder" in done.err  # its advice to install its plugin is the client's own


# Modern Dockerfiles


def test_here_documents(build: Builder, docker: Docker) -> None:
    build(
        "# syntax=docker/dockerfile:1\n"
        "FROM busybox\n"
        "COPY <<one.txt <<-two.txt /texts/\n"
        "first $HOME\n"
        "one.txt\n"
        "\tsecond\n"
        "two.txt\n"
        "RUN <<END\n"
        "set -e\n"
        "cat /texts/*\n"
        "echo done >/done\n"
        "END\n",
        "-t",
        "made",
    )
    shown = docker("run", "--rm", "made", "cat", "/texts/two.txt", "/done")
    assert shown == "second\ndone"


def test_mounts_of_run(build: Builder) -> None:
    build.write(secret="from the context\n")
    told = build(
        "FROM busybox AS other\n"
        "RUN echo from a stage >/f\n"
        "FROM busybox\n"
        "RUN --mount=type=bind,source=secret,target=/s cat /s\n"
        "RUN --mount=type=bind,from=other,target=/o cat /o/f\n"
        "RUN --mount=type=cache,target=/c echo kept >>/c/f; cat /c/f\n"
        "RUN --mount=type=tmpfs,target=/t touch /t/x; ls /t\n"
        "RUN ls -d /s /o /c /t 2>&1 | grep -c 'No such'\n"
    )
    assert "from the context\n" in told
    assert "from a stage\n" in told
    assert "kept\n" in told


def test_a_cache_mount_keeps_between_builds(build: Builder) -> None:
    for word in ("one", "two"):
        told = build(
            f"FROM busybox\nRUN --mount=type=cache,target=/c echo {word} >>/c/words; cat /c/words\n"
        )
    assert "one\ntwo\n" in told


def test_flags_of_copy(build: Builder, docker: Docker) -> None:
    build.write(a__b__c="1\n", a__skip="2\n", run="#!/bin/sh\necho ran\n")
    build(
        "FROM busybox\n"
        "COPY --chmod=755 run /bin/ran\n"
        "COPY --parents a/b /kept/\n"
        "COPY --exclude=skip a /less\n"
        "COPY --link --chown=7:8 run /linked\n",
        "-t",
        "made",
    )
    assert docker("run", "--rm", "made", "ran") == "ran"
    found = docker("run", "--rm", "made", "find", "/kept", "/less", "-type", "f")
    assert sorted(found.splitlines()) == ["/kept/a/b/c", "/less/b/c"]
    assert docker("run", "--rm", "made", "stat", "-c", "%u:%g", "/linked") == "7:8"


def test_stages_that_nobody_needs_are_not_built(build: Builder) -> None:
    told = build("FROM busybox AS unused\nRUN exit 1\nFROM busybox\nRUN echo only this\n")
    assert "exit 1" not in told


def test_arguments_that_every_build_knows(build: Builder) -> None:
    told = build(
        "FROM busybox\nARG TARGETARCH\nARG TARGETPLATFORM\n"
        "RUN echo $TARGETPLATFORM is linux/$TARGETARCH; echo proxy $HTTP_PROXY\n",
        "--build-arg",
        "HTTP_PROXY=http://proxy.example:3128",
    )
    assert re.search(r"^linux/(\w+) is linux/\1$", told, re.MULTILINE)
    assert "proxy http://proxy.example:3128\n" in told


def test_a_secret_that_is_required_is_told_to_be_missing(build: Builder) -> None:
    done = build.run(
        "FROM busybox\nRUN --mount=type=secret,id=s,required=true cat /run/secrets/s\n"
    )
    assert done.status == 1
    assert "s" in done.err


# Where the context comes from


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on loopback, its address and folder."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


def test_a_context_from_a_url(docker: Docker, site: tuple[str, Path]) -> None:
    address, folder = site
    (folder / "Dockerfile").write_text("FROM busybox\nRUN echo alone\n")
    assert "alone\n" in docker("build", f"{address}/Dockerfile")
    (folder / "f").write_text("packed\n")
    (folder / "Dockerfile").write_text("FROM busybox\nCOPY f /\nRUN cat /f\n")
    subprocess.run(["tar", "czf", "c.tgz", "Dockerfile", "f"], cwd=folder, check=True)
    assert "packed\n" in docker("build", f"{address}/c.tgz")


def test_add_fetches(build: Builder, docker: Docker, site: tuple[str, Path]) -> None:
    address, folder = site
    (folder / "f").write_text("fetched\n")
    assert "fetched\n" in build(f"FROM busybox\nADD {address}/f /g\nRUN cat /g\n")
    done = build.run(f"FROM busybox\nADD {address}/nope /g\n")
    assert (done.status, "404" in done.err) == (1, True)


def test_a_large_context_arrives_whole(build: Builder) -> None:
    """It is larger than what any of the buffers on the way holds."""
    data = bytes(range(256)) * 4096 * 20
    (build.folder / "large").write_bytes(data)
    told = build("FROM busybox\nCOPY large /\nRUN wc -c </large\n")
    assert f"{len(data)}\n" in told


# Registries


@pytest.fixture
def private(docker: Docker, tmp_path: Path) -> Iterator[str]:
    """A registry that wants a name and a password, with a base image."""
    (tmp_path / "private").mkdir()
    with running_registry(tmp_path / "private", htpasswd=HTPASSWD) as address:
        docker("login", "-u", "ann", "--password-stdin", address, stdin=b"secret")
        docker("tag", "busybox", f"{address}/base")
        docker("push", "-q", f"{address}/base")
        docker("rmi", f"{address}/base")
        yield address
        docker("logout", address)


def test_credentials_reach_the_registry_of_a_base_image(
    build: Builder, docker: Docker, private: str
) -> None:
    assert "as usual\n" in build(f"FROM {private}/base\nRUN echo as usual\n")
    docker("rmi", f"{private}/base")
    docker("logout", private)
    done = build.run(f"FROM {private}/base\n")
    assert done.status == 1
    assert "no basic auth credentials" in done.err


def test_pull_asks_the_registry_again(build: Builder) -> None:
    told = build("FROM busybox\nRUN true\n", "--pull")
    assert "Pulling from library/busybox" in told
    assert "Image is up to date for busybox:latest" in told


# How a build ends


def test_a_client_that_is_ended_ends_its_build(build: Builder, docker: Docker) -> None:
    build.write(Dockerfile="FROM busybox\nRUN echo begun; sleep 1000\n")
    words = ["build", str(build.folder)]
    with docker.open(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        assert client.stdout is not None
        assert any(line == b"begun\n" for line in client.stdout)
        assert docker("ps", "-q")
        client.send_signal(signal.SIGINT)
        client.stdout.read()
    eventually(lambda: not docker("ps", "-aq"), "the end of the step's container")


def test_what_a_failed_build_made_is_used_by_the_next(build: Builder) -> None:
    first = build.run("FROM busybox\nRUN echo long\nRUN exit 7\n")
    assert first.status == 7
    told = build("FROM busybox\nRUN echo long\nRUN exit 0\n")
    assert told.count("Using cache") == 1


# The cache


def cache_rows(engine: EngineProcess) -> list[dict[str, object]]:
    rows = engine.request("GET", "/system/df", type="build-cache").json["BuildCache"]
    assert isinstance(rows, list)
    return rows


def test_the_cache_is_seen_and_pruned(
    build: Builder, docker: Docker, engine: EngineProcess
) -> None:
    build("FROM busybox\nRUN head -c 1000000 /dev/zero >/zeros\n", "-t", "made")
    rows = cache_rows(engine)
    assert rows
    assert all(row["Shared"] and not row["InUse"] for row in rows), rows
    assert any("head -c 1000000" in str(row["Description"]) for row in rows)
    ids = sorted(str(row["ID"]) for row in rows)
    table = docker("system", "df", "-v", "--format", "{{json .}}")
    assert sorted(each["ID"] for each in json.loads(table)["BuildCache"]) == ids
    assert all(each[:12] in docker("system", "df", "-v") for each in ids)
    assert f"Build Cache {len(rows)} 0 0B 0B" == docker(
        "system",
        "df",
        "--format",
        '{{if eq .Type "Build Cache"}}{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} '
        "{{.Reclaimable}}{{end}}",
    )
    docker("rmi", "made")
    assert sum(int(str(row["Size"])) for row in cache_rows(engine)) >= 1_000_000
    assert "MB" in docker("system", "df", "--format", "{{.Type}} {{.Reclaimable}}").splitlines()[-1]
    told = docker("builder", "prune", "-af")
    assert "Deleted build cache objects:" in told
    assert re.search(r"Total reclaimed space: 1(\.\d+)?MB$", told)
    assert cache_rows(engine) == []
    assert docker("builder", "prune", "-af") == "Total reclaimed space: 0B"


def test_a_prune_looks_at_filters(build: Builder, docker: Docker, engine: EngineProcess) -> None:
    build("FROM busybox\nRUN echo x >/x\n")
    before = cache_rows(engine)
    assert docker("builder", "prune", "-af", "--filter", "until=24h") == "Total reclaimed space: 0B"
    assert len(cache_rows(engine)) == len(before)
    docker("builder", "prune", "-af", "--filter", f"id={before[0]['ID']}")
    assert before[0]["ID"] not in [row["ID"] for row in cache_rows(engine)]
    done = docker.run("builder", "prune", "-af", "--filter", "nope=1")
    assert (done.status, "invalid filter 'nope'" in done.err) == (1, True)


def test_the_cache_outlives_the_engine(
    build: Builder, docker: Docker, engine: EngineProcess
) -> None:
    dockerfile = "FROM busybox\nRUN echo long\n"
    build(dockerfile, "-t", "made")
    engine.stop()
    engine.start()
    assert "Using cache" in build(dockerfile)


def test_system_prune_takes_the_cache_too(
    build: Builder, docker: Docker, engine: EngineProcess
) -> None:
    build("FROM busybox\nRUN echo x >/x\n")
    docker("system", "prune", "-f")
    assert cache_rows(engine) == []
