"""An engine from pull to removal on nothing but cgroup v2: its limits are the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.ports import free_port
from tests.support.scenes import PATIENT, SERVER, await_page, logs, publish, run, wait

pytestmark = [pytest.mark.host, pytest.mark.guest, pytest.mark.usefixtures("clean")]

MEMORY = 64 << 20


def test_limits_are_seen_inside(engine: EngineProcess) -> None:
    files = " ".join(
        f"/sys/fs/cgroup/{name}"
        for name in ("memory.max", "memory.swap.max", "pids.max", "cpu.max", "cpuset.cpus")
    )
    id_ = run(
        engine,
        f"cat {files}",
        Memory=MEMORY,
        MemorySwap=2 * MEMORY,
        PidsLimit=50,
        NanoCpus=500_000_000,
        CpusetCpus="0",
    )
    assert wait(engine, id_) == 0
    assert logs(engine, id_).decode().split("\n") == [
        str(MEMORY), str(MEMORY), "50", "50000 100000", "0", ""
    ]  # fmt: skip


def test_a_container_has_a_cgroup_of_its_own(engine: EngineProcess) -> None:
    id_ = run(engine, "cat /proc/self/cgroup; ls -d /sys/fs/cgroup/cgroup.type")
    assert wait(engine, id_) == 0
    assert logs(engine, id_) == b"0::/\n/sys/fs/cgroup/cgroup.type\n"


def test_want_of_memory_is_told(engine: EngineProcess) -> None:
    id_ = run(engine, ["tail", "/dev/zero"], Memory=16 << 20, MemorySwap=16 << 20)
    assert wait(engine, id_) == 137
    assert engine.state(id_)["OOMKilled"] is True


def test_pause_freezes(engine: EngineProcess) -> None:
    id_ = run(engine, PATIENT)
    group = Path(f"/proc/{engine.state(id_)['Pid']}/cgroup").read_text().strip()
    events = Path("/sys/fs/cgroup", group.removeprefix("0::/"), "cgroup.events")
    assert engine.request("POST", f"/containers/{id_}/pause").status == 204
    assert "frozen 1" in events.read_text()
    assert engine.request("POST", f"/containers/{id_}/unpause").status == 204
    assert "frozen 0" in events.read_text()


def test_the_hosts_disk_is_closed(engine: EngineProcess) -> None:
    number = Path("/sys/block/vda/dev").read_text().strip().replace(":", " ")
    id_ = run(
        engine, f"mknod /disk b {number} && head -c 1 /disk 2>&1; head -c 1 /dev/zero | wc -c"
    )
    wait(engine, id_)
    assert logs(engine, id_) == b"head: /disk: Operation not permitted\n1\n"


def test_a_published_port_is_served(engine: EngineProcess) -> None:
    port = free_port()
    run(engine, SERVER, **publish(port))
    await_page(port)
