"""Limits: which are refused, and what they become for the runtime."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.engine.containers.devices import DeviceNode
from budu.engine.containers.resources import (
    DEFAULT_DEVICE_RULES,
    build_resources,
    check_resources,
    check_sets,
    device_rules,
    parse_rule,
)
from budu.spec import oci_runtime as oci
from budu.spec.api.host_config import (
    DeviceMapping,
    Resources,
    ThrottleDevice,
    WeightDevice,
)

MIB = 1 << 20


NODES = {
    "/dev/sda": DeviceNode(kind="b", major=8, minor=0, mode=0o660, uid=0, gid=6),
    "/dev/fuse": DeviceNode(kind="c", major=10, minor=229, mode=0o666, uid=0, gid=0),
}
find = NODES.__getitem__


def built(**limits: object) -> oci.Resources:
    resources = Resources(**limits)  # type: ignore[arg-type]
    return build_resources(resources, privileged=False, find_device=find)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"memory": 6 * MIB - 1}, "Minimum memory limit allowed is 6MB"),
        ({"memory": -1}, "Minimum memory limit allowed is 6MB"),
        (
            {"memory": 64 * MIB, "memory_swap": 32 * MIB},
            "Minimum memoryswap limit should be larger than memory limit, see usage",
        ),
        (
            {"memory_swap": 64 * MIB},
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        ),
        ({"memory_reservation": MIB}, "Minimum memory reservation allowed is 6MB"),
        (
            {"memory": 8 * MIB, "memory_reservation": 9 * MIB},
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        ),
        (
            {"memory_swappiness": 101},
            "Invalid value: 101, valid memory swappiness range is 0-100",
        ),
        (
            {"nano_cpus": 10**9, "cpu_period": 50_000},
            "Conflicting options: Nano CPUs and CPU Period cannot both be set",
        ),
        (
            {"nano_cpus": 10**9, "cpu_quota": 50_000},
            "Conflicting options: Nano CPUs and CPU Quota cannot both be set",
        ),
        (
            {"nano_cpus": 4 * 10**9 + 1},
            "range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available",
        ),
        (
            {"cpu_period": 999},
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ),
        ({"cpu_quota": 999}, "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
        ({"blkio_weight": 9}, "Range of blkio weight is from 10 to 1000"),
    ],
)
def test_impossible_limit_is_refused_in_dockers_words(limits: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_resources(Resources(**limits), cpus=4)  # type: ignore[arg-type]
    assert caught.value.message == message


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"memory": 6 * MIB},
        {"memory": 6 * MIB, "memory_swap": -1},
        {"memory": 6 * MIB, "memory_swap": 6 * MIB},
        {"memory_swappiness": -1},
        {"nano_cpus": 4 * 10**9},
        {"cpu_period": 1_000_000, "cpu_quota": -1},
    ],
)
def test_possible_limit_passes(limits: dict[str, int]) -> None:
    check_resources(Resources(**limits), cpus=4)  # type: ignore[arg-type]


def test_no_limits_leave_only_the_device_rules() -> None:
    assert built() == oci.Resources(devices=DEFAULT_DEVICE_RULES)


def test_swap_defaults_to_twice_the_memory() -> None:
    assert built(memory=64 * MIB).memory == oci.Memory(limit=64 * MIB, swap=128 * MIB)


def test_half_a_cpu_is_half_a_period() -> None:
    assert built(nano_cpus=500_000_000).cpu == oci.CPU(period=100_000, quota=50_000)


def test_pids_limit_is_passed_on() -> None:
    assert built(pids_limit=50).pids == oci.Pids(limit=50)


def test_pids_limit_of_zero_is_none() -> None:
    assert built(pids_limit=0).pids is None


def test_block_devices_are_looked_up() -> None:
    block_io = built(
        blkio_weight_device=[WeightDevice(path="/dev/sda", weight=300)],
        blkio_device_read_bps=[ThrottleDevice(path="/dev/sda", rate=1024)],
    ).block_io
    assert block_io is not None
    assert block_io.weight_device == (oci.WeightDevice(major=8, minor=0, weight=300),)
    assert block_io.throttle_read_bps_device == (oci.ThrottleDevice(major=8, minor=0, rate=1024),)


def test_mapped_device_is_allowed_after_the_defaults() -> None:
    device = DeviceMapping(path_on_host="/dev/fuse", cgroup_permissions="rw")
    rules = device_rules(Resources(devices=[device]), privileged=False, find_device=find)
    expected = oci.DeviceRule(allow=True, type="c", major=10, minor=229, access="rw")
    assert rules == (*DEFAULT_DEVICE_RULES, expected)


def test_first_default_rule_denies_everything() -> None:
    assert DEFAULT_DEVICE_RULES[0] == oci.DeviceRule(allow=False, access="rwm")


def test_privileged_allows_every_device() -> None:
    rules = device_rules(Resources(), privileged=True, find_device=find)
    assert rules == (oci.DeviceRule(allow=True, access="rwm"),)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("c 42:* rmw", oci.DeviceRule(allow=True, type="c", major=42, minor=None, access="rmw")),
        ("b 8:0 r", oci.DeviceRule(allow=True, type="b", major=8, minor=0, access="r")),
        ("a *:* rwm", oci.DeviceRule(allow=True, type="a", access="rwm")),
    ],
)
def test_device_rule_is_read(text: str, rule: oci.DeviceRule) -> None:
    assert parse_rule(text) == rule


@pytest.mark.parametrize("text", ["", "c 42 r", "x 1:1 r", "c 1:1 rwmr", "c 1:1 x", "c 1:1 r\n"])
def test_device_rule_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^invalid device cgroup rule format: '"):
        parse_rule(text)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ({"cpuset_cpus": "x"}, "Invalid value x for cpuset cpus: invalid format: x"),
        ({"cpuset_cpus": "3-1"}, "Invalid value 3-1 for cpuset cpus: invalid format: 3-1"),
        (
            {"cpuset_mems": "0-9999"},
            "Invalid value 0-9999 for cpuset mems: value of out range, maximum is 8192",
        ),
        (
            {"cpuset_cpus": "1,4"},
            "Requested CPUs are not available - requested 1,4, available: 0-3",
        ),
        (
            {"cpuset_mems": "1"},
            "Requested memory nodes are not available - requested 1, available: 0",
        ),
    ],
)
def test_processors_that_are_not_there_are_refused(sets: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_sets(Resources(**sets), cpus="0-3", nodes="0")  # type: ignore[arg-type]
    assert caught.value.message == message


def test_processors_that_are_there_pass() -> None:
    check_sets(Resources(cpuset_cpus="0,2-3", cpuset_mems="0"), cpus="0-3", nodes="0")
