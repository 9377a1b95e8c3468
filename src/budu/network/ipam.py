"""Addresses: the pool of one subnet of either family, and the choice of a free subnet. Pure.

Source: moby 28.3, libnetwork/ipams/defaultipam and libnetwork/ipamutils (pools, sentences).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from budu.base.errors import Hint, InvalidArgument, PermissionDenied, ResourceExhausted

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network

_ALMOST_DEFAULT_PREFIX = 1
"""Routes this short are a default route in two halves, as VPN clients set them."""

_ULA_SUBNET_PREFIX = 64


class Pool:
    """The addresses of a subnet. The network's and the broadcast address are never given out.

    Addresses are given out of `ip_range` when there is one; any of the subnet can be asked for.
    `auxiliary` ones are in use by others. `network` stands in the sentences: `name (id)`.

    An address that was released is not given out again before all others were: a neighbour's ARP
    entry and a stranger's connection to the last owner get time to die.
    """

    def __init__(
        self,
        subnet: Prefix,
        gateway: Address | None,
        *,
        network: str,
        ip_range: Prefix | None = None,
        auxiliary: Iterable[Address] = (),
    ) -> None:
        self.subnet = subnet
        self.gateway = gateway
        self._network = network
        self._lowest, self._highest = _usable(subnet)
        within = ip_range or subnet
        self._first = max(self._lowest, int(within.network_address))
        self._last = min(self._highest, int(within.broadcast_address))
        self._kept = {int(each) for each in auxiliary}
        if gateway is not None:
            self._kept.add(int(gateway))
        self._taken = set(self._kept)
        self._next = self._first

    def allocate(self) -> Address:
        """The next free address.

        Raises: ResourceExhausted when there is none.
        """
        for candidate in self._candidates():
            if candidate not in self._taken:
                self._taken.add(candidate)
                self._next = candidate + 1
                return self._address(candidate)
        raise ResourceExhausted(
            f"no available IPv{self.subnet.version} addresses on this network's address pools: "
            f"{self._network}",
            hint=Hint("network.addresses-used-up", subnet=str(self.subnet), count=self.used),
        )

    def reserve(self, address: Address) -> None:
        """Take this address.

        Raises: InvalidArgument when it is not one of the subnet; PermissionDenied when it is taken.
        """
        value = int(address)
        if address.version != self.subnet.version or not self._lowest <= value <= self._highest:
            raise InvalidArgument(
                "invalid endpoint settings:\n"
                f"no configured subnet or ip-range contain the IP address {address}",
                hint=Hint("network.address-outside", address=str(address), subnet=str(self.subnet)),
            )
        if value in self._taken:
            raise PermissionDenied("Address already in use", reference=str(address))
        self._taken.add(value)

    def reserve_again(self, address: Address) -> None:
        """Take the address of an endpoint that lives already, whatever the pool thinks of it."""
        self._taken.add(int(address))

    def release(self, address: Address) -> None:
        """Give the address back; one that is not taken or kept for others stays as it is."""
        if int(address) not in self._kept:
            self._taken.discard(int(address))

    @property
    def used(self) -> int:
        """How many addresses are taken, the gateway's and auxiliary ones included."""
        return len(self._taken)

    def _candidates(self) -> Iterator[int]:
        start = self._next if self._next <= self._last else self._first
        yield from range(start, self._last + 1)
        yield from range(self._first, start)

    def _address(self, value: int) -> Address:
        return IPv4Address(value) if self.subnet.version == 4 else IPv6Address(value)


def parse_subnet(text: str) -> Prefix:
    """Read `10.9.0.0/24` or `fd00::/64`; host bits are dropped, as `10.9.0.1/24` in `bip`.

    Raises: InvalidArgument when it is none, or too small for a gateway and one container.
    """
    try:
        subnet = ip_network(text, strict=False)
    except ValueError:
        raise InvalidArgument(f"invalid CIDR address: {text}") from None
    if subnet.prefixlen > subnet.max_prefixlen - 2:
        raise InvalidArgument(
            f"invalid subnet {text}: a network needs at least a /{subnet.max_prefixlen - 2}"
        )
    return subnet


def parse_address(text: str, *, version: int = 4) -> Address:
    """Read an address of this family.

    Raises: InvalidArgument when it is none.
    """
    try:
        address = ip_address(text)
    except ValueError:
        raise InvalidArgument(f"invalid IPv{version} address: {text}") from None
    if address.version != version:
        raise InvalidArgument(f"invalid IPv{version} address: {text}")
    return address


def choose_gateway(subnet: Prefix, wanted: str = "", *, ip_range: Prefix | None = None) -> Address:
    """The gateway's address: `wanted`, or the first of the range or subnet.

    Raises: InvalidArgument when `wanted` lies outside.
    """
    if not wanted:
        lowest, _ = _usable(subnet)
        value = max(lowest, int((ip_range or subnet).network_address))
        return subnet.network_address + (value - int(subnet.network_address))
    gateway = parse_address(wanted, version=subnet.version)
    if gateway not in subnet:
        raise InvalidArgument(f"no matching subnet for gateway {wanted}")
    return gateway


def pool_subnets(pool: str) -> Iterator[Prefix]:
    """The subnets of a pool, `172.20.0.0/14:16` or `172.17.0.0/16`, `fd00::/48:64`.

    Raises: InvalidArgument when the text has another form.
    """
    text, colon, size = pool.rpartition(":")
    if "/" not in text:
        text, colon, size = pool, "", ""
    network = parse_subnet(text)
    prefix = int(size) if colon and size.isdecimal() else network.prefixlen
    if not network.prefixlen <= prefix <= network.max_prefixlen - 2:
        raise InvalidArgument(f"invalid default address pool: {pool}")
    return network.subnets(new_prefix=prefix)


def choose_subnet(pools: Iterable[str], taken: Iterable[Prefix], *, version: int = 4) -> Prefix:
    """The first subnet of this family's pools that overlaps none of the host's networks.

    Default routes, whole or in two halves, do not count as taken.

    Raises: InvalidArgument, as Docker has it, when every subnet overlaps.
    """
    blocked = _Blocked(
        each for each in taken if each.version == version and not _is_almost_default(each)
    )
    for pool in pools:
        for subnet in pool_subnets(pool):
            if subnet.version != version:
                break
            if not blocked.overlap(subnet):
                return subnet
    raise InvalidArgument(
        "all predefined address pools have been fully subnetted",
        hint=Hint("network.subnets-used-up", routes=blocked.text()),
    )


def ula_prefix(seed: str) -> str:
    """A unique local /48 that is always the same for the same seed.

    Source: RFC 4193, section 3.2; moby 28.3, daemon deriveULABaseNetwork.
    """
    digest = hashlib.sha256(seed.encode()).digest()
    return str(IPv6Network((b"\xfd" + digest[:5] + bytes(10), 48)))


def ula_pool(prefix: str) -> str:
    """The pool of /64 subnets of a unique local prefix."""
    return f"{prefix}:{_ULA_SUBNET_PREFIX}"


def mac_of(address: Address) -> str:
    """The MAC of the link that carries `address`: `02:42` and its last four bytes.

    The same address always has the same MAC, so that neighbours' ARP entries stay right.
    Source: moby 27, libnetwork/netutils GenerateMACFromIP.
    """
    return (b"\x02\x42" + address.packed[-4:]).hex(":")


class _Blocked:
    """Networks in use, asked for overlaps thousands of times: by first and last address."""

    def __init__(self, networks: Iterable[Prefix]) -> None:
        self._ranges = sorted(
            {
                (int(each.network_address), int(each.broadcast_address), str(each))
                for each in networks
            }
        )

    def overlap(self, subnet: Prefix) -> bool:
        first, last = int(subnet.network_address), int(subnet.broadcast_address)
        return any(low <= last and first <= high for low, high, _ in self._ranges)

    def text(self) -> str:
        return ", ".join(sorted(name for _, _, name in self._ranges))


def _usable(subnet: Prefix) -> tuple[int, int]:
    """The first and last address that a host can have; all of a subnet of one or two."""
    first, last = int(subnet.network_address), int(subnet.broadcast_address)
    if subnet.prefixlen >= subnet.max_prefixlen - 1:
        return first, last
    return first + 1, last - 1 if subnet.version == 4 else last


def _is_almost_default(network: Prefix) -> bool:
    if network.version == 4:
        return network.prefixlen <= _ALMOST_DEFAULT_PREFIX
    return network.prefixlen <= 3  # 2000::/3 is the way to the whole IPv6 internet
