"""The engine's settings: command line over `daemon.json` over defaults, under Docker's names.

Source: dockerd reference, "Options" and "Daemon configuration file".
"""

from __future__ import annotations

import argparse
import hashlib
import ipaddress
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from budu import __version__
from budu.base.errors import Hint, InvalidArgument

DEFAULT_DATA_ROOT = "/var/lib/budu"
DEFAULT_EXEC_ROOT = "/run/budu"
DEFAULT_CONFIG_FILE = "/etc/budu/daemon.json"
REACHES = ("me", "lan", "world")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")


class AddressPool(msgspec.Struct, frozen=True, kw_only=True):
    """A range of addresses that is cut into subnets with prefixes of `size` bits."""

    base: str
    size: int


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set. Built by `read_options`, which validates."""

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
    mtu: int = 0
    """Largest packet of networks in bytes; 0 takes that of the host's default route."""
    ip: str = ""
    """Address where ports are published that name none; empty is every one."""
    reach: str = ""
    """Who reaches ports that name neither address nor reach: `me`, `lan`, `world` (empty)."""
    userland_proxy: bool = True
    """Serve ::1 and IPv6 clients of IPv4 containers from the engine."""
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


_KEYS: dict[str, str] = {
    "data-root": "data_root",
    "exec-root": "exec_root",
    "hosts": "hosts",
    "pidfile": "pidfile",
    "insecure-registries": "insecure_registries",
    "registry-mirrors": "registry_mirrors",
    "log-level": "log_level",
    "log-format": "log_format",
    "log-driver": "log_driver",
    "log-opts": "log_opts",
    "log-budget": "log_budget",
    "max-concurrent-downloads": "max_concurrent_downloads",
    "image-cleanup": "image_cleanup",
    "signature-policy": "signature_policy",
    "registry-config": "registry_config",
    "max-concurrent-uploads": "max_concurrent_uploads",
    "group": "group",
    "bip": "bip",
    "fixed-cidr": "fixed_cidr",
    "bip6": "bip6",
    "fixed-cidr-v6": "fixed_cidr_v6",
    "ipv6": "ipv6",
    "icc": "icc",
    "ip-masq": "ip_masq",
    "mtu": "mtu",
    "ip": "ip",
    "reach": "reach",
    "userland-proxy": "userland_proxy",
    "dns": "dns",
    "dns-search": "dns_search",
    "dns-opts": "dns_opts",
    "host-gateway-ips": "host_gateway_ips",
    "default-network-opts": "default_network_opts",
    "default-address-pools": "default_address_pools",
    "plugin-sockets": "plugin_sockets",
    "plugin-specs": "plugin_specs",
    "plugin-timeout": "plugin_timeout",
    "tlsverify": "tls_verify",
    "tlscacert": "tls_ca",
    "tlscert": "tls_cert",
    "tlskey": "tls_key",
}
_LISTS = frozenset(
    {"hosts", "insecure_registries", "registry_mirrors", "dns", "dns_search", "dns_opts"}
)


_CLEANUP = "when images go by themselves: unused-for=30d, keep-last=3, max-size=20g"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="budud",
        description="The budu engine: serves the Docker Engine API and owns its containers.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--data-root", metavar="PATH", help=f"data that survives a reboot ({DEFAULT_DATA_ROOT})")
    add("--exec-root", metavar="PATH", help=f"sockets and run-time state ({DEFAULT_EXEC_ROOT})")
    add(
        "-H",
        "--host",
        action="append",
        dest="hosts",
        metavar="URL",
        help="unix:// or tcp:// listener",
    )
    add("-p", "--pidfile", metavar="FILE", help="process id file")
    add("--insecure-registry", action="append", dest="insecure_registries", metavar="HOST")
    add("--registry-mirror", action="append", dest="registry_mirrors", metavar="URL")
    add("-l", "--log-level", choices=LOG_LEVELS)
    add("--log-format", choices=("text", "json"))
    add("--log-driver", metavar="NAME", help="log driver of containers that name none (local)")
    add("--log-opt", action="append", dest="log_opts", metavar="KEY=VALUE")
    add("--log-budget", metavar="SIZE", help="what all logs may take: 20g, 10%% of the disk")
    add("-D", "--debug", action="store_const", const="debug", dest="log_level")
    add("--max-concurrent-downloads", type=int, metavar="N")
    add("--max-concurrent-uploads", type=int, metavar="N")
    add("--image-cleanup", action="append", metavar="RULE=VALUE", help=_CLEANUP)
    add("--signature-policy", metavar="FILE", help="which images may be pulled")
    add("--registry-config", metavar="FOLDER", help="hosts.toml and certificates of registries")
    add("-G", "--group", metavar="NAME", help="group that may use the unix socket (docker)")
    add("--bip", metavar="CIDR", help="address of the default bridge")
    add("--fixed-cidr", metavar="CIDR", help="part of its subnet that addresses come from")
    add("--bip6", metavar="CIDR", help="its IPv6 address")
    add("--fixed-cidr-v6", metavar="CIDR", help="part of its IPv6 subnet for addresses")
    for name, destination, words in (
        ("ipv6", "ipv6", "give the default bridge IPv6 addresses"),
        ("icc", "icc", "let its containers talk to each other"),
        ("ip-masq", "ip_masq", "hide its containers behind this host's addresses"),
        ("userland-proxy", "userland_proxy", "serve ::1 and IPv6 clients from the engine"),
    ):
        add(f"--{name}", type=_truth, nargs="?", const=True, dest=destination, help=words)
    add("--mtu", type=int, metavar="BYTES", help="largest packet of networks")
    add("--ip", metavar="ADDRESS", help="where ports are published that name no address")
    add("--reach", choices=REACHES, help="who reaches published ports (world)")
    add("--dns", action="append", metavar="ADDRESS", help="name servers of containers")
    add("--dns-search", action="append", metavar="DOMAIN", help="domains of their names")
    add("--dns-opt", action="append", dest="dns_opts", metavar="OPTION")
    add("--host-gateway-ip", action="append", dest="host_gateway_ips", metavar="ADDRESS")
    add(
        "--default-network-opt",
        action="append",
        dest="default_network_opts",
        metavar="DRIVER=KEY=VALUE",
        help="options of new networks",
    )
    add(
        "--default-address-pool",
        action="append",
        dest="default_address_pools",
        metavar="base=CIDR,size=N",
        help="where subnets of networks come from",
    )
    add("--plugin-sockets", metavar="PATH", help="plugins' sockets (/run/docker/plugins)")
    add("--plugin-specs", action="append", metavar="PATH", help="files that tell of plugins")
    add("--plugin-timeout", type=float, metavar="SECONDS", help="wait for a plugin (30)")
    add("--tls", action="store_true", default=None, help=argparse.SUPPRESS)
    add("--tlsverify", action="store_true", default=None, dest="tls_verify")
    add("--tlscacert", dest="tls_ca", metavar="FILE")
    add("--tlscert", dest="tls_cert", metavar="FILE")
    add("--tlskey", dest="tls_key", metavar="FILE")
    add("--config-file", metavar="FILE", help=f"settings in JSON ({DEFAULT_CONFIG_FILE})")
    add("-v", "--version", action="version", version=f"budu version {__version__}")
    return parser


def read_options(argv: Sequence[str]) -> Options:
    """The settings from the command line and the settings file.

    Raises: InvalidArgument for a bad file, a key set in both places, or a wrong value.
    """
    given = {
        key: value for key, value in vars(_parser().parse_args(argv)).items() if value is not None
    }
    given.pop("tls", None)
    if "image_cleanup" in given:
        given["image_cleanup"] = dict(rule.partition("=")[::2] for rule in given["image_cleanup"])
    if "log_opts" in given:
        given["log_opts"] = dict(_log_option(text) for text in given["log_opts"])
    if "default_network_opts" in given:
        given["default_network_opts"] = _network_options(given["default_network_opts"])
    if "default_address_pools" in given:
        given["default_address_pools"] = [_pool(text) for text in given["default_address_pools"]]
    config_file = given.pop("config_file", None)
    from_file = _read_file(config_file)
    both = sorted(set(given) & set(from_file) - _LISTS)
    if both:
        flag = next(key for key, name in _KEYS.items() if name == both[0])
        raise InvalidArgument(
            "unable to configure the Docker daemon with file "
            f"{config_file or DEFAULT_CONFIG_FILE}: the following directives are specified both "
            f"as a flag and in the configuration file: {flag}"
        )
    for key in _LISTS & set(given) & set(from_file):
        in_file = from_file[key]
        given[key] = [*(in_file if isinstance(in_file, list) else [in_file]), *given[key]]
    return _build({**from_file, **given})


def _log_option(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise InvalidArgument(f"invalid logging option: {text}")
    return key, value


def _truth(text: str) -> bool:
    if text not in _TRUTH:
        raise argparse.ArgumentTypeError(f"invalid boolean value: {text}")
    return _TRUTH[text]


def _network_options(texts: Sequence[str]) -> dict[str, dict[str, str]]:
    """`bridge=com.docker.network.driver.mtu=1400` each."""
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        driver, first, rest = text.partition("=")
        key, second, value = rest.partition("=")
        if not (driver and first and key and second):
            raise InvalidArgument(f"invalid default network option: {text}")
        found.setdefault(driver, {})[key] = value
    return found


def _pool(text: str) -> dict[str, object]:
    """`base=10.10.0.0/16,size=24`."""
    fields = dict(part.strip().partition("=")[::2] for part in text.split(","))
    if set(fields) != {"base", "size"} or not fields["size"].isdecimal():
        raise InvalidArgument(f"invalid argument for default-address-pool: {text}")
    return {"base": fields["base"], "size": int(fields["size"])}


def _read_file(path: str | None) -> dict[str, object]:
    file = Path(path or DEFAULT_CONFIG_FILE)
    if path is None and not file.exists():
        return {}
    where = f"unable to configure the Docker daemon with file {file}"
    try:
        values = json.loads(file.read_text() or "{}")
    except OSError as error:
        raise InvalidArgument(f"{where}: open {file}: {(error.strerror or '').lower()}") from None
    except ValueError as error:
        raise InvalidArgument(f"{where}: {error}") from None
    if not isinstance(values, dict):
        raise InvalidArgument(f"{where}: the file must hold one JSON object")
    if values.pop("debug", False):
        values.setdefault("log-level", "debug")
    unknown = sorted(set(values) - set(_KEYS))
    if unknown:
        raise InvalidArgument(
            f"{where}: the following directives don't match any configuration option: "
            + ", ".join(unknown),
            hint=Hint("daemon.known-settings", known=", ".join(sorted(_KEYS))),
        )
    return {_KEYS[key]: value for key, value in values.items()}


def _build(values: Mapping[str, object]) -> Options:
    data_root = Path(str(values.get("data_root", DEFAULT_DATA_ROOT))).absolute()
    exec_root = Path(str(values.get("exec_root", DEFAULT_EXEC_ROOT))).absolute()
    complete = {
        **values,
        "data_root": str(data_root),
        "exec_root": str(exec_root),
        "hosts": values.get("hosts") or [f"unix://{exec_root}/budu.sock"],
        "pidfile": str(values.get("pidfile") or exec_root / "budu.pid"),
    }
    try:
        options = msgspec.convert(complete, Options, dec_hook=_to_path)
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"invalid settings: {error}") from None
    _check(options)
    return options


def _to_path(kind: type, value: object) -> object:
    return kind(value)


def _check(options: Options) -> None:
    if options.log_level not in LOG_LEVELS:
        raise InvalidArgument(f"unable to parse logging level: {options.log_level}")
    if options.max_concurrent_downloads < 1:
        raise InvalidArgument(
            f"invalid max concurrent downloads: {options.max_concurrent_downloads}"
        )
    if options.max_concurrent_uploads < 1:
        raise InvalidArgument(f"invalid max concurrent uploads: {options.max_concurrent_uploads}")
    if not 0 <= options.plugin_timeout <= 600:
        raise InvalidArgument(f"invalid plugin timeout: {options.plugin_timeout:g}")
    _check_networks(options)
    for host in options.hosts:
        scheme, separator, rest = host.partition("://")
        if scheme not in ("unix", "tcp") or not separator or not rest:
            raise InvalidArgument(
                f"invalid bind address ({host}): should be unix:///path or tcp://host:port"
            )
    for folder in (options.data_root, options.exec_root):
        if len(os.fsencode(folder)) > 4000:
            raise InvalidArgument(f"path too long: {folder}")


def _check_networks(options: Options) -> None:
    if options.reach not in ("", *REACHES):
        raise InvalidArgument(f"invalid reach: {options.reach}: must be one of me, lan, world")
    if options.mtu and not 68 <= options.mtu <= 65535:
        raise InvalidArgument(f"invalid mtu: {options.mtu}")
    for name, text, kind in (
        ("bip", options.bip, ipaddress.IPv4Interface),
        ("fixed-cidr", options.fixed_cidr, ipaddress.IPv4Interface),
        ("bip6", options.bip6, ipaddress.IPv6Interface),
        ("fixed-cidr-v6", options.fixed_cidr_v6, ipaddress.IPv6Interface),
    ):
        if text and not _parses(kind, text):
            raise InvalidArgument(f"invalid value of {name}: {text}")
    addresses = [("ip", options.ip)] if options.ip else []
    addresses += [("dns", each) for each in options.dns]
    addresses += [("host-gateway-ips", each) for each in options.host_gateway_ips]
    for name, text in addresses:
        if not _parses(ipaddress.ip_address, text):
            raise InvalidArgument(f"invalid value of {name}: {text}")
    for pool in options.default_address_pools:
        if not _is_pool(pool):
            raise InvalidArgument(f"invalid default address pool: {pool.base}, size {pool.size}")


def _parses(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _is_pool(pool: AddressPool) -> bool:
    if not _parses(ipaddress.ip_network, pool.base):
        return False
    base = ipaddress.ip_network(pool.base)
    return base.prefixlen <= pool.size <= base.max_prefixlen - 2
