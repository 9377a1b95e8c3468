"""What of the engine can be set, under Docker's names.

Read by `daemon.settings`, from the command line (`flags`), `daemon.json` (`settings_file`) and the
defaults here; what a value may be is held by `option_rules`.
Source: dockerd reference, "Options" and "Daemon configuration file".
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

DEFAULT_DATA_ROOT = "/var/lib/budu"
DEFAULT_EXEC_ROOT = "/run/budu"
DEFAULT_CONFIG_FILE = "/etc/budu/daemon.json"
REACHES = ("me", "lan", "world")
COMPRESSIONS = ("fast", "small")
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")


class AddressPool(msgspec.Struct, frozen=True, kw_only=True):
    """A range of addresses that is cut into subnets with prefixes of `size` bits."""

    base: str
    size: int


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set. Built by `settings.read_options`, which validates."""

    data_root: Path
    """Folder of everything that survives a reboot."""
    exec_root: Path
    """Folder of sockets and the like."""
    hosts: tuple[str, ...]
    """Where the API listens: `unix:///path` or `tcp://host:port`."""
    pidfile: Path
    """File with the engine's process id; a second engine refuses to start beside it."""
    insecure_registries: tuple[str, ...] = ()
    """Registries that may be spoken to without a trusted certificate."""
    registry_mirrors: tuple[str, ...] = ()
    """URLs asked for Docker Hub's images first."""
    log_level: str = "info"
    """One of `LOG_LEVELS`."""
    log_format: str = "text"
    """`text` (key=value) or `json`."""
    log_driver: str = ""
    """Log driver of containers that name none; empty is `local`."""
    log_opts: dict[str, str] = {}
    """Its options."""
    log_budget: str = ""
    """What all logs may take: `20g`, or `10%` of the disk; empty is 10 %, at most 10 GiB."""
    build_budget: str = ""
    """What the build cache may take: `20g`, or `10%` of the disk (empty); 0 is no limit."""
    image_compression: str = "fast"
    """How layers that are made here are packed: one of `COMPRESSIONS`."""
    max_concurrent_downloads: int = 3
    """Layers of one pull that arrive at once."""
    image_cleanup: dict[str, str] = {}
    """When images go by themselves: `unused-for`, `keep-last`, `max-size`."""
    signature_policy: Path = Path("/etc/budu/policy.json")
    """Which images may be pulled: a file as containers-policy.json; no file allows all."""
    registry_config: Path = Path("/etc/budu/certs.d")
    """Folder of `<registry>/hosts.toml` and certificates."""
    max_concurrent_uploads: int = 5
    """Blobs of one push that leave at once."""
    group: str = "docker"
    """Group that may use the unix socket."""
    bip: str = ""
    """Address and prefix of the default bridge; empty chooses a free one."""
    fixed_cidr: str = ""
    """Part of the default bridge's subnet that addresses are given from."""
    bip6: str = ""
    """As `bip`, of IPv6."""
    fixed_cidr_v6: str = ""
    """As `fixed_cidr`, of IPv6."""
    ipv6: bool = False
    """Give the default bridge IPv6 addresses, too."""
    icc: bool = True
    """Let containers of the default bridge talk to each other."""
    ip_masq: bool = True
    """Hide the default bridge's containers behind this host's addresses."""
    default_gateway: str = ""
    """Where the default bridge's containers send what goes out; empty is the bridge itself."""
    default_gateway_v6: str = ""
    """As `default_gateway`, of IPv6."""
    iptables: bool = True
    """Write firewall rules of IPv4; without them published ports are relayed by the engine."""
    ip6tables: bool = True
    """As `iptables`, of IPv6."""
    ip_forward: bool = True
    """Switch forwarding between this host's links on where a network needs it."""
    ip_forward_no_drop: bool = False
    """Forward for everybody where the engine switched it on, not for containers alone."""
    mtu: int = 0
    """Largest packet of networks in bytes; 0 takes that of the host's default route."""
    ip: str = ""
    """Address where ports are published that name none; empty is every one."""
    allow_direct_routing: bool = False
    """Let other hosts reach published ports at the containers' own addresses."""
    reach: str = ""
    """Who reaches ports that name neither address nor reach: `me`, `lan`, `world` (empty)."""
    userland_proxy: bool = True
    """Serve ::1 and IPv6 clients of IPv4 containers from the engine."""
    userland_proxy_path: str = ""
    """Docker's proxy program. Taken and not heeded: the engine itself passes on."""
    dns: tuple[str, ...] = ()
    """Name servers of containers that name none; empty is the host's."""
    dns_search: tuple[str, ...] = ()
    """Domains that their names are looked up in; empty is the host's."""
    dns_opts: tuple[str, ...] = ()
    """Options of their resolv.conf; empty is the host's."""
    host_gateway_ips: tuple[str, ...] = ()
    """What `host-gateway` of --add-host means; empty is the default bridge's gateway."""
    default_network_opts: dict[str, dict[str, str]] = {}
    """Options of new networks by driver."""
    default_address_pools: tuple[AddressPool, ...] = ()
    """Where subnets of new networks come from; empty takes the built-in ones."""
    plugin_sockets: Path = Path("/run/docker/plugins")
    """Folder where plugins have their sockets."""
    plugin_specs: tuple[Path, ...] = (Path("/etc/docker/plugins"), Path("/usr/lib/docker/plugins"))
    """Folders with files that tell where other plugins are."""
    plugin_timeout: float = 30.0
    """Seconds that a plugin is waited for that is not there."""
    tls_verify: bool = False
    """Ask TCP clients for a certificate."""
    tls_ca: str = ""
    """Authority of client certificates."""
    tls_cert: str = ""
    """The engine's certificate; TCP listeners speak TLS when it is set."""
    tls_key: str = ""
    """Its key."""

    @property
    def instance(self) -> str:
        """Tells engines on one host apart: empty for the default data root, else six digits."""
        if str(self.data_root) == DEFAULT_DATA_ROOT:
            return ""
        return hashlib.sha256(str(self.data_root).encode()).hexdigest()[:6]

    @property
    def debug(self) -> bool:
        """Whether debug lines are written."""
        return self.log_level == "debug"
