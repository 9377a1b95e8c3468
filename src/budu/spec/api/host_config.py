"""HostConfig: what of the host a container gets. Resources, restart policy, logging, mounts.

Source: Engine API 1.51, HostConfig, Resources, Mount; moby 28.3, api/types/container/hostconfig.go.
"""

from __future__ import annotations

import msgspec

from budu.spec.api.fields import FALSE, NULL, TEXT, ZERO, Body, StrSlice, named


class LogConfig(Body, frozen=True, kw_only=True):
    """Log driver and its options; an empty type stands for the engine's default."""

    type: str = TEXT
    config: dict[str, str] | None = NULL


class RestartPolicy(Body, frozen=True, kw_only=True):
    """`name` is empty, no, always, unless-stopped or on-failure."""

    name: str = TEXT
    maximum_retry_count: int = ZERO


class DeviceMapping(Body, frozen=True, kw_only=True):
    """A host device in the container; permissions of r, w and m."""

    path_on_host: str = TEXT
    path_in_container: str = TEXT
    cgroup_permissions: str = TEXT


class DeviceRequest(Body, frozen=True, kw_only=True):
    """Devices asked of a driver (`--gpus`); a count of -1 means all."""

    driver: str = TEXT
    count: int = ZERO
    device_ids: list[str] | None = named("DeviceIDs", NULL)
    capabilities: list[list[str]] | None = NULL
    options: dict[str, str] | None = NULL


class WeightDevice(Body, frozen=True, kw_only=True):
    """Relative weight of a block device, 10 to 1000."""

    path: str = TEXT
    weight: int = ZERO


class ThrottleDevice(Body, frozen=True, kw_only=True):
    """Bytes or operations a second of a block device."""

    path: str = TEXT
    rate: int = ZERO


class Ulimit(Body, frozen=True, kw_only=True):
    """A resource limit under its name without `RLIMIT_`, in lower case; -1 means unlimited."""

    name: str = TEXT
    hard: int = ZERO
    soft: int = ZERO


class BindOptions(Body, frozen=True, kw_only=True):
    """Options of a bind mount."""

    propagation: str = ""
    non_recursive: bool = False
    create_mountpoint: bool = False
    read_only_non_recursive: bool = False
    read_only_force_recursive: bool = False
    mine: bool = False
    """Our own: the owner on the host is shown as the container's user."""


class DriverConfig(Body, frozen=True, kw_only=True):
    """Driver that makes a volume on the way."""

    name: str = ""
    options: dict[str, str] | None = None


class VolumeOptions(Body, frozen=True, kw_only=True):
    """Options of a volume mount."""

    no_copy: bool = False
    labels: dict[str, str] | None = None
    subpath: str = ""
    driver_config: DriverConfig | None = None


class ImageOptions(Body, frozen=True, kw_only=True):
    """Options of an image mount."""

    subpath: str = ""


class TmpfsOptions(Body, frozen=True, kw_only=True):
    """Options of a tmpfs mount; `mode` holds the permission bits."""

    size_bytes: int = 0
    mode: int = 0
    options: list[list[str]] | None = None


class Mount(Body, frozen=True, kw_only=True):
    """A mount as asked for; `type` is bind, volume, tmpfs, image, npipe or cluster."""

    type: str = ""
    source: str = ""
    target: str = ""
    read_only: bool = False
    consistency: str = ""
    bind_options: BindOptions | None = None
    volume_options: VolumeOptions | None = None
    image_options: ImageOptions | None = None
    tmpfs_options: TmpfsOptions | None = None


class PortBinding(Body, frozen=True, kw_only=True):
    """A host address and port (or range, or empty for any) that leads to a container's port."""

    host_ip: str = TEXT
    host_port: str = TEXT


PortMap = dict[str, list[PortBinding] | None]
"""`80/tcp` to its bindings; null for a port that is exposed and not published."""


class Resources(Body, frozen=True, kw_only=True):
    """Limits. Bytes for memory, microseconds for CPU period and quota; 0 means not limited."""

    cpu_shares: int = ZERO
    memory: int = ZERO
    nano_cpus: int = ZERO
    cgroup_parent: str = TEXT
    blkio_weight: int = ZERO
    blkio_weight_device: list[WeightDevice] | None = NULL
    blkio_device_read_bps: list[ThrottleDevice] | None = NULL
    blkio_device_write_bps: list[ThrottleDevice] | None = NULL
    blkio_device_read_iops: list[ThrottleDevice] | None = named("BlkioDeviceReadIOps", NULL)
    blkio_device_write_iops: list[ThrottleDevice] | None = named("BlkioDeviceWriteIOps", NULL)
    cpu_period: int = ZERO
    cpu_quota: int = ZERO
    cpu_realtime_period: int = ZERO
    cpu_realtime_runtime: int = ZERO
    cpuset_cpus: str = TEXT
    cpuset_mems: str = TEXT
    devices: list[DeviceMapping] | None = NULL
    device_cgroup_rules: list[str] | None = NULL
    device_requests: list[DeviceRequest] | None = NULL
    kernel_memory: int = 0
    kernel_memory_tcp: int = msgspec.field(default=0, name="KernelMemoryTCP")
    memory_reservation: int = ZERO
    memory_swap: int = ZERO
    memory_swappiness: int | None = NULL
    oom_kill_disable: bool | None = NULL
    pids_limit: int | None = NULL
    ulimits: list[Ulimit] | None = NULL
    cpu_count: int = ZERO
    cpu_percent: int = ZERO
    io_maximum_iops: int = named("IOMaximumIOps", ZERO)
    io_maximum_bandwidth: int = named("IOMaximumBandwidth", ZERO)


class HostConfig(Resources, frozen=True, kw_only=True):
    """Everything of a container that depends on the host it runs on.

    `masked_paths` and `readonly_paths`: null asks for the default, an empty list for none.
    """

    binds: list[str] | None = NULL
    container_id_file: str = named("ContainerIDFile", TEXT)
    log_config: LogConfig = msgspec.field(default_factory=lambda: LogConfig())
    network_mode: str = TEXT
    port_bindings: PortMap | None = NULL
    restart_policy: RestartPolicy = msgspec.field(default_factory=lambda: RestartPolicy())
    auto_remove: bool = FALSE
    volume_driver: str = TEXT
    volumes_from: list[str] | None = NULL
    console_size: tuple[int, int] = msgspec.field(default_factory=lambda: (0, 0))
    annotations: dict[str, str] | None = None
    cap_add: StrSlice | None = NULL
    cap_drop: StrSlice | None = NULL
    cgroupns_mode: str = TEXT
    dns: list[str] | None = NULL
    dns_options: list[str] | None = NULL
    dns_search: list[str] | None = NULL
    extra_hosts: list[str] | None = NULL
    group_add: list[str] | None = NULL
    ipc_mode: str = TEXT
    cgroup: str = TEXT
    links: list[str] | None = NULL
    oom_score_adj: int = ZERO
    pid_mode: str = TEXT
    privileged: bool = FALSE
    publish_all_ports: bool = FALSE
    readonly_rootfs: bool = FALSE
    security_opt: list[str] | None = NULL
    storage_opt: dict[str, str] | None = None
    tmpfs: dict[str, str] | None = None
    uts_mode: str = named("UTSMode", TEXT)
    userns_mode: str = TEXT
    shm_size: int = ZERO
    sysctls: dict[str, str] | None = None
    runtime: str = ""
    isolation: str = TEXT
    mounts: list[Mount] | None = None
    masked_paths: list[str] | None = NULL
    readonly_paths: list[str] | None = NULL
    init: bool | None = None


class UpdateBody(Resources, frozen=True, kw_only=True):
    """Body of a container update: new limits and restart policy."""

    restart_policy: RestartPolicy = msgspec.field(default_factory=lambda: RestartPolicy())


class UpdateResponse(Body, frozen=True, kw_only=True):
    """Answer to a container update."""

    warnings: list[str] | None = NULL
