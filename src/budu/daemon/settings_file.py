"""The settings file, `daemon.json`: one JSON object with Docker's keys.

Source: dockerd reference, "Daemon configuration file".
"""

from __future__ import annotations

import json
from pathlib import Path

from budu.base.errors import Hint, InvalidArgument
from budu.daemon.options import DEFAULT_CONFIG_FILE

KEYS: dict[str, str] = {
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
    "build-budget": "build_budget",
    "max-concurrent-downloads": "max_concurrent_downloads",
    "image-compression": "image_compression",
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
    "default-gateway": "default_gateway",
    "default-gateway-v6": "default_gateway_v6",
    "allow-direct-routing": "allow_direct_routing",
    "iptables": "iptables",
    "ip6tables": "ip6tables",
    "ip-forward": "ip_forward",
    "ip-forward-no-drop": "ip_forward_no_drop",
    "mtu": "mtu",
    "ip": "ip",
    "reach": "reach",
    "userland-proxy": "userland_proxy",
    "userland-proxy-path": "userland_proxy_path",
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
"""Each key of the file, and the field of `Options` that it sets."""


def read_file(path: str | None) -> dict[str, object]:
    """What the file sets, by the fields of `Options`. None is the usual place, where none need be.

    Raises: InvalidArgument for a file that can't be read, or with a key that nobody knows.
    """
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
    if "host-gateway-ip" in values:  # its name before there could be several
        values.setdefault("host-gateway-ips", [values.pop("host-gateway-ip")])
    if "builder" in values:
        values |= _of_builder(values.pop("builder"), where)
    unknown = sorted(set(values) - set(KEYS))
    if unknown:
        raise InvalidArgument(
            f"{where}: the following directives don't match any configuration option: "
            + ", ".join(unknown),
            hint=Hint("daemon.known-settings", known=", ".join(sorted(KEYS))),
        )
    return {KEYS[key]: value for key, value in values.items()}


def _of_builder(builder: object, where: str) -> dict[str, object]:
    """Docker's settings for BuildKit's collector, as far as this builder has such a thing.

    Raises: InvalidArgument for others: a policy that is not kept must not look as if it were.
    """
    gc = builder.get("gc", {}) if isinstance(builder, dict) else None
    if not isinstance(gc, dict) or not isinstance(builder, dict):
        raise InvalidArgument(f"{where}: builder: gc must be an object")
    unknown = sorted([*(set(builder) - {"gc"}), *(f"gc.{key}" for key in set(gc) - _GC_KEYS)])
    if unknown:
        raise InvalidArgument(
            f"{where}: builder: this engine's builder has no {', '.join(unknown)}",
            hint=Hint("daemon.builder-settings"),
        )
    if gc.get("enabled") is False:
        return {"build-budget": "0"}
    sizes = [gc[key] for key in _GC_SIZES if gc.get(key)]
    return {"build-budget": sizes[0]} if sizes else {}


_GC_SIZES = ("defaultMaxUsedSpace", "defaultKeepStorage")
_GC_KEYS = frozenset((*_GC_SIZES, "enabled"))
