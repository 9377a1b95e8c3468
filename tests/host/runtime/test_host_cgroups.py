"""Cgroups on the real hierarchies: v1 or hybrid, and v2 where it is mounted."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from budu.base.errors import InvalidArgument
from budu.linux.process import clone3
from budu.runtime.cgroups import actions
from budu.runtime.cgroups.choose import choose_cgroups
from budu.runtime.cgroups.contract import Cgroup, Cgroups
from budu.runtime.cgroups.layout import read_layout
from budu.runtime.cgroups.v2 import CgroupsV2
from budu.spec.oci_runtime import CPU, DeviceRule, Memory, Pids, Resources

pytestmark = pytest.mark.host

LAYOUT = read_layout()
DEVICES = (
    DeviceRule(allow=False, access="rwm"),
    DeviceRule(allow=True, type="c", major=1, minor=3, access="rwm"),
    DeviceRule(allow=True, type="c", major=1, minor=5, access="r"),
)
Spawn = Callable[[Cgroup, Callable[[], int]], int]


HYBRID = (pytest.mark.cgroup_v1, pytest.mark.cgroup_v2)
only_chosen = pytest.mark.parametrize("cgroups", ["chosen"], indirect=True)
"""Of tests that need controllers: in a hybrid layout v2 by itself has none."""


@pytest.fixture(params=["chosen", pytest.param("v2", marks=HYBRID)])
def cgroups(request: pytest.FixtureRequest) -> Cgroups:
    """What the engine would use, and in a hybrid layout v2 by itself, without controllers."""
    if request.param == "chosen":
        return choose_cgroups(LAYOUT)
    assert LAYOUT.v2 is not None
    return CgroupsV2(LAYOUT.v2.mount)


@pytest.fixture
def parent(cgroups: Cgroups) -> Iterator[str]:
    """A parent path that is gone afterwards."""
    path = f"/budu-test-{os.getpid()}-{cgroups.version}"
    yield path
    assert cgroups.open(path).try_remove()


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Runs a function in a new process inside a cgroup; its result is the exit status."""
    pids: list[int] = []

    def start(cgroup: Cgroup, function: Callable[[], int]) -> int:
        placement = cgroup.placement
        born_in = os.open(placement.unified, os.O_RDONLY) if placement.unified else -1
        pid, pidfd = clone3(0, cgroup=born_in)
        if not pid:
            try:
                for tasks in placement.tasks:
                    Path(tasks).write_text("0")
                os._exit(function())
            finally:
                os._exit(99)
        os.close(pidfd)
        if born_in >= 0:
            os.close(born_in)
        pids.append(pid)
        return pid

    yield start
    for pid in pids:
        try:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            continue


def _exit_code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _wait_for_byte(read_end: int) -> Callable[[], int]:
    """A function for a child that lives until the pipe is closed."""

    def live() -> int:
        return len(os.read(read_end, 1))

    return live


@pytest.fixture
def alive() -> Iterator[Callable[[], int]]:
    """Something for a child to do until the test is over."""
    read_end, write_end = os.pipe()
    yield _wait_for_byte(read_end)
    os.close(read_end)
    os.close(write_end)


def _joined(cgroup: Cgroup, pid: int) -> bool:
    text = Path(f"/proc/{pid}/cgroup").read_text()
    return text.count(f":{cgroup.path}\n") >= max(len(cgroup.placement.tasks), 1)


async def _until_joined(cgroup: Cgroup, pid: int) -> None:
    async with asyncio.timeout(10):
        while not _joined(cgroup, pid):
            await asyncio.sleep(0.001)


async def test_child_is_in_every_hierarchy(
    cgroups: Cgroups, parent: str, spawn: Spawn, alive: Callable[[], int]
) -> None:
    cgroup = cgroups.create(f"{parent}/one", Resources())
    pid = spawn(cgroup, alive)
    await _until_joined(cgroup, pid)
    assert cgroup.pids() == [pid]
    assert cgroups.open(f"{parent}/one").pids() == [pid]
    await _end(cgroup, pid)


async def _end(cgroup: Cgroup, pid: int) -> None:
    reaper = asyncio.create_task(asyncio.to_thread(os.waitpid, pid, 0))
    await actions.kill_all(cgroup)
    _, status = await reaper
    assert os.waitstatus_to_exitcode(status) == -9
    assert await actions.remove(cgroup)


async def test_freeze_stops_and_thaw_lets_run(
    cgroups: Cgroups, parent: str, spawn: Spawn, alive: Callable[[], int]
) -> None:
    cgroup = cgroups.create(f"{parent}/one", Resources())
    pid = spawn(cgroup, alive)
    await _until_joined(cgroup, pid)
    await actions.freeze(cgroup)
    states = [cgroup.is_frozen]
    cgroup.thaw()
    states.append(cgroup.is_frozen)
    assert states == [True, False]
    await _end(cgroup, pid)


async def test_frozen_processes_can_be_killed(
    cgroups: Cgroups, parent: str, spawn: Spawn, alive: Callable[[], int]
) -> None:
    cgroup = cgroups.create(f"{parent}/one", Resources())
    pid = spawn(cgroup, alive)
    await _until_joined(cgroup, pid)
    await actions.freeze(cgroup)
    await _end(cgroup, pid)


def _opens(path: str, flags: int) -> bool:
    try:
        os.close(os.open(path, flags))
    except PermissionError:
        return False
    return True


def test_device_rules_hold(cgroups: Cgroups, parent: str, spawn: Spawn) -> None:
    cgroup = cgroups.create(f"{parent}/one", Resources(devices=DEVICES))

    def probe() -> int:
        return (
            _opens("/dev/null", os.O_RDWR) * 1
            + _opens("/dev/zero", os.O_RDONLY) * 2
            + _opens("/dev/zero", os.O_RDWR) * 4
            + _opens("/dev/urandom", os.O_RDONLY) * 8
        )

    assert _exit_code(spawn(cgroup, probe)) == 3
    assert cgroup.try_remove()


def test_remove_refuses_while_a_process_is_inside(
    cgroups: Cgroups, parent: str, spawn: Spawn, alive: Callable[[], int]
) -> None:
    cgroup = cgroups.create(f"{parent}/one", Resources())
    pid = spawn(cgroup, alive)
    while not _joined(cgroup, pid):
        os.sched_yield()
    assert cgroup.try_remove() is False
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    while not cgroup.try_remove():
        os.sched_yield()
    assert cgroup.try_remove() is True


def test_groups_that_the_container_made_are_removed_too(cgroups: Cgroups, parent: str) -> None:
    cgroup = cgroups.create(f"{parent}/one", Resources())
    below = cgroups.create(f"{parent}/one/inner/most", Resources())
    assert cgroup.try_remove()
    assert below.pids() == []


@only_chosen
@pytest.mark.cgroup_v1
async def test_who_has_joined_half_of_it_is_killed(
    cgroups: Cgroups, parent: str, spawn: Spawn, alive: Callable[[], int]
) -> None:
    """Clearing up takes the empty directories first, while somebody is on the way in."""
    cgroup = cgroups.create(f"{parent}/one", Resources())
    pid = spawn(cgroup, alive)
    await _until_joined(cgroup, pid)
    Path(f"/sys/fs/cgroup/freezer{parent}/tasks").write_text(str(pid))
    assert not cgroup.try_remove()
    assert not Path(f"/sys/fs/cgroup/freezer{cgroup.path}").exists()
    assert await actions.clear(cgroup)
    assert _exit_code(pid) == -9


def test_nothing_is_left_after_a_refused_limit(cgroups: Cgroups, parent: str) -> None:
    with pytest.raises(InvalidArgument, match=r"cpuset\.cpus"):
        cgroups.create(f"{parent}/one", Resources(cpu=CPU(cpus="4000")))
    assert not list(Path("/sys/fs/cgroup").glob(f"**{parent}/one"))


def test_gone_cgroup_uses_nothing(cgroups: Cgroups, parent: str) -> None:
    cgroup = cgroups.open(f"{parent}/never")
    assert cgroup.pids() == []
    assert cgroup.usage().memory.usage == 0
    assert cgroup.oom_kills() == 0
    assert cgroup.try_remove()


@only_chosen
def test_limits_are_set_and_changed(cgroups: Cgroups, parent: str) -> None:
    resources = Resources(
        memory=Memory(limit=64 << 20, swap=128 << 20),
        cpu=CPU(shares=512, quota=50_000, period=100_000, cpus="0"),
        pids=Pids(limit=50),
    )
    cgroup = cgroups.create(f"{parent}/one", resources)
    usage = cgroup.usage()
    assert (usage.memory.limit, usage.pids_limit) == (64 << 20, 50)
    for limit in (256 << 20, 32 << 20):
        cgroup.update(Resources(memory=Memory(limit=limit, swap=limit * 2)))
        assert cgroup.usage().memory.limit == limit
    assert cgroup.usage().pids_limit == 50
    assert cgroup.try_remove()


@only_chosen
def test_usage_is_counted(cgroups: Cgroups, parent: str, spawn: Spawn) -> None:
    cgroup = cgroups.create(f"{parent}/one", Resources())

    def work() -> int:
        return len(b"x" * (8 << 20)) & 1

    assert _exit_code(spawn(cgroup, work)) == 0
    usage = cgroup.usage()
    assert usage.cpu.total_ns > 0
    assert (usage.memory.max_usage or 0) > 8 << 20
    assert "cache" in usage.memory.detail or "file" in usage.memory.detail
    assert cgroup.try_remove()


@only_chosen
def test_pids_limit_holds(cgroups: Cgroups, parent: str, spawn: Spawn) -> None:
    cgroup = cgroups.create(f"{parent}/one", Resources(pids=Pids(limit=1)))

    def try_fork() -> int:
        try:
            pid = os.fork()
        except BlockingIOError:
            return 11
        if not pid:
            os._exit(0)
        return 0

    assert _exit_code(spawn(cgroup, try_fork)) == 11
    assert cgroup.try_remove()


@only_chosen
def test_oom_kill_is_counted(cgroups: Cgroups, parent: str, spawn: Spawn) -> None:
    memory = Memory(limit=16 << 20, swap=16 << 20)
    cgroup = cgroups.create(f"{parent}/one", Resources(memory=memory))

    def eat() -> int:
        return len(b"x" * (64 << 20)) & 1

    assert cgroup.oom_kills() == 0
    assert _exit_code(spawn(cgroup, eat)) == -9
    assert cgroup.oom_kills() == 1
    assert cgroup.try_remove()
