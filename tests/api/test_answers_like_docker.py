"""Answers have the fields of Docker's, with their types, their nulls and their zero values.

Docker's are a recording of Debian's dockerd 20.10 at API 1.41 (`answers/record.py`); ours are
played at the same version. What differs is listed with its reason. The newest version's answers are
held against the definition.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.api.answers.record import RECORDED, VERSION
from tests.api.answers.scene import asker, play
from tests.api.answers.shape import Shape, shape_of
from tests.support.fixtures import Registry, fresh_engine

pytestmark = pytest.mark.host

DOCKER: dict[str, Shape] = json.loads(RECORDED.read_text())

ALLOWED: dict[str, tuple[str, ...]] = {
    "newer versions of Docker have it, for old clients as well": (
        "ContainerInspect created .HostConfig.Runtime added",
        ".NetworkSettings.Networks.*.DNSNames added",
        ".NetworkSettings.Networks.*.GwPriority added",
        "ContainerStats .os_type added",
        ".EnableIPv4 added",
        "SystemInfo .CDISpecDirs added",
    ),
    "newer versions of Docker leave it out when it is zero, for old clients as well": (
        ".HostConfig.KernelMemory missing",
        ".HostConfig.KernelMemoryTCP missing",
        "ContainerWait .Error missing",
        "SystemInfo .KernelMemory missing",
        ".BuilderSize missing",
        "SystemVersion .BuildTime missing",
    ),
    "newer versions of Docker have the other empty value, for old clients as well": (
        "[].RepoDigests is list, not null",
        ".BuildCache is list, not null",
        ".Volumes[].Labels.* added",
        ".Volumes[].Labels.| missing",
        ".RegistryConfig.AllowNondistributableArtifactsCIDRs is null, not list",
        ".RegistryConfig.AllowNondistributableArtifactsHostnames is null, not list",
    ),
    "no path leads to a layer: they are mounted without a place, as in Docker's containerd store": (
        ".GraphDriver.Data is null, not dict",
    ),
    "an image does not remember the container or the image that it was made of, as in that store": (
        "ImageInspect committed .ContainerConfig.Cmd is null, not list",
        "ImageInspect committed .ContainerConfig.Env is null, not list",
        "ImageInspect committed .ContainerConfig.ExposedPorts missing",
        "ImageInspect committed .ContainerConfig.Labels is null, not dict",
        "ImageInspect committed .ContainerConfig.Volumes is null, not dict",
        "ImageHistory committed [].Tags is dict, not list",
    ),
    "our own": (".State.Ending added", "[].Ending added", ".Reach added"),
}
"""Reason → ends of differences."""


@pytest.fixture(scope="module")
def ours(registry: Registry) -> Iterator[dict[str, Shape]]:
    with fresh_engine(registry) as engine:
        answers = play(asker(engine.socket, VERSION))
    yield {name: shape_of(answer, (name,)) for name, answer in answers.items()}


def differences(docker: Shape, ours: Shape, path: str = "") -> Iterator[str]:
    """What a client of Docker would miss or find in another form."""
    if isinstance(docker, dict) and isinstance(ours, dict):
        theirs = {key.removesuffix("?"): shape for key, shape in docker.items()}
        own = {key.removesuffix("?"): shape for key, shape in ours.items()}
        for key in theirs.keys() - own.keys():
            yield f"{path}.{key} missing"
        for key in own.keys() - theirs.keys():
            yield f"{path}.{key} added"
        for key in theirs.keys() & own.keys():
            yield from differences(theirs[key], own[key], f"{path}.{key}")
    elif isinstance(docker, list) and isinstance(ours, list):
        if docker and ours:
            yield from differences(docker[0], ours[0], f"{path}[]")
    elif docker != ours:
        yield f"{path} is {_kind(ours)}, not {_kind(docker)}"


def _kind(shape: Shape) -> str:
    return shape if isinstance(shape, str) else type(shape).__name__


@pytest.mark.parametrize("name", sorted(DOCKER))
def test_answer_has_the_shape_of_dockers(ours: dict[str, Shape], name: str) -> None:
    allowed = tuple(end for group in ALLOWED.values() for end in group)
    found = {f"{name} {each}" for each in differences(DOCKER[name], ours[name])}
    assert [each for each in sorted(found) if not each.endswith(allowed)] == []


def test_what_is_allowed_happens(ours: dict[str, Shape]) -> None:
    found = [f"{name} {each}" for name in DOCKER for each in differences(DOCKER[name], ours[name])]
    for end in (end for group in ALLOWED.values() for end in group):
        assert any(each.endswith(end) for each in found), end
