"""Containers: create body, inspection, rows of the list, waiting.

Source: Engine API 1.51, ContainerConfig, ContainerInspectResponse, ContainerSummary;
moby 28.3, api/types/container.
"""

from __future__ import annotations

import msgspec

from budu.spec.api.fields import (
    FALSE,
    NO_ENTRIES,
    NO_ITEMS,
    NULL,
    TEXT,
    ZERO,
    Body,
    StrSlice,
    named,
)
from budu.spec.api.host_config import HostConfig
from budu.spec.api.network import (
    ZERO_TIME,
    NetworkingConfig,
    NetworkSettings,
    NetworkSettingsSummary,
)
from budu.spec.image import Descriptor

EmptyObject = dict[str, object]
"""Go's `struct{}`: `{}` on the wire."""


class HealthConfig(Body, frozen=True, kw_only=True):
    """A health probe. Durations in nanoseconds; 0 inherits from the image.

    `on_unhealthy` is ours: none, restart, stop or kill; Docker ignores it.
    """

    test: list[str] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0
    on_unhealthy: str = ""


class ContainerConfig(Body, frozen=True, kw_only=True):
    """What of a container does not depend on the host. `stop_timeout` in seconds."""

    hostname: str = TEXT
    domainname: str = TEXT
    user: str = TEXT
    attach_stdin: bool = FALSE
    attach_stdout: bool = FALSE
    attach_stderr: bool = FALSE
    exposed_ports: dict[str, EmptyObject | None] | None = None
    tty: bool = FALSE
    open_stdin: bool = FALSE
    stdin_once: bool = FALSE
    env: list[str] | None = NULL
    cmd: StrSlice | None = NULL
    healthcheck: HealthConfig | None = None
    args_escaped: bool = False
    image: str = TEXT
    volumes: dict[str, EmptyObject | None] | None = NULL
    working_dir: str = TEXT
    entrypoint: StrSlice | None = NULL
    network_disabled: bool = False
    mac_address: str = ""
    on_build: list[str] | None = NULL
    labels: dict[str, str] | None = NULL
    stop_signal: str = ""
    stop_timeout: int | None = None
    shell: StrSlice | None = None


class ContainerCreateBody(ContainerConfig, frozen=True, kw_only=True):
    """Body of a container creation: the config with host and network configs beside it."""

    host_config: HostConfig | None = None
    networking_config: NetworkingConfig | None = None


class ContainerCreateResponse(Body, frozen=True, kw_only=True):
    """Answer to a container creation."""

    id: str = TEXT
    warnings: list[str] | None = NO_ITEMS


class HealthcheckResult(Body, frozen=True, kw_only=True):
    """One run of the health probe; times are RFC 3339."""

    start: str = TEXT
    end: str = TEXT
    exit_code: int = ZERO
    output: str = TEXT


class Health(Body, frozen=True, kw_only=True):
    """Outcome of the health probe: none, starting, healthy or unhealthy, and its last runs."""

    status: str = TEXT
    failing_streak: int = ZERO
    log: list[HealthcheckResult] | None = NULL


class Ending(Body, frozen=True, kw_only=True):
    """How a container's last life ended; ours, Docker has none. See `engine` `model.Ending`."""

    cause: str = TEXT
    message: str = TEXT
    exit_code: int = ZERO
    signal: str = ""
    by: str = ""
    force: str = ""
    oom_kills: int = 0
    memory_limit: int = 0
    program: str = ""
    image: str = ""


class ContainerState(Body, frozen=True, kw_only=True):
    """State of a container as Docker spells it; times are RFC 3339, Go's zero time when unset."""

    status: str = TEXT
    running: bool = FALSE
    paused: bool = FALSE
    restarting: bool = FALSE
    oom_killed: bool = named("OOMKilled", FALSE)
    dead: bool = FALSE
    pid: int = ZERO
    exit_code: int = ZERO
    error: str = TEXT
    started_at: str = msgspec.field(default_factory=lambda: ZERO_TIME)
    finished_at: str = msgspec.field(default_factory=lambda: ZERO_TIME)
    health: Health | None = None
    ending: Ending | None = None


class MountPoint(Body, frozen=True, kw_only=True):
    """A mount that a container has."""

    type: str = ""
    name: str = ""
    source: str = TEXT
    destination: str = TEXT
    driver: str = ""
    mode: str = TEXT
    rw: bool = named("RW", FALSE)
    propagation: str = TEXT


class DriverData(Body, frozen=True, kw_only=True):
    """The storage driver and what it says of one container or image."""

    data: dict[str, str] | None = NULL
    name: str = TEXT


class ContainerInspect(Body, frozen=True, kw_only=True):
    """Inspection of one container. `size_rw` and `size_root_fs` in bytes, only when asked for."""

    id: str = TEXT
    created: str = msgspec.field(default_factory=lambda: ZERO_TIME)
    path: str = TEXT
    args: list[str] | None = NO_ITEMS
    state: ContainerState | None = NULL
    image: str = TEXT
    resolv_conf_path: str = TEXT
    hostname_path: str = TEXT
    hosts_path: str = TEXT
    log_path: str = TEXT
    name: str = TEXT
    restart_count: int = ZERO
    driver: str = TEXT
    platform: str = TEXT
    mount_label: str = TEXT
    process_label: str = TEXT
    app_armor_profile: str = TEXT
    exec_ids: list[str] | None = named("ExecIDs", NULL)
    host_config: HostConfig | None = NULL
    graph_driver: DriverData = msgspec.field(default_factory=lambda: DriverData())
    size_rw: int | None = None
    size_root_fs: int | None = None
    mounts: list[MountPoint] | None = NO_ITEMS
    config: ContainerConfig | None = NULL
    network_settings: NetworkSettings | None = NULL
    image_manifest_descriptor: Descriptor | None = None


class Port(Body, frozen=True, kw_only=True):
    """A port in the list: `public_port` only when published; type tcp, udp or sctp.

    `reach` is ours: who may come, `me`, `lan` or `world`.
    """

    ip: str = msgspec.field(default="", name="IP")
    private_port: int = ZERO
    public_port: int = 0
    type: str = TEXT
    reach: str = ""


class HostConfigSummary(Body, frozen=True, kw_only=True):
    """The part of the host config that the list shows."""

    network_mode: str = ""
    annotations: dict[str, str] | None = None


class ContainerSummary(Body, frozen=True, kw_only=True):
    """A row of the container list. `created` in unix seconds, sizes in bytes when asked for."""

    id: str = TEXT
    names: list[str] | None = NO_ITEMS
    image: str = TEXT
    image_id: str = named("ImageID", TEXT)
    image_manifest_descriptor: Descriptor | None = None
    command: str = TEXT
    created: int = ZERO
    ports: list[Port] | None = NO_ITEMS
    size_rw: int = 0
    size_root_fs: int = 0
    labels: dict[str, str] | None = NO_ENTRIES
    state: str = TEXT
    status: str = TEXT
    host_config: HostConfigSummary = msgspec.field(default_factory=lambda: HostConfigSummary())
    network_settings: NetworkSettingsSummary | None = NULL
    mounts: list[MountPoint] | None = NO_ITEMS
    ending: Ending | None = None


class WaitExitError(Body, frozen=True, kw_only=True):
    """Why waiting failed."""

    message: str = ""


class WaitResponse(Body, frozen=True, kw_only=True):
    """Answer to a wait."""

    error: WaitExitError | None = None
    status_code: int = ZERO


class PruneResponse(Body, frozen=True, kw_only=True):
    """Containers that a prune removed, and the bytes that became free."""

    containers_deleted: list[str] | None = NULL
    space_reclaimed: int = ZERO


class TopResponse(Body, frozen=True, kw_only=True):
    """The process table of a container."""

    processes: list[list[str]] | None = NULL
    titles: list[str] | None = NULL


class FilesystemChange(Body, frozen=True, kw_only=True):
    """A changed path; kind 0 modified, 1 added, 2 deleted."""

    kind: int = ZERO
    path: str = TEXT
