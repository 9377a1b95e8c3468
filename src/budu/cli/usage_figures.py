"""What people read out of a sample: percentages and sums, by Docker's formulas. Light.

Source: docker/cli 28.5 `cli/command/container/stats_helpers.go`; docker stats reference, "CPU and
memory".
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Figures:
    """The figures of one sample."""

    __slots__ = (
        "block_read",
        "block_written",
        "cpu_percent",
        "id",
        "memory",
        "memory_limit",
        "memory_percent",
        "name",
        "pids",
        "received",
        "sent",
    )

    def __init__(self, sample: Mapping[str, Any]) -> None:
        memory = sample.get("memory_stats") or {}
        self.id = str(sample.get("id", ""))
        """The container's full id."""
        self.name = str(sample.get("name", "")).removeprefix("/")
        """Its name without the slash."""
        self.cpu_percent = cpu_percent(sample)
        """Of one processor: two busy ones are 200."""
        self.memory = memory_used(memory)
        """Bytes, without what the kernel could drop at once."""
        self.memory_limit = int(memory.get("limit", 0))
        """Bytes; the machine's memory where there is no limit."""
        limit = self.memory_limit
        self.memory_percent = self.memory / limit * 100.0 if limit else 0.0
        """Of the limit."""
        self.received, self.sent = traffic(sample.get("networks") or {})
        """Bytes of all networks together."""
        self.block_read, self.block_written = block_traffic(sample.get("blkio_stats") or {})
        """Bytes from and to block devices."""
        self.pids = int((sample.get("pids_stats") or {}).get("current", 0))
        """Processes and threads."""


def cpu_percent(sample: Mapping[str, Any]) -> float:
    """The container's part of the host's processor time since the sample before, times the number
    of processors."""
    now, before = sample.get("cpu_stats") or {}, sample.get("precpu_stats") or {}
    used = _total(now) - _total(before)
    passed = now.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    cpus = now.get("online_cpus", 0) or len(_usage(now).get("percpu_usage") or ())
    return used / passed * cpus * 100.0 if used > 0 and passed > 0 else 0.0


def _usage(cpu: Mapping[str, Any]) -> Mapping[str, Any]:
    usage: Mapping[str, Any] = cpu.get("cpu_usage") or {}
    return usage


def _total(cpu: Mapping[str, Any]) -> int:
    return int(_usage(cpu).get("total_usage", 0))


def memory_used(memory: Mapping[str, Any]) -> int:
    """Bytes in use without the inactive page cache; cgroups 1 and 2 have other names for it."""
    used = int(memory.get("usage", 0))
    counters = memory.get("stats") or {}
    for name in ("total_inactive_file", "inactive_file"):
        if name in counters and counters[name] < used:
            return used - int(counters[name])
    return used


def traffic(networks: Mapping[str, Any]) -> tuple[int, int]:
    """Bytes received and sent."""
    links = networks.values()
    return sum(each["rx_bytes"] for each in links), sum(each["tx_bytes"] for each in links)


def block_traffic(counters: Mapping[str, Any]) -> tuple[int, int]:
    """Bytes read and written."""
    entries = counters.get("io_service_bytes_recursive") or []

    def total(letter: str) -> int:
        return sum(each["value"] for each in entries if each["op"][:1].lower() == letter)

    return total("r"), total("w")
