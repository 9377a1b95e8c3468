"""Addresses: a pool of one subnet, and the choice of a free subnet. Pure.

Source: moby, libnetwork/ipam and libnetwork/ipamutils (default pools, sentences).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from budu.base.errors import Conflict, Hint, InvalidArgument, ResourceExhausted

_ALMOST_DEFAULT_PREFIX = 1
"""Routes this short are a default route in two halves, as VPN clients set them."""


class Pool:
    """The addresses of a subnet. The network's and the broadcast address are never given out.

    An address that was released is not given out again before all others were: a neighbour's ARP
    entry and a stranger's connection to the last owner get time to die.
    """

    def __init__(self, subnet: IPv4Network, gateway: IPv4Address, *, network: str) -> None:
        self.subnet = subnet
        self.gateway = gateway
        self._network = network
        self._first = int(subnet.network_address) + 1
        self._last = int(subnet.broadcast_address) - 1
        self._taken = {int(gateway)}
        self._next = self._first

    def allocate(self) -> IPv4Address:
        """The next free address.

        Raises: ResourceExhausted when there is none.
        """
        for candidate in self._candidates():
            if candidate not in self._taken:
                self._taken.add(candidate)
                self._next = candidate + 1
                return IPv4Address(candidate)
        raise ResourceExhausted(
            f"no available IPv4 addresses on this network's address pools: {self._network}",
            hint=Hint("network.addresses-used-up", subnet=str(self.subnet), count=self.used),
        )

    def reserve(self, address: IPv4Address) -> None:
        """Take this address.

        Raises: InvalidArgument when it is not one of the subnet; Conflict when it is taken.
        """
        value = int(address)
        if not self._first <= value <= self._last:
            raise InvalidArgument(
                "invalid endpoint settings:\n"
                f"no configured subnet or ip-range contain the IP address {address}",
                hint=Hint("network.address-outside", address=str(address), subnet=str(self.subnet)),
            )
        if value in self._taken:
            raise Conflict("Address already in use", reference=str(address))
        self._taken.add(value)

    def reserve_again(self, address: IPv4Address) -> None:
        """Take the address of an endpoint that lives already, whatever the pool thinks of it."""
        self._taken.add(int(address))

    def release(self, address: IPv4Address) -> None:
        """Give the address back; one that is not taken, and the gateway, stay as they are."""
        if address != self.gateway:
            self._taken.discard(int(address))

    @property
    def used(self) -> int:
        """How many addresses are taken, the gateway's included."""
        return len(self._taken)

    def _candidates(self) -> Iterator[int]:
        start = self._next if self._next <= self._last else self._first
        yield from range(start, self._last + 1)
        yield from range(self._first, start)


def parse_subnet(text: str) -> IPv4Network:
    """Read `10.9.0.0/24`; host bits are dropped, as `10.9.0.1/24` in Docker's `bip`.

    Raises: InvalidArgument when it is none, or too small for a gateway and one container.
    """
    try:
        subnet = IPv4Network(text, strict=False)
    except ValueError:
        raise InvalidArgument(f"invalid CIDR address: {text}") from None
    if subnet.prefixlen > 30:
        raise InvalidArgument(f"invalid subnet {text}: a network needs at least a /30")
    return subnet


def parse_address(text: str) -> IPv4Address:
    """Read an IPv4 address.

    Raises: InvalidArgument when it is none.
    """
    try:
        return IPv4Address(text)
    except ValueError:
        raise InvalidArgument(f"invalid IPv4 address: {text}") from None


def choose_gateway(subnet: IPv4Network, wanted: str = "") -> IPv4Address:
    """The gateway's address: `wanted`, or the first of the subnet.

    Raises: InvalidArgument when `wanted` lies outside.
    """
    if not wanted:
        return subnet.network_address + 1
    gateway = parse_address(wanted)
    if gateway not in subnet:
        raise InvalidArgument(f"no matching subnet for gateway {wanted}")
    return gateway


def pool_subnets(pool: str) -> Iterator[IPv4Network]:
    """The subnets of a pool, `172.20.0.0/14:16` or `172.17.0.0/16`.

    Raises: InvalidArgument when the text has another form.
    """
    text, _, size = pool.partition(":")
    network = parse_subnet(text)
    prefix = int(size) if size.isdecimal() else network.prefixlen
    if not network.prefixlen <= prefix <= 30:
        raise InvalidArgument(f"invalid default address pool: {pool}")
    return network.subnets(new_prefix=prefix)


def choose_subnet(pools: Iterable[str], taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first subnet of the pools that overlaps none of the host's networks.

    Default routes, whole or in two halves, do not count as taken.

    Raises: ResourceExhausted when every subnet overlaps.
    """
    blocked = [network for network in taken if network.prefixlen > _ALMOST_DEFAULT_PREFIX]
    for pool in pools:
        for subnet in pool_subnets(pool):
            if not any(subnet.overlaps(network) for network in blocked):
                return subnet
    raise ResourceExhausted(
        "all predefined address pools have been fully subnetted",
        hint=Hint("network.subnets-used-up", routes=", ".join(sorted(map(str, blocked)))),
    )


def mac_of(address: IPv4Address) -> str:
    """The MAC of the link that carries `address`: `02:42` and its four bytes.

    The same address always has the same MAC, so that neighbours' ARP entries stay right.
    Source: moby 27, libnetwork/netutils GenerateMACFromIP.
    """
    return (b"\x02\x42" + address.packed).hex(":")
