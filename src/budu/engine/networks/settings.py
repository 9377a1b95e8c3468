"""What a container may ask of a network: addresses, names, driver options. Pure.

Source: moby 28.3, daemon/container_operations.go (validateEndpointSettings,
updateNetworkSettings, buildEndpointDNSNames) for rules and sentences.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import msgspec

from budu.base.errors import InvalidArgument
from budu.engine.containers.model import Container
from budu.engine.networks.model import HOST, NONE, NetworkRecord
from budu.spec.api.network import EndpointIPAMConfig, EndpointSettings

SYSCTLS = "com.docker.network.endpoint.sysctls"
_FAMILIES = ("ipv4", "ipv6", "mpls")
_HEX = frozenset("0123456789abcdefABCDEF")


def check_settings(record: NetworkRecord, settings: EndpointSettings) -> EndpointSettings:
    """What was asked for and nothing else, checked.

    Raises: InvalidArgument with all that is wrong.
    """
    ipam = settings.ipam_config or EndpointIPAMConfig()
    wrong = [*_predefined_faults(record, settings, ipam), *_address_faults(ipam)]
    if not wrong:
        wrong = [*_range_faults(record, ipam.ipv4_address, 4)]
        wrong += _range_faults(record, ipam.ipv6_address, 6)
    if settings.mac_address and not _is_mac(settings.mac_address):
        raise InvalidArgument(f"invalid MAC address {settings.mac_address}")
    wrong += _sysctl_faults((settings.driver_opts or {}).get(SYSCTLS, ""))
    if wrong:
        raise InvalidArgument("invalid endpoint settings:\n" + "\n".join(wrong))
    return with_id(only_wishes(settings), record.id)


def only_wishes(settings: EndpointSettings) -> EndpointSettings:
    """What was asked for, without what a client may have read of another endpoint."""
    return EndpointSettings(
        ipam_config=settings.ipam_config,
        links=settings.links,
        aliases=settings.aliases,
        mac_address=settings.mac_address.lower().replace("-", ":"),
        driver_opts=settings.driver_opts,
        gw_priority=settings.gw_priority,
    )


def _predefined_faults(
    record: NetworkRecord, settings: EndpointSettings, ipam: EndpointIPAMConfig
) -> Iterable[str]:
    if not record.is_predefined:
        return
    if ipam.ipv4_address or ipam.ipv6_address:
        yield "user specified IP address is supported on user defined networks only"
    if settings.aliases and record.name in (HOST, NONE):
        yield "network-scoped alias is supported only for containers in user defined networks"


def _address_faults(ipam: EndpointIPAMConfig) -> Iterable[str]:
    if ipam.ipv4_address and not _is_usable(ipam.ipv4_address, IPv4Address):
        yield f"invalid IPv4 address: {ipam.ipv4_address}"
    if ipam.ipv6_address and not _is_usable(ipam.ipv6_address, IPv6Address):
        yield f"invalid IPv6 address: {ipam.ipv6_address}"
    for text in ipam.link_local_ips or ():
        if not (_is_usable(text, IPv4Address) or _is_usable(text, IPv6Address)):
            yield f"invalid link-local IP address: {text}"


def _is_usable(text: str, kind: type[IPv4Address] | type[IPv6Address]) -> bool:
    try:
        return not kind(text).is_unspecified
    except ValueError:
        return False


def _range_faults(record: NetworkRecord, text: str, version: int) -> Iterable[str]:
    """An address needs a subnet that the user chose, and must be inside."""
    if not text or record.is_predefined:
        return
    pools = [ip_network(each, strict=False) for each in record.asked]
    pools = [pool for pool in pools if pool.version == version]
    if not pools:
        yield (
            "user specified IP address is supported only when connecting to networks with user "
            "configured subnets"
        )
    elif not any(ip_address(text) in pool for pool in pools):
        yield f"no configured subnet or ip-range contain the IP address {text}"


def _sysctl_faults(text: str) -> Iterable[str]:
    for sysctl in text.split(",") if text else ():
        words = sysctl.split(".", 4)
        if len(words) != 5 or words[1] not in _FAMILIES or words[3].lower() != "ifname":
            yield (
                f"unrecognised network interface sysctl '{sysctl}'; represent 'net.X.Y.ethN.Z=V' "
                "as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'"
            )


def _is_mac(text: str) -> bool:
    parts = text.replace("-", ":").split(":")
    return len(parts) == 6 and all(len(part) == 2 and _HEX.issuperset(part) for part in parts)


def check_company(names: Iterable[str], joining: NetworkRecord) -> None:
    """Refuse to be in `joining` besides the networks `names`.

    Raises: InvalidArgument with Docker's sentences.
    """
    others = set(names) - {joining.name}
    if joining.name == HOST:
        raise InvalidArgument(
            "cannot connect container to host network - container must be created in host "
            "network mode"
        )
    if HOST in others:
        raise sharing_fault()
    if others and (joining.name == NONE or NONE in others):
        raise InvalidArgument(
            "container cannot be connected to multiple networks with one of the networks in "
            "private (none) mode"
        )


def sharing_fault() -> InvalidArgument:
    """Docker's sentence for a container without a namespace of its own."""
    return InvalidArgument(
        "container sharing network namespace with another container or host cannot be connected "
        "to any other network"
    )


def dns_names(container: Container, settings: EndpointSettings) -> list[str]:
    """The names of a container in a network of a user's own, the first for reverse look-ups."""
    names = [
        container.name,
        *(settings.aliases or ()),
        container.short_id,
        container.config.hostname,
    ]
    return list(dict.fromkeys(name for name in names if name))


def with_id(settings: EndpointSettings, id_: str) -> EndpointSettings:
    """The same wishes in the network with this id."""
    return msgspec.structs.replace(settings, network_id=id_)
