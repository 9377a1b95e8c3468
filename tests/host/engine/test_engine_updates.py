"""`update`: what the kernel holds afterwards is what was asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import create, run, start
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

MIB = 1 << 20
LIMITS: dict[str, Any] = {
    "Memory": 64 * MIB,
    "MemorySwap": 96 * MIB,
    "MemoryReservation": 32 * MIB,
    "CpuShares": 512,
    "CpuPeriod": 50_000,
    "CpuQuota": 20_000,
    "CpusetCpus": "0",
    "CpusetMems": "0",
    "PidsLimit": 33,
}
V1_FILES = (
    ("memory", "memory.limit_in_bytes", str(64 * MIB)),
    ("memory", "memory.memsw.limit_in_bytes", str(96 * MIB)),
    ("memory", "memory.soft_limit_in_bytes", str(32 * MIB)),
    ("cpu", "cpu.shares", "512"),
    ("cpu", "cpu.cfs_period_us", "50000"),
    ("cpu", "cpu.cfs_quota_us", "20000"),
    ("cpuset", "cpuset.cpus", "0"),
    ("cpuset", "cpuset.mems", "0"),
    ("pids", "pids.max", "33"),
)


def update(engine: EngineProcess, ref: str, **body: object) -> None:
    reply = engine.request("POST", f"/containers/{ref}/update", body)
    assert (reply.status, reply.json["Warnings"]) == (200, None), reply.body


def control(engine: EngineProcess, ref: str, controller: str, name: str) -> str:
    """A v1 control file of the container, whose path is told by its process."""
    lines = Path(f"/proc/{engine.state(ref)['Pid']}/cgroup").read_text().splitlines()
    paths = {
        each: path
        for _, controllers, path in (line.split(":", 2) for line in lines)
        for each in controllers.split(",")
    }
    return Path(f"/sys/fs/cgroup/{controller}{paths[controller]}/{name}").read_text().strip()


@pytest.mark.cgroup_v1
@pytest.mark.parametrize("runs", [True, False], ids=["running", "stopped"])
def test_every_limit_reaches_the_kernel(engine: EngineProcess, runs: bool) -> None:
    id_ = (run if runs else create)(engine, ["sleep", "600"])
    update(engine, id_, **LIMITS)
    if not runs:
        start(engine, id_)
    held = [(each, name, control(engine, id_, each, name)) for each, name, _ in V1_FILES]
    assert held == list(V1_FILES)
    host = engine.inspect(id_)["HostConfig"]
    assert {name: host[name] for name in LIMITS} == LIMITS


@pytest.mark.cgroup_v1
def test_limits_go_up_and_down_and_away(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "600"], Memory=64 * MIB, MemorySwap=64 * MIB, PidsLimit=33)
    for limit in (256 * MIB, 32 * MIB):
        update(engine, id_, Memory=limit, MemorySwap=limit)
        assert control(engine, id_, "memory", "memory.limit_in_bytes") == str(limit)
        assert control(engine, id_, "memory", "memory.memsw.limit_in_bytes") == str(limit)
    update(engine, id_, PidsLimit=-1)
    assert control(engine, id_, "pids", "pids.max") == "max"
    update(engine, id_, NanoCpus=500_000_000)
    assert control(engine, id_, "cpu", "cpu.cfs_quota_us") == "50000"


@pytest.mark.cgroup_v1
def test_what_the_kernel_refuses_changes_nothing(engine: EngineProcess) -> None:
    """A limit below what is in use cannot be set; the ones that came with it are not kept."""
    fill = "head -c 40m /dev/zero > /dev/shm/full; touch /full; sleep 600"
    id_ = run(engine, fill, Memory=64 * MIB, MemorySwap=64 * MIB, ShmSize=48 * MIB)
    root = Path(f"/proc/{engine.state(id_)['Pid']}/root")
    eventually(lambda: (root / "full").exists(), "memory in use")
    body = {"Memory": 8 * MIB, "MemorySwap": 8 * MIB, "CpuShares": 512}
    reply = engine.request("POST", f"/containers/{id_}/update", body)
    assert reply.status == 500
    assert reply.message.startswith(f"Cannot update container {id_}: ")
    assert control(engine, id_, "memory", "memory.limit_in_bytes") == str(64 * MIB)
    assert control(engine, id_, "cpu", "cpu.shares") == "1024"
    host = engine.inspect(id_)["HostConfig"]
    assert (host["Memory"], host["CpuShares"]) == (64 * MIB, 0)


def test_a_policy_is_changed_for_the_next_end(engine: EngineProcess) -> None:
    id_ = run(engine, "test -e /go || { touch /go; sleep 600; }; exec sleep 600")
    update(engine, id_, RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 2})
    policy = engine.inspect(id_)["HostConfig"]["RestartPolicy"]
    assert policy == {"Name": "on-failure", "MaximumRetryCount": 2}
    first = engine.state(id_)["Pid"]
    os.kill(first, 9)
    eventually(lambda: engine.state(id_)["Pid"] not in (0, first), "the next life")
    assert engine.inspect(id_)["RestartCount"] == 1
