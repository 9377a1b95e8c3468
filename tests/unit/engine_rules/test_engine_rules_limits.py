"""What a host cannot limit is left out of what is stored, and told."""

from __future__ import annotations

import msgspec
import pytest

from budu.base.errors import InvalidArgument
from budu.engine.containers.limits import fit_limits
from budu.runtime.cgroups.contract import Features
from budu.spec.api.host_config import HostConfig, Resources, ThrottleDevice, WeightDevice

THROTTLE = [ThrottleDevice(path="/dev/none", rate=1)]
ASKED = HostConfig(
    memory=64 << 20,
    memory_swap=128 << 20,
    memory_reservation=32 << 20,
    memory_swappiness=10,
    oom_kill_disable=True,
    cpu_shares=512,
    cpu_period=50_000,
    cpu_quota=20_000,
    cpuset_cpus="0",
    cpuset_mems="0",
    pids_limit=7,
    blkio_weight=300,
    blkio_weight_device=[WeightDevice(path="/dev/none", weight=200)],
    blkio_device_read_bps=THROTTLE,
    blkio_device_write_bps=THROTTLE,
    blkio_device_read_iops=THROTTLE,
    blkio_device_write_iops=THROTTLE,
    privileged=True,
)
ABLE = Features(**dict.fromkeys(Features.__struct_fields__, True))


def without(*features: str) -> Features:
    return msgspec.structs.replace(ABLE, **dict.fromkeys(features, False))


def test_an_able_host_keeps_everything() -> None:
    assert fit_limits(ASKED, ABLE) == (ASKED, ())


def test_an_unable_host_keeps_no_limit_and_everything_else() -> None:
    fitted, warnings = fit_limits(ASKED, Features())
    assert fitted == HostConfig(privileged=True)
    assert len(warnings) == 14


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        ("memory", {"memory": 0, "memory_swap": 0}),
        ("swap", {"memory_swap": -1}),
        ("reservation", {"memory_reservation": 0}),
        ("swappiness", {"memory_swappiness": None}),
        ("oom_disable", {"oom_kill_disable": None}),
        ("cpu_shares", {"cpu_shares": 0}),
        ("cpu_cfs", {"cpu_period": 0, "cpu_quota": 0}),
        ("cpuset", {"cpuset_cpus": "", "cpuset_mems": ""}),
        ("pids", {"pids_limit": None}),
        ("blkio_weight", {"blkio_weight": 0}),
        ("blkio_weight_device", {"blkio_weight_device": None}),
    ],
)
def test_what_is_missing_goes_alone(missing: str, gone: dict[str, object]) -> None:
    asked = msgspec.structs.replace(ASKED, memory_swap=256 << 20)
    fitted, warnings = fit_limits(asked, without(missing))
    assert fitted == msgspec.structs.replace(asked, **gone)
    assert warnings


def test_the_memory_killer_that_stays_on_needs_no_warning() -> None:
    fitted, warnings = fit_limits(Resources(oom_kill_disable=False), Features())
    assert (fitted, warnings) == (Resources(), ())


def test_cpus_are_not_passed_over() -> None:
    with pytest.raises(InvalidArgument, match="NanoCPUs can not be set"):
        fit_limits(Resources(nano_cpus=10**9), without("cpu_cfs"))
