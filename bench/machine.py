"""The machine a measurement was made on, as far as it explains figures."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the report says about the machine."""

    processor: str
    """The processor's own name."""
    cores: int
    """Processors in use."""
    memory_gib: float
    """Main memory."""
    kernel: str
    """The kernel's release."""
    system: str
    """The distribution."""
    virtualization: str
    """What it runs in, if that can be seen."""
    cgroups: str
    """Layout of the control groups."""
    root_storage: str
    """The root file system."""
    bench_storage: str
    """Where the engines kept their data."""
    began: str
    """When the measurement began."""
    load_before: float
    """Runnable processes, average of the minute before."""


def describe(bench_storage: str) -> Machine:
    """Look at this machine."""
    return Machine(
        processor=_value(Path("/proc/cpuinfo"), "model name", ":") or platform.machine(),
        cores=os.cpu_count() or 1,
        memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30),
        kernel=platform.release(),
        system=_value(Path("/etc/os-release"), "PRETTY_NAME", "=").strip('"'),
        virtualization=_virtualization(),
        cgroups=_cgroups(),
        root_storage=_root_storage(),
        bench_storage=bench_storage,
        began=time.strftime("%Y-%m-%d %H:%M %Z"),
        load_before=os.getloadavg()[0],
    )


def _value(path: Path, key: str, separator: str) -> str:
    """The value of the first line with a key."""
    for line in path.read_text().splitlines():
        name, found, value = line.partition(separator)
        if found and name.strip() == key:
            return value.strip()
    return ""


def _virtualization() -> str:
    if " hypervisor" not in Path("/proc/cpuinfo").read_text():
        return "none seen"
    vendor = Path("/sys/class/dmi/id/sys_vendor")
    return vendor.read_text().strip() if vendor.exists() else "a virtual machine"


def _cgroups() -> str:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return "v2"
    return "v1, hybrid" if (root / "unified").is_mount() else "v1"


def _root_storage() -> str:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        device, point, kind, *_ = line.split()
        if point == "/":
            name = Path(device).name
            has_journal = any(Path("/proc/fs/jbd2").glob(f"{name}-*"))
            journal = "" if kind != "ext4" or has_journal else " without a journal"
            return f"{kind}{journal} on {device}"
    return "unknown"
