"""Changing limits and the restart policy of a container that exists.

    check the values ─▶ fit to the host ─▶ merge with the record ─▶ cgroup of what runs ─▶ store

The merge is pure and decides what does not go together. When the kernel refuses a value, the old
limits are set again and the record stays as it was.
Source: Engine API 1.51 ContainerUpdate; moby 28.5, daemon/update.go, container/container_unix.go
(UpdateContainer) and daemon/daemon_unix.go (verifyPlatformContainerResources).
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from budu.base.errors import BuduError, Conflict, Hint, Internal
from budu.engine.containers.devices import device_node
from budu.engine.containers.limits import fit_limits, live_limits
from budu.engine.containers.model import Container, Status
from budu.engine.containers.resources import check_limits
from budu.engine.containers.restart import check_policy
from budu.engine.containers.service import ContainerService
from budu.runtime.cgroups.contract import Cgroup, Features
from budu.spec.api.host_config import HostConfig, Resources, UpdateBody

_NONE = ("", "no")
_SIMPLE = (
    "blkio_weight",
    "blkio_weight_device",
    "blkio_device_read_bps",
    "blkio_device_write_bps",
    "blkio_device_read_iops",
    "blkio_device_write_iops",
    "cpu_shares",
    "nano_cpus",
    "cpu_period",
    "cpu_quota",
    "cpu_realtime_period",
    "cpu_realtime_runtime",
    "cpuset_cpus",
    "cpuset_mems",
    "memory",
    "memory_swap",
    "memory_reservation",
    "kernel_memory_tcp",
    "memory_swappiness",
    "oom_kill_disable",
    "pids_limit",
)
"""Fields that an update may change; zero and null leave what is there."""

_ZERO_COUNTS = ("memory_swappiness", "oom_kill_disable", "pids_limit")
"""Of those, the ones that only null leaves."""

_TOGETHER = (("nano_cpus", "cpu_period", "cpu_quota"), ("memory", "memory_swap"))
"""Fields that the kernel takes in one write, or in an order: all of them when one changes."""


_UNLIMITED = {
    "memory": -1,
    "memory_swap": -1,
    "memory_reservation": -1,
    "cpu_quota": -1,
    "cpu_shares": 1024,
    "pids_limit": 0,
}
"""What takes a limit away that there was not before."""


class UpdateService:
    """See `engine.contract.update.Updates`."""

    def __init__(self, containers: ContainerService, features: Features) -> None:
        self._containers = containers
        self._features = features

    async def update(self, ref: str, body: UpdateBody) -> tuple[str, ...]:
        """See `Updates.update`."""
        body = _normal(body)
        self._check(body)
        fitted, warnings = fit_limits(body, self._features)
        container = self._containers.get(ref)
        async with self._containers.holding(container.id):
            self._update(self._containers.get(container.id), fitted)
        return warnings

    def _check(self, body: UpdateBody) -> None:
        check_limits(body, is_update=True)
        check_policy(HostConfig(restart_policy=body.restart_policy))

    def _update(self, container: Container, body: UpdateBody) -> None:
        if container.status in (Status.DEAD, Status.REMOVING):
            words = 'container is marked for removal and cannot be "update"'
            raise Internal(f"Cannot update container {container.id}: {words}")
        merged = merge(container, body)
        if container.is_running:
            _, running = self._containers.running(container.id)
            _apply(running.cgroup, container, merged, body)
        container = self._containers.change(container.id, host_config=merged)
        self._containers.emit(container, "update")
        self._containers.heed_policy(container)


def _normal(body: UpdateBody) -> UpdateBody:
    """No limit of processes is 0, however it is said; a swappiness of -1 leaves what is there."""
    pids, swappiness = body.pids_limit, body.memory_swappiness
    return msgspec.structs.replace(
        body,
        pids_limit=None if pids is None else max(pids, 0),
        memory_swappiness=None if swappiness == -1 else swappiness,
    )


def merge(container: Container, body: UpdateBody) -> HostConfig:
    """The container's host config with what `body` gives.

    Raises: Conflict with Docker's sentences.
    """
    old = container.host_config
    sentence = _conflict(old, body)
    if sentence:
        raise Conflict(
            f"Cannot update container {container.id}: {sentence}", hint=_hint(container, body)
        )
    fields = {name: getattr(body, name) for name in _given(body)}
    if body.restart_policy.name:
        fields["restart_policy"] = body.restart_policy
    return msgspec.structs.replace(old, **fields)


def _given(body: Resources) -> list[str]:
    return [
        name
        for name in _SIMPLE
        if getattr(body, name) or (name in _ZERO_COUNTS and getattr(body, name) is not None)
    ]


def _conflict(old: HostConfig, body: UpdateBody) -> str:
    options = "Conflicting options:"
    policy = body.restart_policy.name
    rules = (
        (body.nano_cpus > 0 and old.cpu_period > 0,
         f"{options} Nano CPUs cannot be updated as CPU Period has already been set"),
        (body.nano_cpus > 0 and old.cpu_quota > 0,
         f"{options} Nano CPUs cannot be updated as CPU Quota has already been set"),
        (body.cpu_period > 0 and old.nano_cpus > 0,
         f"{options} CPU Period cannot be updated as NanoCPUs has already been set"),
        (body.cpu_quota > 0 and old.nano_cpus > 0,
         f"{options} CPU Quota cannot be updated as NanoCPUs has already been set"),
        (_needs_swap(old, body),
         "Memory limit should be smaller than already set memoryswap limit, update the memoryswap "
         "at the same time"),
        (bool(policy) and old.auto_remove and policy not in _NONE,
         "Restart policy cannot be updated because AutoRemove is enabled for the container"),
    )  # fmt: skip
    return next((sentence for is_broken, sentence in rules if is_broken), "")


def _needs_swap(old: HostConfig, body: UpdateBody) -> bool:
    """Whether the new limit of memory is above the present one of memory with swap."""
    known = old.memory_swap or 2 * old.memory
    return bool(body.memory) and not body.memory_swap and body.memory > known


def _hint(container: Container, body: UpdateBody) -> Hint | None:
    if not _needs_swap(container.host_config, body):
        return None
    return Hint(
        "engine.update-swap",
        memory=_in_words(body.memory),
        swap=_in_words(2 * body.memory),
        name=container.name,
    )


def _in_words(size_bytes: int) -> str:
    mib, rest = divmod(size_bytes, 1 << 20)
    return str(size_bytes) if rest else f"{mib}m"


def _apply(cgroup: Cgroup, container: Container, merged: HostConfig, body: UpdateBody) -> None:
    """Set what changes. Raises: Internal for what the kernel refuses; the old limits hold then."""
    names = touched(body)
    try:
        cgroup.update(live_limits(_only(merged, names), find_device=device_node))
    except BuduError as error:
        with suppress(BuduError):
            former = _former(container.host_config, names)
            cgroup.update(live_limits(former, find_device=device_node))
        raise Internal(f"Cannot update container {container.id}: {error.message}") from error


def touched(body: Resources) -> set[str]:
    """The fields whose limits must be written for `body`."""
    names = set(_given(body))
    for group in _TOGETHER:
        if names & set(group):
            names |= set(group)
    return names


def _only(host: HostConfig, names: set[str]) -> Resources:
    return msgspec.structs.replace(Resources(), **{name: getattr(host, name) for name in names})


def _former(host: HostConfig, names: set[str]) -> Resources:
    """The limits as they were, where there was none said as none."""
    fields = {name: getattr(host, name) or _UNLIMITED.get(name) for name in names}
    given = {name: value for name, value in fields.items() if value is not None}
    return msgspec.structs.replace(Resources(), **given)
