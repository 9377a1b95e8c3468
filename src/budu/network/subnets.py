"""A network's subnets: checked as they were asked for, and chosen where they were not. Pure.

Source: moby 28.3, daemon/network.go validateIpamConfig and libnetwork/network.go ipamAllocate
(sentences).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv6Network, ip_address, ip_network

import msgspec

from budu.base.errors import InvalidArgument, PermissionDenied
from budu.network.contract import BRIDGE, NetworkSpec, Subnet
from budu.network.ipam import Prefix, choose_gateway, choose_subnet

_LINK_LOCAL = IPv6Network("fe80::/64")


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a choice of subnets depends on.

    `taken` are the host's networks, `others` the engine's networks by spec. `pools` and `pools6`
    are tried in order. `gateway4` and `gateway6`: whether the driver wants a gateway when none was
    asked for.
    """

    taken: Sequence[Prefix]
    others: Sequence[NetworkSpec]
    pools: Sequence[str]
    pools6: Sequence[str]
    gateway4: bool = True
    gateway6: bool = True


def check_subnets(spec: NetworkSpec) -> None:
    """Check what was asked for, all mistakes at once.

    Raises: InvalidArgument.
    """
    if not spec.enable_ipv4 and not spec.enable_ipv6:
        raise InvalidArgument("IPv4 or IPv6 must be enabled")
    mistakes = [line for each in spec.subnets for line in _mistakes(each, spec)]
    if mistakes:
        raise InvalidArgument("\n".join(["invalid network config:", *mistakes]))
    if spec.driver == BRIDGE:
        for version in (4, 6):
            if sum(_version(each) == version for each in spec.subnets) > 1:
                raise PermissionDenied("bridge driver doesn't support multiple subnets")


def choose_subnets(spec: NetworkSpec, choice: Choice) -> tuple[Subnet, ...]:
    """The subnets of a network with everything chosen: IPv4 first, then IPv6.

    Raises: PermissionDenied for one that overlaps another network's; InvalidArgument when none is
    free.
    """
    chosen: list[Subnet] = []
    for version, enabled in ((4, spec.enable_ipv4), (6, spec.enable_ipv6)):
        if not enabled:
            continue
        asked = [each for each in spec.subnets if _version(each) == version]
        for each in asked or [Subnet()]:
            chosen.append(_complete(each, chosen, choice, version))
    return tuple(chosen)


def prefixes(spec: NetworkSpec) -> Iterator[Prefix]:
    """The subnets of a network whose subnets are chosen."""
    for each in spec.subnets:
        if each.subnet:
            yield ip_network(each.subnet)


def of_version(spec: NetworkSpec, version: int) -> list[Subnet]:
    """The subnets of one family, 4 or 6."""
    return [each for each in spec.subnets if each.subnet and _version(each) == version]


def _complete(wish: Subnet, before: list[Subnet], choice: Choice, version: int) -> Subnet:
    if wish.subnet:
        subnet: Prefix = ip_network(wish.subnet)
        _check_overlap(wish, before, choice)
    else:
        pools = choice.pools if version == 4 else choice.pools6
        used = [each for other in choice.others for each in prefixes(other)]
        used += [ip_network(each.subnet) for each in before]
        subnet = choose_subnet(pools, [*choice.taken, *used], version=version)
    wants_gateway = choice.gateway4 if version == 4 else choice.gateway6
    gateway = wish.gateway
    if wants_gateway or gateway:
        ip_range = ip_network(wish.ip_range) if wish.ip_range else None
        gateway = str(choose_gateway(subnet, gateway, ip_range=ip_range))
    return msgspec.structs.replace(wish, subnet=str(subnet), gateway=gateway)


def _check_overlap(wish: Subnet, before: Iterable[Subnet], choice: Choice) -> None:
    """Two networks may share a subnet when both keep to ranges of their own, as Docker has it."""
    others = [each for spec in choice.others for each in spec.subnets if each.subnet]
    subnet = ip_network(wish.subnet)
    for other in [*others, *before]:
        theirs = ip_network(other.subnet)
        if subnet.version != theirs.version or not subnet.overlaps(theirs):
            continue
        if subnet == theirs and _have_own_ranges(wish, other):
            continue
        raise PermissionDenied(
            "invalid pool request: Pool overlaps with other one on this address space",
            reference=wish.subnet,
        )


def _have_own_ranges(one: Subnet, other: Subnet) -> bool:
    if not one.ip_range or not other.ip_range:
        return False
    return not ip_network(one.ip_range).overlaps(ip_network(other.ip_range))


def _mistakes(asked: Subnet, spec: NetworkSpec) -> Iterator[str]:
    if not asked.subnet:
        if asked.gateway or asked.ip_range or asked.auxiliary:
            yield "invalid subnet : invalid CIDR block notation"
        return
    try:
        subnet = ip_network(asked.subnet, strict=False)
    except ValueError:
        yield f"invalid subnet {asked.subnet}: invalid CIDR block notation"
        return
    if "/" not in asked.subnet:
        yield f"invalid subnet {asked.subnet}: invalid CIDR block notation"
        return
    if subnet.version == 6 and not spec.enable_ipv6:
        return
    if str(ip_address(asked.subnet.partition("/")[0])) != str(subnet.network_address):
        yield f"invalid subnet {asked.subnet}: it should be {subnet}"
    yield from _range_mistakes(asked.ip_range, subnet)
    addresses = [("gateway", asked.gateway, asked.gateway)]
    addresses += [("auxiliary address", *each) for each in asked.auxiliary.items()]
    for what, name, address in addresses:
        reason = _address_mistake(address, subnet)
        if reason:
            yield f"invalid {what} {name}: {reason}"
    yield from _family_mistakes(subnet, asked.subnet)


def _range_mistakes(text: str, subnet: Prefix) -> Iterator[str]:
    if not text:
        return
    try:
        ip_range = ip_network(text, strict=False)
    except ValueError:
        yield f"invalid ip-range {text}: invalid CIDR block notation"
        return
    if ip_range.version != subnet.version:
        yield f"invalid ip-range {text}: parent subnet is an IPv{subnet.version} block"
        return
    if ip_range.prefixlen < subnet.prefixlen:
        bigger = f"CIDR block is bigger than its parent subnet {subnet}"
        yield f"invalid ip-range {text}: {bigger}"
    if str(ip_address(text.partition("/")[0])) != str(ip_range.network_address):
        yield f"invalid ip-range {text}: it should be {ip_range}"
    if not ip_range.overlaps(subnet):
        yield f"invalid ip-range {text}: parent subnet {subnet} doesn't contain ip-range"


def _address_mistake(text: str, subnet: Prefix) -> str:
    if not text:
        return ""
    try:
        address = ip_address(text)
    except ValueError:
        return "invalid address"
    if address.version != subnet.version:
        return f"parent subnet is an IPv{subnet.version} block"
    if address not in subnet:
        return f"parent subnet {subnet} doesn't contain this address"
    return ""


def _family_mistakes(subnet: Prefix, text: str) -> Iterator[str]:
    if isinstance(subnet, IPv6Network):
        if subnet.is_multicast:
            yield f"multicast subnet '{text}' is not allowed"
        elif subnet != _LINK_LOCAL and subnet.overlaps(_LINK_LOCAL):
            yield f"'{text}' clashes with the Link-Local prefix 'fe80::/64'"


def _version(subnet: Subnet) -> int:
    return 6 if ":" in subnet.subnet else 4
