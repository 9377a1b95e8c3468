"""Decisions about cgroups: layout, writes, device programs, warnings."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import InvalidArgument, Unavailable
from budu.linux import bpf
from budu.runtime.cgroups.choose import choose_cgroups
from budu.runtime.cgroups.contract import BlockUsage, Features, Write
from budu.runtime.cgroups.device_program import compile_devices
from budu.runtime.cgroups.fit import fit_resources, require_cpu_quota
from budu.runtime.cgroups.layout import Layout, parse_layout
from budu.runtime.cgroups.usage import parse_blkio
from budu.runtime.cgroups.v1 import CgroupsV1
from budu.runtime.cgroups.v2 import CgroupsV2
from budu.runtime.cgroups.writes_v1 import device_writes, v1_writes
from budu.runtime.cgroups.writes_v2 import cpu_weight, io_weight, v2_writes
from budu.spec.oci_runtime import (
    CPU,
    BlockIO,
    DeviceRule,
    HugepageLimit,
    Memory,
    Pids,
    Resources,
    ThrottleDevice,
    WeightDevice,
)

HYBRID_MOUNTS = """\
30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
33 30 0:29 / /sys/fs/cgroup/my\\040memory rw - cgroup cgroup rw,memory
34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
35 30 0:29 / /elsewhere/memory rw - cgroup cgroup rw,memory
"""
HYBRID_OWN = "3:memory:/a/b\n2:cpu,cpuacct:/\n1:name=systemd:/user.slice\n0::/user.slice/x\n"
V2_MOUNTS = "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


def test_hybrid_layout_is_read() -> None:
    layout = parse_layout(HYBRID_MOUNTS, HYBRID_OWN)
    mounts = {name: (place.mount, place.own_path) for name, place in layout.v1.items()}
    assert mounts == {
        "cpu": ("/sys/fs/cgroup/cpu,cpuacct", "/"),
        "cpuacct": ("/sys/fs/cgroup/cpu,cpuacct", "/"),
        "memory": ("/sys/fs/cgroup/my memory", "/a/b"),
        "name=systemd": ("/sys/fs/cgroup/systemd", "/user.slice"),
    }
    assert layout.v2 is not None
    assert (layout.v2.mount, layout.v2.own_path) == ("/sys/fs/cgroup/unified", "/user.slice/x")
    assert layout.version == 1


def test_v2_layout_is_read() -> None:
    layout = parse_layout(V2_MOUNTS, "0::/init.scope\n")
    assert (layout.version, layout.v1) == (2, {})


def test_systemds_own_hierarchy_does_not_make_it_v1() -> None:
    mounts = V2_MOUNTS + HYBRID_MOUNTS.splitlines()[2] + "\n"
    assert parse_layout(mounts, "1:name=systemd:/\n0::/\n").version == 2


def test_implementation_follows_the_layout() -> None:
    assert isinstance(choose_cgroups(parse_layout(HYBRID_MOUNTS, HYBRID_OWN)), CgroupsV1)
    assert isinstance(choose_cgroups(parse_layout(V2_MOUNTS, "0::/\n")), CgroupsV2)
    with pytest.raises(Unavailable):
        choose_cgroups(Layout())


def _lines(writes: list[Write]) -> list[str]:
    return [f"{write.files[0]}={write.value}" for write in writes]


def test_v1_limits_become_writes() -> None:
    resources = Resources(
        memory=Memory(limit=100, swap=200, reservation=50, swappiness=0, disable_oom_killer=True),
        cpu=CPU(shares=512, quota=50000, period=100000, cpus="0", mems="0"),
        pids=Pids(limit=7),
        block_io=BlockIO(
            weight=300,
            weight_device=(WeightDevice(major=8, minor=0, weight=200),),
            throttle_read_bps_device=(ThrottleDevice(major=8, minor=0, rate=1024),),
            throttle_write_iops_device=(ThrottleDevice(major=8, minor=16, rate=10),),
        ),
        hugepage_limits=(HugepageLimit(page_size="2MB", limit=4096),),
    )
    assert _lines(v1_writes(resources)) == [
        "memory.limit_in_bytes=100",
        "memory.memsw.limit_in_bytes=200",
        "memory.soft_limit_in_bytes=50",
        "memory.swappiness=0",
        "memory.oom_control=1",
        "cpu.shares=512",
        "cpu.cfs_period_us=100000",
        "cpu.cfs_quota_us=50000",
        "cpuset.cpus=0",
        "cpuset.mems=0",
        "pids.max=7",
        "blkio.weight=300",
        "blkio.weight_device=8:0 200",
        "blkio.throttle.read_bps_device=8:0 1024",
        "blkio.throttle.write_iops_device=8:16 10",
        "hugetlb.2MB.limit_in_bytes=4096",
    ]


@pytest.mark.parametrize(
    ("current", "limit", "swap", "first"),
    [
        (None, 100, 200, "memory.limit_in_bytes"),
        (50, 100, 200, "memory.memsw.limit_in_bytes"),
        (50, 100, -1, "memory.memsw.limit_in_bytes"),
        (500, 100, 200, "memory.limit_in_bytes"),
    ],
)
def test_v1_memory_never_exceeds_memory_with_swap_on_the_way(
    current: int | None, limit: int, swap: int, first: str
) -> None:
    resources = Resources(memory=Memory(limit=limit, swap=swap))
    assert v1_writes(resources, memory_limit=current)[0].files[0] == first


def test_unlimited_memory_lifts_the_swap_limit_too() -> None:
    unlimited = Resources(memory=Memory(limit=-1))
    assert _lines(v1_writes(unlimited, memory_limit=5)) == [
        "memory.memsw.limit_in_bytes=-1",
        "memory.limit_in_bytes=-1",
    ]
    assert _lines(v2_writes(unlimited)) == ["memory.swap.max=max", "memory.max=max"]


@pytest.mark.parametrize("limit", [0, -1])
def test_no_pids_limit_is_max(limit: int) -> None:
    resources = Resources(pids=Pids(limit=limit))
    assert v1_writes(resources) == v2_writes(resources) == [Write("pids", ("pids.max",), "max")]


def test_empty_resources_write_nothing() -> None:
    assert v1_writes(Resources()) == v2_writes(Resources()) == []


def test_bfq_stands_in_for_the_weight() -> None:
    (write,) = v1_writes(Resources(block_io=BlockIO(weight=100)))
    assert write.files == ("blkio.weight", "blkio.bfq.weight")


def test_v2_limits_become_writes() -> None:
    resources = Resources(
        memory=Memory(limit=100, swap=250, reservation=50, swappiness=9),
        cpu=CPU(shares=1024, quota=50000, period=100000, cpus="0-1"),
        pids=Pids(limit=7),
        block_io=BlockIO(
            weight=500,
            throttle_read_bps_device=(ThrottleDevice(major=8, minor=0, rate=1024),),
            throttle_write_iops_device=(ThrottleDevice(major=8, minor=0, rate=0),),
        ),
        hugepage_limits=(HugepageLimit(page_size="2MB", limit=4096),),
        unified={"memory.high": "90"},
    )
    assert _lines(v2_writes(resources)) == [
        "memory.swap.max=150",
        "memory.max=100",
        "memory.low=50",
        "cpu.weight=39",
        "cpu.max=50000 100000",
        "cpuset.cpus=0-1",
        "pids.max=7",
        "io.weight=default 4950",
        "io.max=8:0 rbps=1024",
        "io.max=8:0 wiops=max",
        "hugetlb.2MB.max=4096",
        "memory.high=90",
    ]


@pytest.mark.parametrize(
    ("cpu", "value"),
    [
        (CPU(quota=20000), "20000 100000"),
        (CPU(period=50000), "max 50000"),
        (CPU(quota=-1, period=50000), "max 50000"),
    ],
)
def test_v2_quota_and_period_are_one_value(cpu: CPU, value: str) -> None:
    assert v2_writes(Resources(cpu=cpu)) == [Write("cpu", ("cpu.max",), value)]


def test_weights_cover_the_whole_range() -> None:
    assert [cpu_weight(shares) for shares in (0, 1, 2, 1024, 262_144, 999_999)] == [
        0, 1, 1, 39, 10_000, 10_000,
    ]  # fmt: skip
    assert [io_weight(weight) for weight in (10, 500, 1000)] == [1, 4950, 10_000]


DENY_ALL = DeviceRule(allow=False, access="rwm")
NULL = DeviceRule(allow=True, type="c", major=1, minor=3, access="rwm")
ALL_MKNOD = DeviceRule(allow=True, type="c", access="m")


def test_device_rules_become_v1_lines() -> None:
    rules = (
        DENY_ALL,
        NULL,
        ALL_MKNOD,
        DeviceRule(allow=True, type="b", major=8),
        DeviceRule(allow=False, type="c", major=-1, minor=5, access="r"),
        DeviceRule(allow=True, type="a"),
    )
    assert _lines(device_writes(rules)) == [
        "devices.deny=a",
        "devices.allow=c 1:3 rwm",
        "devices.allow=c *:* m",
        "devices.allow=b 8:* rwm",
        "devices.deny=c *:5 r",
        "devices.allow=a",
    ]


ACCESS = {"m": 1, "r": 2, "w": 4}
TYPES = {"b": 1, "c": 2}


def _run(program: bytes, kind: str, major: int, minor: int, access: str) -> bool:
    """An interpreter for the instructions that device programs are made of."""
    context = struct.pack("<III", TYPES[kind] | sum(ACCESS[a] for a in access) << 16, major, minor)
    registers = [0] * 11
    code = bpf.unpack_program(program)
    position = 0
    while True:
        operation, dst, src, offset, value = code[position]
        position += 1
        match operation:
            case bpf.BPF_LDX_MEM_W:
                (registers[dst],) = struct.unpack_from("<I", context, offset)
            case bpf.BPF_MOV64_K:
                registers[dst] = value
            case bpf.BPF_MOV32_X:
                registers[dst] = registers[src]
            case bpf.BPF_AND32_K:
                registers[dst] &= value
            case bpf.BPF_RSH32_K:
                registers[dst] >>= value
            case bpf.BPF_JEQ_K:
                position += offset if registers[dst] == value else 0
            case bpf.BPF_JNE_K:
                position += offset if registers[dst] != value else 0
            case bpf.BPF_JNE_X:
                position += offset if registers[dst] != registers[src] else 0
            case bpf.BPF_EXIT:
                return bool(registers[0])
            case _:
                raise AssertionError(f"unexpected operation {operation:#x}")


def _allowed(rules: list[DeviceRule], kind: str, major: int, minor: int, access: str) -> bool:
    """The last rule that matches decides; no match denies."""
    for rule in reversed(rules):
        covered = set(rule.access or "rwm")
        if rule.type not in ("", "a", kind) or rule.major not in (None, -1, major):
            continue
        if rule.minor not in (None, -1, minor):
            continue
        if set(access) <= covered if rule.allow else set(access) & covered:
            return rule.allow
    return False


ACCESSES = st.sampled_from(["r", "w", "m", "rw", "rm", "wm", "rwm"])
NUMBERS = st.sampled_from([1, 3, 8])
RULES = st.builds(
    DeviceRule,
    allow=st.booleans(),
    type=st.sampled_from(["", "a", "b", "c"]),
    major=st.one_of(st.none(), st.just(-1), NUMBERS),
    minor=st.one_of(st.none(), st.just(-1), NUMBERS),
    access=st.one_of(st.just(""), ACCESSES),
)


@given(st.lists(RULES, max_size=6), st.sampled_from(["b", "c"]), NUMBERS, NUMBERS, ACCESSES)
def test_device_program_means_what_the_rules_say(
    rules: list[DeviceRule], kind: str, major: int, minor: int, access: str
) -> None:
    program = compile_devices(tuple(rules))
    assert _run(program, kind, major, minor, access) == _allowed(rules, kind, major, minor, access)


def test_device_program_of_a_default_container() -> None:
    program = compile_devices((DENY_ALL, ALL_MKNOD, NULL))
    assert _run(program, "c", 1, 3, "rw")
    assert _run(program, "c", 9, 9, "m")
    assert not _run(program, "c", 9, 9, "r")
    assert not _run(program, "b", 8, 0, "rw")


def test_privileged_program_allows_at_once() -> None:
    program = compile_devices((DENY_ALL, DeviceRule(allow=True, access="rwm")))
    assert len(bpf.unpack_program(program)) == 8
    assert _run(program, "b", 8, 0, "rwm")


EVERYTHING = Features(
    memory=True,
    swap=True,
    reservation=True,
    swappiness=True,
    oom_disable=True,
    cpu_shares=True,
    cpu_cfs=True,
    cpuset=True,
    pids=True,
    blkio_weight=True,
    blkio_weight_device=True,
    blkio_throttle=True,
    hugetlb=True,
)
FULL = Resources(
    memory=Memory(limit=100, swap=200, reservation=50, swappiness=1, disable_oom_killer=True),
    cpu=CPU(shares=512, quota=50000, cpus="0"),
    pids=Pids(limit=7),
    block_io=BlockIO(
        weight=300,
        weight_device=(WeightDevice(major=8, minor=0, weight=200),),
        throttle_read_bps_device=(ThrottleDevice(major=8, minor=0, rate=1),),
        throttle_write_bps_device=(ThrottleDevice(major=8, minor=0, rate=1),),
        throttle_read_iops_device=(ThrottleDevice(major=8, minor=0, rate=1),),
        throttle_write_iops_device=(ThrottleDevice(major=8, minor=0, rate=1),),
    ),
    devices=(DENY_ALL,),
)


def test_able_host_takes_everything_without_warnings() -> None:
    assert fit_resources(FULL, EVERYTHING) == (FULL, [])


def test_unable_host_warns_in_dockers_words_and_drops_all() -> None:
    fitted, warnings = fit_resources(FULL, Features())
    assert v1_writes(fitted) == []
    assert fitted.devices == FULL.devices
    assert warnings == [
        "Your kernel does not support memory limit capabilities or the cgroup is not mounted. "
        "Limitation discarded.",
        "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. "
        "Memory swappiness discarded.",
        "Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. "
        "Limitation discarded.",
        "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
        "Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.",
        "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.",
        "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.",
        "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. "
        "PIDs limit discarded.",
        "Your kernel does not support Block I/O weight or the cgroup is not mounted. "
        "Weight discarded.",
        "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. "
        "Weight-device discarded.",
        "Your kernel does not support BPS Block I/O read limit or the cgroup is not mounted. "
        "Block I/O BPS read limit discarded.",
        "Your kernel does not support BPS Block I/O write limit or the cgroup is not mounted. "
        "Block I/O BPS write limit discarded.",
        "Your kernel does not support IOPS Block read limit or the cgroup is not mounted. "
        "Block I/O IOPS read limit discarded.",
        "Your kernel does not support IOPS Block write limit or the cgroup is not mounted. "
        "Block I/O IOPS write limit discarded.",
    ]


def test_memory_is_limited_without_swap_where_swap_cannot_be() -> None:
    features = Features(memory=True)
    fitted, warnings = fit_resources(Resources(memory=Memory(limit=100, swap=200)), features)
    assert fitted.memory == Memory(limit=100)
    assert warnings == [
        "Your kernel does not support swap limit capabilities or the cgroup is not mounted. "
        "Memory limited without swap."
    ]


def test_oom_killer_off_without_limit_warns() -> None:
    resources = Resources(memory=Memory(disable_oom_killer=True))
    fitted, warnings = fit_resources(resources, EVERYTHING)
    assert fitted == resources
    assert warnings == [
        "OOM killer is disabled for the container, but no memory limit is set, this can result in "
        "the system running out of resources."
    ]


def test_cpus_need_the_quota() -> None:
    require_cpu_quota(EVERYTHING)
    with pytest.raises(InvalidArgument, match="NanoCPUs can not be set"):
        require_cpu_quota(Features())


def test_block_counters_are_read() -> None:
    text = "8:0 Read 4096\n8:0 Write 0\n8:0 Total 4096\nTotal 4096\n"
    assert parse_blkio(text) == (
        BlockUsage(major=8, minor=0, operation="read", value=4096),
        BlockUsage(major=8, minor=0, operation="write", value=0),
        BlockUsage(major=8, minor=0, operation="total", value=4096),
    )
