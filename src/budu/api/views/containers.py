"""Containers as Docker shows them: rows of the list and the inspection.

Docker's booleans and sentences are computed from the one status that the engine stores.
Source: Engine API 1.51, ContainerSummary, ContainerInspectResponse; moby 28.3, container/state.go
and daemon/list.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import assert_never

import msgspec

from budu.api.views.endings import ending_of_row, ending_view
from budu.api.views.health import health_note, health_view
from budu.api.views.networks import endpoint_summaries, network_settings, port_rows
from budu.base.clock import format_time
from budu.base.units import SECOND_NS, human_duration
from budu.engine.containers import links
from budu.engine.containers.model import Container, Mount, Status
from budu.engine.containers.security import masked_paths, readonly_paths
from budu.engine.contract import ContainerFiles
from budu.engine.logs.defaults import shown_log_config
from budu.spec.api.container import (
    ContainerInspect,
    ContainerState,
    ContainerSummary,
    DriverData,
    HostConfigSummary,
    MountPoint,
)
from budu.spec.api.host_config import HostConfig
from budu.spec.api.network import NetworkSettingsSummary

_DRIVER = "overlay2"
"""What container roots are made of, whatever holds the layers; clients look for this word."""

Sizes = tuple[int, int]
"""Bytes of the writable layer, and of that with the image."""


def container_row(
    container: Container,
    *,
    image_id: str,
    network_id: Callable[[str], str],
    now_ns: int,
    sizes: Sizes | None,
) -> ContainerSummary:
    """A row of the list; `image_id` is what the container's image name means now, `sizes` only when
    asked for. Its image is shown by id once the name means another."""
    writable, total = sizes or (0, 0)
    return ContainerSummary(
        id=container.id,
        names=[f"/{container.name}", *container.linked_as],
        image=container.image_name if image_id == container.image_id else container.image_id,
        image_id=container.image_id,
        command=command_text(container),
        created=container.created_ns // 10**9,
        ports=port_rows(container),
        size_rw=writable,
        size_root_fs=total,
        labels=container.config.labels or {},
        state=container.status,
        status=status_text(container, now_ns=now_ns),
        host_config=HostConfigSummary(
            network_mode=container.host_config.network_mode,
            annotations=container.host_config.annotations,
        ),
        network_settings=NetworkSettingsSummary(
            networks=endpoint_summaries(container, network_id=network_id)
        ),
        mounts=[mount_view(mount) for mount in container.mounts],
        ending=ending_of_row(container),
    )


def container_inspection(
    container: Container,
    *,
    files: ContainerFiles,
    network_id: Callable[[str], str],
    find: Callable[[str], Container],
    sizes: Sizes | None,
    execs: Sequence[str] = (),
) -> ContainerInspect:
    """The whole record; `find` looks up the containers that it links to."""
    writable, total = sizes or (None, None)
    return ContainerInspect(
        id=container.id,
        exec_ids=list(execs) or None,
        created=format_time(container.created_ns),
        path=container.path,
        args=list(container.args),
        state=state_view(container),
        image=container.image_id,
        resolv_conf_path=files.resolv_conf,
        hostname_path=files.hostname,
        hosts_path=files.hosts,
        log_path=files.log,
        name=f"/{container.name}",
        restart_count=container.restart_count,
        driver=_DRIVER,
        platform=container.platform_os,
        host_config=_host_view(container, find),
        graph_driver=DriverData(name=_DRIVER),
        size_rw=writable,
        size_root_fs=total,
        mounts=[mount_view(mount) for mount in container.mounts],
        config=container.config,
        network_settings=network_settings(container, network_id=network_id),
    )


def _host_view(container: Container, find: Callable[[str], Container]) -> HostConfig:
    """What was asked of the host, with what holds where nothing was."""
    host = container.host_config
    return msgspec.structs.replace(
        host,
        links=links.rendered(container, find),
        log_config=shown_log_config(host.log_config),
        masked_paths=masked_paths(host),
        readonly_paths=readonly_paths(host),
    )


def state_view(container: Container) -> ContainerState:
    """Docker's state: a paused or restarting container counts as running."""
    status = container.status
    return ContainerState(
        status=status,
        running=status in (Status.RUNNING, Status.PAUSED, Status.RESTARTING),
        paused=status is Status.PAUSED,
        restarting=status is Status.RESTARTING,
        oom_killed=container.oom_killed,
        dead=status is Status.DEAD,
        pid=container.pid if container.is_running else 0,
        exit_code=container.exit_code,
        error=container.error,
        started_at=format_time(container.started_ns or None),
        finished_at=format_time(container.finished_ns or None),
        health=health_view(container.health),
        ending=ending_view(container),
    )


def status_text(container: Container, *, now_ns: int) -> str:
    """The STATUS column: `Up 5 minutes`, `Exited (0) 3 hours ago` …"""
    up = human_duration(max(now_ns - container.started_ns, 0))
    ended = human_duration(max(now_ns - container.finished_ns, 0))
    match container.status:
        case Status.CREATED:
            return "Created"
        case Status.RUNNING:
            return f"Up {up}{health_note(container.health)}"
        case Status.PAUSED:
            return f"Up {up} (Paused)"
        case Status.RESTARTING:
            return f"Restarting ({container.exit_code}) {ended} ago"
        case Status.REMOVING:
            return "Removal In Progress"
        case Status.DEAD:
            return "Dead"
        case Status.EXITED if not container.finished_ns:
            return "Created"
        case Status.EXITED:
            return f"Exited ({container.exit_code}) {ended} ago"
        case _:
            assert_never(container.status)


def status_until(container: Container, *, now_ns: int) -> int:
    """When `status_text` may say something else about the same record: it counts the first minute
    in seconds, and all that follows in minutes or more."""
    began_ns = container.started_ns if container.is_running else container.finished_ns
    elapsed_ns = max(now_ns - began_ns, 0)
    step_ns = SECOND_NS if elapsed_ns < 60 * SECOND_NS else 60 * SECOND_NS
    return began_ns + (elapsed_ns // step_ns + 1) * step_ns


def command_text(container: Container) -> str:
    """The COMMAND column: arguments with blanks are quoted."""
    words = (f"'{word}'" if " " in word else word for word in container.args)
    return " ".join((container.path, *words))


def mount_view(mount: Mount) -> MountPoint:
    """A mount as the list and the inspection show it."""
    return MountPoint(
        type=mount.kind,
        name=mount.name,
        source=mount.source,
        destination=mount.destination,
        driver=mount.driver,
        mode=mount.mode,
        rw=not mount.read_only,
        propagation=mount.propagation,
    )
