"""Fields of create bodies that few clients send: they act, or they are refused as by Docker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import create, run, start, try_create

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
    assert int(memory_file(engine.state(id_)["Pid"], "memory.kmem.tcp.limit_in_bytes")) == 16 << 20
    reply = engine.request("POST", f"/containers/{id_}/update", {"KernelMemoryTCP": 32 << 20})
    assert reply.status == 200, reply.body
    assert int(memory_file(engine.state(id_)["Pid"], "memory.kmem.tcp.limit_in_bytes")) == 32 << 20
    assert engine.inspect(id_)["HostConfig"]["KernelMemoryTCP"] == 32 << 20


def memory_file(pid: int, name: str) -> str:
    """A control file of the memory cgroup that a process is in."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    (path,) = (line.split(":", 2)[2] for line in lines if "memory" in line.split(":")[1].split(","))
    return Path(f"/sys/fs/cgroup/memory{path}/{name}").read_text()


@pytest.mark.cgroup_v1
@pytest.mark.parametrize("runs", [True, False], ids=["running", "stopped"])
def test_swappiness_and_the_memory_killer_are_updated(engine: EngineProcess, runs: bool) -> None:
    """Docker takes both and does nothing with them."""
    id_ = (run if runs else create)(engine, ["sleep", "600"], MemorySwappiness=40)
    body = {"MemorySwappiness": 0, "OomKillDisable": True, "Memory": 64 << 20, "MemorySwap": -1}
    reply = engine.request("POST", f"/containers/{id_}/update", body)
    assert (reply.status, reply.json["Warnings"]) == (200, None), reply.body
    if not runs:
        start(engine, id_)
    pid = engine.state(id_)["Pid"]
    assert memory_file(pid, "memory.swappiness") == "0\n"
    assert "oom_kill_disable 1" in memory_file(pid, "memory.oom_control")
    host = engine.inspect(id_)["HostConfig"]
    assert (host["MemorySwappiness"], host["OomKillDisable"]) == (0, True)
    engine.request("POST", f"/containers/{id_}/update", {"OomKillDisable": False})
    assert "oom_kill_disable 0" in memory_file(pid, "memory.oom_control")
    engine.request("POST", f"/containers/{id_}/update", {"CpuShares": 512})
    host = engine.inspect(id_)["HostConfig"]
    assert (host["MemorySwappiness"], host["OomKillDisable"]) == (0, False)


@pytest.mark.cgroup_v1
@pytest.mark.no_bfq
def test_what_this_kernel_cannot_limit_is_told_at_the_creation(engine: EngineProcess) -> None:
    """It is left out of the record, and the container starts."""
    weight = [{"Path": "/dev/there-is-none", "Weight": 100}]
    reply = try_create(engine, ["true"], BlkioWeightDevice=weight)
    assert reply.json["Warnings"] == [
        "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. "
        "Weight-device discarded."
    ]
    assert not engine.inspect(reply.json["Id"])["HostConfig"]["BlkioWeightDevice"]
    start(engine, reply.json["Id"])
