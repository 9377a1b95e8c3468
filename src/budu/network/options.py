"""The drivers' options, as `docker network create -o` writes them, read and checked. Pure.

Options that nobody knows are kept with the network and otherwise ignored, as Docker does.

Source: moby 28.3, libnetwork/drivers/bridge (labels.go, fromLabels), drivers/macvlan and
drivers/ipvlan (network.go, parseNetworkOptions), libnetwork/netlabel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address

import msgspec

from budu.base.errors import Hint, InvalidArgument
from budu.network.contract import BRIDGE, IPVLAN, MACVLAN, NetworkSpec

PREFIX = "com.docker.network."
BRIDGE_NAME = f"{PREFIX}bridge.name"
ENABLE_ICC = f"{PREFIX}bridge.enable_icc"
ENABLE_IP_MASQUERADE = f"{PREFIX}bridge.enable_ip_masquerade"
HOST_BINDING_IPV4 = f"{PREFIX}bridge.host_binding_ipv4"
HOST_BINDING_IPV6 = f"{PREFIX}bridge.host_binding_ipv6"
GATEWAY_MODE_IPV4 = f"{PREFIX}bridge.gateway_mode_ipv4"
GATEWAY_MODE_IPV6 = f"{PREFIX}bridge.gateway_mode_ipv6"
INHIBIT_IPV4 = f"{PREFIX}bridge.inhibit_ipv4"
TRUSTED_HOST_INTERFACES = f"{PREFIX}bridge.trusted_host_interfaces"
DEFAULT_BRIDGE = f"{PREFIX}bridge.default_bridge"
IFACE_PREFIX = f"{PREFIX}container_iface_prefix"
MTU = f"{PREFIX}driver.mtu"
HOST_IPV4 = f"{PREFIX}host_ipv4"
HOST_IPV6 = f"{PREFIX}host_ipv6"
ENDPOINT_IFNAME = f"{PREFIX}endpoint.ifname"
ENDPOINT_SYSCTLS = f"{PREFIX}endpoint.sysctls"

NAT = "nat"
NAT_UNPROTECTED = "nat-unprotected"
ROUTED = "routed"
ISOLATED = "isolated"
GATEWAY_MODES = (NAT, NAT_UNPROTECTED, ROUTED, ISOLATED)

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
_LINK_NAME = re.compile(r"[^/\s:]{1,15}")


class BridgeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of a bridge network with their defaults.

    `mtu` 0 is the engine's default. `host_binding*` are where ports without an address are
    published; both empty means both families. `snat*` are the source addresses of what goes out.
    """

    name: str = ""
    icc: bool = True
    masquerade: bool = True
    host_binding4: str = ""
    host_binding6: str = ""
    mode4: str = NAT
    mode6: str = NAT
    inhibit4: bool = False
    trusted: tuple[str, ...] = ()
    default_bridge: bool = False
    iface_prefix: str = "eth"
    mtu: int = 0
    snat4: str = ""
    snat6: str = ""


class ParentOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of a macvlan or ipvlan network; `flag` is ipvlan's alone."""

    parent: str = ""
    mode: str
    flag: str = ""
    iface_prefix: str = "eth"
    mtu: int = 0


def bridge_options(spec: NetworkSpec) -> BridgeOptions:
    """Read a bridge network's options.

    Raises: InvalidArgument with Docker's sentences.
    """
    given = spec.options
    binding4 = _address(given, HOST_BINDING_IPV4)
    options = BridgeOptions(
        name=_link_name(given.get(BRIDGE_NAME, "")),
        icc=_boolean(given, ENABLE_ICC, default=True),
        masquerade=_boolean(given, ENABLE_IP_MASQUERADE, default=True),
        host_binding4=binding4,
        host_binding6=_address(given, HOST_BINDING_IPV6),
        mode4=_gateway_mode(given, GATEWAY_MODE_IPV4),
        mode6=_gateway_mode(given, GATEWAY_MODE_IPV6),
        inhibit4=_boolean(given, INHIBIT_IPV4, default=False),
        trusted=tuple(filter(None, given.get(TRUSTED_HOST_INTERFACES, "").split(":"))),
        default_bridge=_boolean(given, DEFAULT_BRIDGE, default=False),
        iface_prefix=given.get(IFACE_PREFIX, "") or "eth",
        mtu=_mtu(given),
        snat4=_address(given, HOST_IPV4),
        snat6=_address(given, HOST_IPV6),
    )
    if ISOLATED in (options.mode4, options.mode6) and not spec.internal:
        raise InvalidArgument("gateway mode 'isolated' can only be used for an internal network")
    return options


def parent_options(spec: NetworkSpec) -> ParentOptions:
    """Read a macvlan or ipvlan network's options.

    Raises: InvalidArgument with Docker's sentences.
    """
    given, driver = spec.options, spec.driver
    if given.get("parent") == "lo":
        raise InvalidArgument(f"loopback interface is not a valid {driver} parent link")
    modes = ("bridge", "private", "vepa", "passthru") if driver == MACVLAN else ("l2", "l3", "l3s")
    flags = ("bridge", "private", "vepa") if driver == IPVLAN else ("",)
    return ParentOptions(
        parent=_link_name(given.get("parent", "")),
        mode=_one_of(given.get(f"{driver}_mode", ""), modes, driver, what="mode"),
        flag=_one_of(given.get("ipvlan_flag", ""), flags, driver, what="flag"),
        iface_prefix=given.get(IFACE_PREFIX, "") or "eth",
        mtu=_mtu(given),
    )


def iface_prefix(spec: NetworkSpec) -> str:
    """How the names of links inside the containers begin."""
    if spec.driver == BRIDGE:
        return bridge_options(spec).iface_prefix
    return parent_options(spec).iface_prefix


def _one_of(value: str, known: tuple[str, ...], driver: str, *, what: str) -> str:
    if not value or known == ("",):
        return known[0]
    if value in known:
        return value
    suffix = "mode is the" if what == "mode" else "is the"
    raise InvalidArgument(
        f"requested {driver} {what} '{value}' is not valid, '{known[0]}' {suffix} "
        f"{driver} driver default",
        hint=Hint("network.option-values", known=", ".join(known)),
    )


def _boolean(given: Mapping[str, str], key: str, *, default: bool) -> bool:
    if key not in given:
        return default
    value = given[key]
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise _unreadable(key, value, f'strconv.ParseBool: parsing "{value}": invalid syntax')


def _mtu(given: Mapping[str, str]) -> int:
    value = given.get(MTU)
    if value is None:
        return 0
    sign = value[1:] if value[:1] in ("-", "+") else value
    if not (sign.isascii() and sign.isdecimal()):
        raise _unreadable(MTU, value, f'strconv.Atoi: parsing "{value}": invalid syntax')
    if int(value) < 0:
        raise InvalidArgument(f"invalid MTU number: {int(value)}")
    return int(value)


def _address(given: Mapping[str, str], key: str) -> str:
    value = given.get(key)
    if value is None:
        return ""
    try:
        return str(ip_address(value))
    except ValueError:
        raise _unreadable(key, value, "nil ip") from None


def _gateway_mode(given: Mapping[str, str], key: str) -> str:
    mode = given.get(key, NAT)
    if mode not in GATEWAY_MODES:
        raise _unreadable(key, mode, f"unknown gateway mode {mode}")
    return mode


def _unreadable(key: str, value: str, reason: str) -> InvalidArgument:
    return InvalidArgument(f"failed to parse {key} value: {value} ({reason})")


def _link_name(name: str) -> str:
    """The kernel's rule for names of links, checked before anything is made."""
    if name and (not _LINK_NAME.fullmatch(name) or name in (".", "..")):
        raise InvalidArgument(
            f"invalid interface name: {name}", hint=Hint("network.link-name", name=name)
        )
    return name
