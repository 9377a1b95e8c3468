"""The engine itself: information and version.

Source: Engine API 1.51, SystemInfo, SystemVersion; moby 28.3, api/types/system.
"""

from __future__ import annotations

import msgspec

from budu.spec.api.fields import FALSE, NO_ITEMS, NULL, TEXT, ZERO, Body, named


class PluginsInfo(Body, frozen=True, kw_only=True):
    """Names of the drivers, by kind."""

    volume: list[str] | None = NULL
    network: list[str] | None = NULL
    authorization: list[str] | None = NULL
    log: list[str] | None = NULL


class IndexInfo(Body, frozen=True, kw_only=True):
    """A registry that the engine knows; `secure` means TLS that is checked."""

    name: str = TEXT
    mirrors: list[str] | None = NO_ITEMS
    secure: bool = FALSE
    official: bool = FALSE


class RegistryServiceConfig(Body, frozen=True, kw_only=True):
    """Mirrors and insecure registries."""

    insecure_registry_cidrs: list[str] | None = named("InsecureRegistryCIDRs", NULL)
    index_configs: dict[str, IndexInfo] | None = NULL
    mirrors: list[str] | None = NULL


class RuntimeInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A runtime that containers can be started with."""

    path: str = ""
    runtime_args: list[str] | None = None
    status: dict[str, str] | None = None


class Commit(Body, frozen=True, kw_only=True):
    """The version of an external program."""

    id: str = named("ID", TEXT)


class SwarmInfo(Body, frozen=True, kw_only=True):
    """Swarm state; always inactive here."""

    node_id: str = named("NodeID", TEXT)
    node_addr: str = TEXT
    local_node_state: str = msgspec.field(default_factory=lambda: "inactive")
    control_available: bool = FALSE
    error: str = TEXT
    remote_managers: list[dict[str, str]] | None = NULL


class AddressPool(Body, frozen=True, kw_only=True):
    """Where networks get their subnets from; `size` is the prefix length of each."""

    base: str = TEXT
    size: int = ZERO


class FirewallInfo(Body, frozen=True, kw_only=True):
    """The firewall in use, and facts about it as pairs."""

    driver: str = TEXT
    info: list[tuple[str, str]] | None = None


class DeviceInfo(Body, frozen=True, kw_only=True):
    """A device that a driver found."""

    source: str = TEXT
    id: str = named("ID", TEXT)


class ContainerdNamespaces(Body, frozen=True, kw_only=True):
    """Namespaces that containerd would keep things in."""

    containers: str = TEXT
    plugins: str = TEXT


class ContainerdInfo(Body, frozen=True, kw_only=True):
    """Where containerd listens."""

    address: str = ""
    namespaces: ContainerdNamespaces = msgspec.field(default_factory=lambda: ContainerdNamespaces())


class SystemInfo(Body, frozen=True, kw_only=True):
    """Facts about the engine and its host; `mem_total` in bytes, `system_time` RFC 3339."""

    id: str = named("ID", TEXT)
    containers: int = ZERO
    containers_running: int = ZERO
    containers_paused: int = ZERO
    containers_stopped: int = ZERO
    images: int = ZERO
    driver: str = TEXT
    driver_status: list[tuple[str, str]] | None = NULL
    plugins: PluginsInfo = msgspec.field(default_factory=lambda: PluginsInfo())
    memory_limit: bool = FALSE
    swap_limit: bool = FALSE
    kernel_memory_tcp: bool = msgspec.field(default=False, name="KernelMemoryTCP")
    cpu_cfs_period: bool = FALSE
    cpu_cfs_quota: bool = FALSE
    cpu_shares: bool = named("CPUShares", FALSE)
    cpu_set: bool = named("CPUSet", FALSE)
    pids_limit: bool = FALSE
    ipv4_forwarding: bool = named("IPv4Forwarding", FALSE)
    debug: bool = FALSE
    n_fd: int = named("NFd", ZERO)
    oom_kill_disable: bool = FALSE
    n_goroutines: int = named("NGoroutines", ZERO)
    system_time: str = TEXT
    logging_driver: str = TEXT
    cgroup_driver: str = TEXT
    cgroup_version: str = ""
    n_events_listener: int = named("NEventsListener", ZERO)
    kernel_version: str = TEXT
    operating_system: str = TEXT
    os_version: str = named("OSVersion", TEXT)
    os_type: str = named("OSType", TEXT)
    architecture: str = TEXT
    index_server_address: str = TEXT
    registry_config: RegistryServiceConfig | None = NULL
    n_cpu: int = named("NCPU", ZERO)
    mem_total: int = ZERO
    generic_resources: list[dict[str, object]] | None = NULL
    docker_root_dir: str = TEXT
    http_proxy: str = TEXT
    https_proxy: str = TEXT
    no_proxy: str = TEXT
    name: str = TEXT
    labels: list[str] | None = NO_ITEMS
    experimental_build: bool = FALSE
    server_version: str = TEXT
    runtimes: dict[str, RuntimeInfo] | None = NULL
    default_runtime: str = TEXT
    swarm: SwarmInfo = msgspec.field(default_factory=lambda: SwarmInfo())
    live_restore_enabled: bool = FALSE
    isolation: str = TEXT
    init_binary: str = TEXT
    containerd_commit: Commit = msgspec.field(default_factory=lambda: Commit())
    runc_commit: Commit = msgspec.field(default_factory=lambda: Commit())
    init_commit: Commit = msgspec.field(default_factory=lambda: Commit())
    security_options: list[str] | None = NULL
    product_license: str = ""
    default_address_pools: list[AddressPool] | None = None
    firewall_backend: FirewallInfo | None = None
    cdi_spec_dirs: list[str] | None = named("CDISpecDirs", NULL)
    discovered_devices: list[DeviceInfo] | None = None
    containerd: ContainerdInfo | None = None
    warnings: list[str] | None = NULL


class VersionPlatform(Body, frozen=True, kw_only=True):
    """The product's name."""

    name: str = TEXT


class ComponentVersion(Body, frozen=True, kw_only=True):
    """Version of a part of the engine."""

    name: str = TEXT
    version: str = TEXT
    details: dict[str, str] | None = None


class SystemVersion(Body, frozen=True, kw_only=True):
    """Version of the engine and of the API it speaks."""

    platform: VersionPlatform = msgspec.field(default_factory=lambda: VersionPlatform())
    components: list[ComponentVersion] | None = None
    version: str = TEXT
    api_version: str = TEXT
    min_api_version: str = msgspec.field(default="", name="MinAPIVersion")
    git_commit: str = TEXT
    go_version: str = TEXT
    os: str = TEXT
    arch: str = TEXT
    kernel_version: str = ""
    experimental: bool = False
    build_time: str = ""
