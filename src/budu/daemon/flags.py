"""The command line of `budud`: flags to values of `Options`' fields.

Source: dockerd reference, "Options".
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from budu import __version__
from budu.base.errors import InvalidArgument
from budu.daemon.options import (
    COMPRESSIONS,
    DEFAULT_CONFIG_FILE,
    DEFAULT_DATA_ROOT,
    DEFAULT_EXEC_ROOT,
    LOG_LEVELS,
    REACHES,
)

_Add = Callable[..., object]
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def read_flags(argv: Sequence[str]) -> tuple[dict[str, object], str | None]:
    """What the command line sets, by the fields of `Options`; the settings file it names.

    Ends the process with a sentence on usage for words that are no flags.
    Raises: InvalidArgument for a value of several parts that is malformed.
    """
    given = vars(_parser().parse_args(argv))
    file = given.pop("config_file")
    del given["tls"]
    values = {
        name: _PARTS[name](value) if name in _PARTS else value
        for name, value in given.items()
        if value is not None
    }
    return values, file


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="budud",
        description="The budu engine: serves the Docker Engine API and owns its containers.",
        allow_abbrev=False,
    )
    _add_process(parser.add_argument)
    _add_images(parser.add_argument)
    _add_logs(parser.add_argument)
    _add_default_bridge(parser.add_argument)
    _add_networks(parser.add_argument)
    _add_plugins(parser.add_argument)
    _add_tls(parser.add_argument)
    return parser


def _add_process(add: _Add) -> None:
    add("--data-root", metavar="PATH", help=f"data that survives a reboot ({DEFAULT_DATA_ROOT})")
    add("--exec-root", metavar="PATH", help=f"sockets and run-time state ({DEFAULT_EXEC_ROOT})")
    add("--config-file", metavar="FILE", help=f"settings in JSON ({DEFAULT_CONFIG_FILE})")
    host = "unix:// or tcp:// listener"
    add("-H", "--host", action="append", dest="hosts", metavar="URL", help=host)
    add("-G", "--group", metavar="NAME", help="group that may use the unix socket (docker)")
    add("-p", "--pidfile", metavar="FILE", help="process id file")
    add("-v", "--version", action="version", version=f"budu version {__version__}")


def _add_images(add: _Add) -> None:
    add("--insecure-registry", action="append", dest="insecure_registries", metavar="HOST")
    add("--registry-mirror", action="append", dest="registry_mirrors", metavar="URL")
    add("--registry-config", metavar="FOLDER", help="hosts.toml and certificates of registries")
    add("--signature-policy", metavar="FILE", help="which images may be pulled")
    add("--max-concurrent-downloads", type=int, metavar="N")
    add("--max-concurrent-uploads", type=int, metavar="N")
    budget = "what the build cache may take: 20g, 10%% of the disk"
    add("--build-budget", metavar="SIZE", help=budget)
    packing = "how layers that are made here are packed (fast)"
    add("--image-compression", choices=COMPRESSIONS, help=packing)
    cleanup = "when images go by themselves: unused-for=30d, keep-last=3, max-size=20g"
    add("--image-cleanup", action="append", metavar="RULE=VALUE", help=cleanup)


def _add_logs(add: _Add) -> None:
    add("-l", "--log-level", choices=LOG_LEVELS)
    add("-D", "--debug", action="store_const", const="debug", dest="log_level")
    add("--log-format", choices=("text", "json"))
    add("--log-driver", metavar="NAME", help="log driver of containers that name none (local)")
    add("--log-opt", action="append", dest="log_opts", metavar="KEY=VALUE")
    add("--log-budget", metavar="SIZE", help="what all logs may take: 20g, 10%% of the disk")


def _add_default_bridge(add: _Add) -> None:
    add("--bip", metavar="CIDR", help="address of the default bridge")
    add("--fixed-cidr", metavar="CIDR", help="part of its subnet that addresses come from")
    add("--bip6", metavar="CIDR", help="its IPv6 address")
    add("--fixed-cidr-v6", metavar="CIDR", help="part of its IPv6 subnet for addresses")
    add("--default-gateway", metavar="ADDRESS", help="where its containers send what goes out")
    add("--default-gateway-v6", metavar="ADDRESS", help="as --default-gateway, of IPv6")
    for name, destination, words in (
        ("ipv6", "ipv6", "give the default bridge IPv6 addresses"),
        ("icc", "icc", "let its containers talk to each other"),
        ("ip-masq", "ip_masq", "hide its containers behind this host's addresses"),
        ("userland-proxy", "userland_proxy", "serve ::1 and IPv6 clients from the engine"),
        ("allow-direct-routing", "allow_direct_routing", "reach ports at containers' addresses"),
        ("iptables", "iptables", "write firewall rules of IPv4"),
        ("ip6tables", "ip6tables", "write firewall rules of IPv6"),
        ("ip-forward", "ip_forward", "switch forwarding on where a network needs it"),
        ("ip-forward-no-drop", "ip_forward_no_drop", "forward for everybody then"),
    ):
        add(f"--{name}", type=_truth, nargs="?", const=True, dest=destination, help=words)


def _add_networks(add: _Add) -> None:
    add("--userland-proxy-path", metavar="FILE", help="taken and not heeded")
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


def _add_plugins(add: _Add) -> None:
    add("--plugin-sockets", metavar="PATH", help="plugins' sockets (/run/docker/plugins)")
    add("--plugin-specs", action="append", metavar="PATH", help="files that tell of plugins")
    add("--plugin-timeout", type=float, metavar="SECONDS", help="wait for a plugin (30)")


def _add_tls(add: _Add) -> None:
    add("--tls", action="store_true", default=None, help=argparse.SUPPRESS)
    add("--tlsverify", action="store_true", default=None, dest="tls_verify")
    add("--tlscacert", dest="tls_ca", metavar="FILE")
    add("--tlscert", dest="tls_cert", metavar="FILE")
    add("--tlskey", dest="tls_key", metavar="FILE")


def _truth(text: str) -> bool:
    if text not in _TRUTH:
        raise argparse.ArgumentTypeError(f"invalid boolean value: {text}")
    return _TRUTH[text]


def _cleanup_rules(texts: Sequence[str]) -> dict[str, str]:
    """`keep-last=3` each."""
    return dict(text.partition("=")[::2] for text in texts)


def _log_options(texts: Sequence[str]) -> dict[str, str]:
    """`max-size=10m` each."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise InvalidArgument(f"invalid logging option: {text}")
        found[key] = value
    return found


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


def _pools(texts: Sequence[str]) -> list[dict[str, object]]:
    """`base=10.10.0.0/16,size=24` each."""
    return [_pool(text) for text in texts]


def _pool(text: str) -> dict[str, object]:
    fields = dict(part.strip().partition("=")[::2] for part in text.split(","))
    if set(fields) != {"base", "size"} or not fields["size"].isdecimal():
        raise InvalidArgument(f"invalid argument for default-address-pool: {text}")
    return {"base": fields["base"], "size": int(fields["size"])}


_PARTS: dict[str, Callable[[Sequence[str]], object]] = {
    "image_cleanup": _cleanup_rules,
    "log_opts": _log_options,
    "default_network_opts": _network_options,
    "default_address_pools": _pools,
}
"""Flags whose values have parts, and who takes them apart."""
