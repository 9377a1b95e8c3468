"""What runs in the guest: what needs cgroup v2 or modules that many hosts lack, or takes other ways
on an older kernel."""

from __future__ import annotations

SELECTION = (
    "tests/microvm/guest/test_guest_machine.py",
    "tests/host/runtime/test_host_cgroups.py",
    "tests/host/runtime/test_host_seccomp.py",
    "tests/host/runtime/test_runtime_exec.py",
    "tests/host/runtime/test_runtime_launch.py",
    "tests/host/runtime/test_runtime_mounts.py",
    "tests/host/snapshot/test_host_snapshot_changes.py",
    "tests/host/snapshot/test_host_snapshot_failures.py",
    "tests/host/network/test_network_host_parents.py",
    "tests/host/network/test_network_host_sctp.py",
    "tests/host/volume/test_host_volume_quota.py",
    "tests/host/volume/test_host_volume_nfs.py",
    "tests/microvm/guest/test_guest_engine.py",
)
"""Test files, in the order in which they run."""

OPTIONS = ("-v", "--color=no", "--timeout=120", "--durations=10", "-p", "no:hypothesispytest")
"""Of the guest's pytest. An emulated processor is slow: a deadline there is for what hangs."""
