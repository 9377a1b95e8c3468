"""What the values of settings may be. Pure."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable

from budu.base.errors import InvalidArgument
from budu.daemon.options import COMPRESSIONS, LOG_LEVELS, REACHES, AddressPool, Options


def check(options: Options) -> None:
    """Raises: InvalidArgument with Docker's sentence for a value that can't be."""
    if options.log_level not in LOG_LEVELS:
        raise InvalidArgument(f"unable to parse logging level: {options.log_level}")
    if options.image_compression not in COMPRESSIONS:
        raise InvalidArgument(
            f"invalid image compression: {options.image_compression}: must be one of "
            + ", ".join(COMPRESSIONS)
        )
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
    _check_firewall(options)
    _check_gateways(options)
    addresses = [("ip", options.ip)] if options.ip else []
    addresses += [("dns", each) for each in options.dns]
    addresses += [("host-gateway-ips", each) for each in options.host_gateway_ips]
    for name, text in addresses:
        if not _parses(ipaddress.ip_address, text):
            raise InvalidArgument(f"invalid value of {name}: {text}")
    for pool in options.default_address_pools:
        if not _is_pool(pool):
            raise InvalidArgument(f"invalid default address pool: {pool.base}, size {pool.size}")


def _check_firewall(options: Options) -> None:
    """Source: moby 28.5, daemon/daemon_unix.go (verifyDaemonSettings)."""
    families = [("iptables", options.iptables)]
    families += [("ip6tables", options.ip6tables)] if options.ipv6 else []
    for name, is_on in families:
        if not is_on and not options.icc:
            raise InvalidArgument(
                f"You specified --{name}=false with --icc=false. ICC=false uses {name} to "
                f"function. Please set --icc or --{name} to true"
            )
    if options.reach == "lan" and not (options.iptables and options.ip6tables):
        raise InvalidArgument("reach lan needs the firewall rules that iptables=false forbids")


def _check_gateways(options: Options) -> None:
    for name, text, subnet in (
        ("default-gateway", options.default_gateway, options.bip or options.fixed_cidr),
        ("default-gateway-v6", options.default_gateway_v6, options.bip6 or options.fixed_cidr_v6),
    ):
        if not text:
            continue
        if not _parses(ipaddress.ip_address, text):
            raise InvalidArgument(f"invalid value of {name}: {text}")
        if not subnet or ipaddress.ip_address(text) not in ipaddress.ip_interface(subnet).network:
            raise InvalidArgument(f"invalid value of {name}: {text} is not in the bridge's subnet")


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
