"""Fields of create bodies that few clients send: they act, or they are refused as by Docker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import create, run, try_create

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        (
            {"Isolation": "hyperv"},
            "invalid isolation (hyperv): linux only supports 'default'",
        ),
        ({"Runtime": "kata"}, "unknown or invalid runtime name: kata"),
        (
            {"StorageOpt": {"size": "1G"}},
            "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
        ),
        (
            {"Annotations": {"": "x"}},
            "invalid Annotation: the empty string is not permitted as an annotation key",
        ),
    ],
)
def test_what_no_container_here_can_have_is_refused(
    engine: EngineProcess, host: dict[str, Any], sentence: str
) -> None:
    reply = try_create(engine, ["true"], **host)
    assert (reply.status, reply.message) == (400, sentence)


@pytest.mark.parametrize("runtime", ["", "runc", "io.containerd.runc.v2"])
@pytest.mark.parametrize("isolation", ["", "Default"])
def test_dockers_own_names_are_taken(engine: EngineProcess, runtime: str, isolation: str) -> None:
    id_ = create(engine, ["true"], Runtime=runtime, Isolation=isolation, Annotations={"a.b": "c"})
    assert engine.inspect(id_)["HostConfig"]["Annotations"] == {"a.b": "c"}


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (
            {"Count": -1, "Capabilities": [["gpu", "compute"], ["tpu"]]},
            'could not select device driver "" with capabilities: [[gpu compute] [tpu]]',
        ),
        (
            {"Driver": "cdi", "DeviceIDs": ["vendor.com/gpu=all"]},
            "CDI device injection failed: unresolvable CDI devices vendor.com/gpu=all",
        ),
    ],
)
def test_devices_by_driver_are_refused_at_the_start(
    engine: EngineProcess, request_: dict[str, Any], sentence: str
) -> None:
    id_ = create(engine, ["true"], DeviceRequests=[request_])
    reply = engine.request("POST", f"/containers/{id_}/start")
    assert (reply.status, reply.message) == (400, sentence)
    assert "--device" in reply.json["hint"]


@pytest.mark.cgroup_v1
def test_memory_of_tcp_buffers_is_limited_and_updated(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"], KernelMemoryTCP=16 << 20)
    assert tcp_limit(engine.state(id_)["Pid"]) == 16 << 20
    reply = engine.request("POST", f"/containers/{id_}/update", {"KernelMemoryTCP": 32 << 20})
    assert reply.status == 200, reply.body
    assert tcp_limit(engine.state(id_)["Pid"]) == 32 << 20
    assert engine.inspect(id_)["HostConfig"]["KernelMemoryTCP"] == 32 << 20


def tcp_limit(pid: int) -> int:
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    (path,) = (line.split(":", 2)[2] for line in lines if "memory" in line.split(":")[1].split(","))
    file = Path(f"/sys/fs/cgroup/memory{path}/memory.kmem.tcp.limit_in_bytes")
    return int(file.read_text())
