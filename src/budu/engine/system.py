"""The engine and its host: `info`, `version`, sign-in, the end.

Source: Engine API 1.51 SystemInfo, SystemVersion, SystemAuth.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import msgspec

from budu import __version__
from budu.base.clock import format_time, now_ns
from budu.distribution.hosts import HostsConfig
from budu.engine.containers.model import Container, Status
from budu.engine.events import EventLog
from budu.logs.driver import DEFAULT_DRIVER, DRIVER_NAMES
from budu.plugin.registry import NETWORK_DRIVER, VOLUME_DRIVER
from budu.runtime.cgroups.contract import Features
from budu.spec.api.auth import AuthConfig
from budu.spec.api.system import (
    Commit,
    ComponentVersion,
    FirewallInfo,
    IndexInfo,
    PluginsInfo,
    RegistryServiceConfig,
    RuntimeInfo,
    SystemInfo,
    SystemVersion,
    VersionPlatform,
)
from budu.spec.platform import host_platform

API_VERSION = "1.51"
MIN_API_VERSION = "1.40"
_NETWORK_DRIVERS = ("bridge", "host", "ipvlan", "macvlan", "null")
INDEX_SERVER = "https://index.docker.io/v1/"


class HostFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `info` says of the host; read once at start."""

    engine_id: str
    data_root: str
    storage_driver: str
    storage_status: tuple[tuple[str, str], ...]
    cgroup_version: int
    cgroup_features: Features
    logging_driver: str = DEFAULT_DRIVER
    seccomp: bool = True


class SystemService:
    """See `engine.contract.System`."""

    def __init__(
        self,
        facts: HostFacts,
        hosts: HostsConfig,
        events: EventLog,
        *,
        containers: Callable[[], Iterable[Container]],
        images: Callable[[], int],
        plugins: Callable[[str], list[str]],
        login: Callable[[AuthConfig], Awaitable[tuple[str, str]]],
        shutdown: Callable[[], None],
        debug: bool,
    ) -> None:
        self._facts = facts
        self._hosts = hosts
        self._events = events
        self._containers = containers
        self._images = images
        self._plugins = plugins
        self._login = login
        self._shutdown = shutdown
        self._debug = debug

    async def login(self, auth: AuthConfig) -> tuple[str, str]:
        """Try credentials at their registry. Raises: Unauthenticated, Unavailable."""
        return await self._login(auth)

    def shutdown(self) -> None:
        """End the engine soon; containers live on."""
        self._shutdown()

    def version(self) -> SystemVersion:
        """Versions of the engine and of what it stands on."""
        kernel = os.uname()
        return SystemVersion(
            platform=VersionPlatform(name="budu"),
            components=[
                ComponentVersion(
                    name="Engine",
                    version=__version__,
                    details={
                        "ApiVersion": API_VERSION,
                        "Arch": _architecture(),
                        "BuildTime": "",
                        "Experimental": "false",
                        "GitCommit": "",
                        "GoVersion": "",
                        "KernelVersion": kernel.release,
                        "MinAPIVersion": MIN_API_VERSION,
                        "Os": "linux",
                        "PythonVersion": platform.python_version(),
                    },
                ),
                ComponentVersion(
                    name="budu-runtime", version=__version__, details={"GitCommit": ""}
                ),
            ],
            version=__version__,
            api_version=API_VERSION,
            min_api_version=MIN_API_VERSION,
            go_version="",
            os="linux",
            arch=_architecture(),
            kernel_version=kernel.release,
        )

    async def info(self) -> SystemInfo:
        """Everything `docker info` shows."""
        facts, kernel = self._facts, os.uname()
        features = facts.cgroup_features
        forwards = _read("/proc/sys/net/ipv4/ip_forward") == "1"
        statuses = [each.status for each in self._containers()]
        running = statuses.count(Status.RUNNING)
        paused = statuses.count(Status.PAUSED)
        return SystemInfo(
            id=facts.engine_id,
            containers=len(statuses),
            containers_running=running,
            containers_paused=paused,
            containers_stopped=len(statuses) - running - paused,
            images=self._images(),
            driver=facts.storage_driver,
            driver_status=list(facts.storage_status),
            plugins=PluginsInfo(
                volume=["local", *self._plugins(VOLUME_DRIVER)],
                network=[*_NETWORK_DRIVERS, *self._plugins(NETWORK_DRIVER)],
                log=[name for name in DRIVER_NAMES if name != "none"],
            ),
            memory_limit=features.memory,
            swap_limit=features.swap,
            kernel_memory_tcp=features.memory and facts.cgroup_version == 1,
            cpu_cfs_period=features.cpu_cfs,
            cpu_cfs_quota=features.cpu_cfs,
            cpu_shares=features.cpu_shares,
            cpu_set=features.cpuset,
            pids_limit=features.pids,
            ipv4_forwarding=forwards,
            debug=self._debug,
            n_fd=len(os.listdir("/proc/self/fd")),
            oom_kill_disable=features.oom_disable,
            system_time=format_time(now_ns()),
            logging_driver=facts.logging_driver,
            cgroup_driver="cgroupfs",
            cgroup_version=str(facts.cgroup_version),
            n_events_listener=self._events.listeners,
            kernel_version=kernel.release,
            operating_system=_os_release().get("PRETTY_NAME", "Linux"),
            os_version=_os_release().get("VERSION_ID", ""),
            os_type="linux",
            architecture=kernel.machine,
            index_server_address=INDEX_SERVER,
            registry_config=self._registry_config(),
            n_cpu=os.cpu_count() or 1,
            mem_total=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            docker_root_dir=facts.data_root,
            http_proxy=os.environ.get("HTTP_PROXY", ""),
            https_proxy=os.environ.get("HTTPS_PROXY", ""),
            no_proxy=os.environ.get("NO_PROXY", ""),
            name=kernel.nodename,
            server_version=__version__,
            runtimes={"budu": RuntimeInfo(path="budu-runtime")},
            default_runtime="budu",
            live_restore_enabled=True,
            init_binary="budu-init",
            containerd_commit=Commit(),
            runc_commit=Commit(id=__version__),
            init_commit=Commit(id=__version__),
            security_options=["name=seccomp,profile=builtin", "name=cgroupns"],
            firewall_backend=FirewallInfo(driver="nftables"),
            warnings=_warnings(features, forwards=forwards) or None,
        )

    def _registry_config(self) -> RegistryServiceConfig:
        mirrors = list(self._hosts.mirrors)
        hub = IndexInfo(name="docker.io", mirrors=mirrors, secure=True, official=True)
        return RegistryServiceConfig(
            insecure_registry_cidrs=["127.0.0.0/8", "::1/128"],
            index_configs={"docker.io": hub},
            mirrors=mirrors or None,
        )


def _warnings(features: Features, *, forwards: bool) -> list[str]:
    """What is missing on this host. Source: moby 28.5, daemon/info_unix.go."""
    missing = (
        (features.memory, "No memory limit support"),
        (features.swap, "No swap limit support"),
        (features.cpu_cfs, "No cpu cfs quota support"),
        (features.cpu_cfs, "No cpu cfs period support"),
        (features.cpu_shares, "No cpu shares support"),
        (features.cpuset, "No cpuset support"),
        (forwards, "IPv4 forwarding is disabled"),
    )
    return [f"WARNING: {sentence}" for is_there, sentence in missing if not is_there]


def _architecture() -> str:
    return host_platform().architecture


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _os_release() -> dict[str, str]:
    lines = _read("/etc/os-release").splitlines()
    pairs = (line.partition("=")[::2] for line in lines if "=" in line)
    return {key: value.strip('"') for key, value in pairs}
