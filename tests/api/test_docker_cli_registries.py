"""The genuine docker command line: search, manifest, history, images --tree."""

import json

import pytest
from tests.support.docker import Docker
from tests.support.fixtures import Registry

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


def test_search_by_the_mirrors_catalogue(docker: Docker) -> None:
    assert docker("search", "--format", "{{.Name}} {{.IsOfficial}}", "busy") == "busybox [OK]"
    assert docker("search", "--no-trunc", "--filter", "stars=3", "busybox").count("\n") == 0
    done = docker.run("search", "--limit", "0", "busybox")
    assert done.status == 0, done
    assert "is outside the range of [1, 100]" in docker.run("search", "--limit", "101", "a").err
    assert "invalid filter" in docker.run("search", "--filter", "nope=1", "busybox").err


def test_history_and_its_platform(docker: Docker) -> None:
    rows = docker("history", "--format", "json", "app:1.0").splitlines()
    assert json.loads(rows[0])["ID"] == docker("images", "-q", "app:1.0")
    done = docker.run("history", "--platform", "linux/s390x", "app:1.0")
    assert "does not match the specified platform (linux/s390x)" in done.err


def test_tree_of_images(docker: Docker) -> None:
    shown = docker("images", "--tree")
    assert "busybox:latest" in shown
    assert "linux/" in shown


def test_inspect_tells_of_manifests(docker: Docker, registry: Registry) -> None:
    form = "{{.Descriptor.Digest}}"
    assert docker("image", "inspect", "-f", form, "app:1.0") == registry.digests["app:1.0"]


def test_near_name_comes_as_a_hint_of_the_answer(docker: Docker) -> None:
    done = docker.run("pull", "busybx")
    assert done.status == 1
    assert "registry-1.docker.io" in done.err or "not found" in done.err
