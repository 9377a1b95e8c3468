"""The addresses of one network: its pools of both families, and what an endpoint gets from them.

Source: moby 28.3, libnetwork/endpoint.go (assignAddress), libnetwork/ipamapi.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from ipaddress import ip_address, ip_network

import msgspec

from budu.base.errors import BuduError, InvalidArgument, ResourceExhausted
from budu.network.contract import EndpointState, NetworkSpec, Subnet
from budu.network.ipam import Address, Pool, parse_address
from budu.network.subnets import of_version

OTHER_GATEWAY = {4: "DefaultGatewayIPv4", 6: "DefaultGatewayIPv6"}
"""Auxiliary addresses of these names are where containers are sent instead of the gateway."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An address in a network; all empty where the network has none of the family."""

    address: str = ""
    prefix_length: int = 0
    gateway: str = ""


class AddressBook:
    """All pools of a network whose subnets are chosen."""

    def __init__(self, spec: NetworkSpec) -> None:
        self._pools = {
            version: [
                (_pool(each, f"{spec.name} ({spec.id})"), each)
                for each in of_version(spec, version)
            ]
            for version in (4, 6)
        }

    def take(self, version: int, wanted: str, undo: ExitStack) -> Place:
        """An address of one family: `wanted`, or the next free one; `undo` gives it back.

        Raises: InvalidArgument, PermissionDenied, ResourceExhausted as `ipam`.
        """
        pools = self._pools[version]
        if not pools:
            if wanted:
                raise _no_family(wanted, version)
            return Place()
        if wanted:
            pool, subnet = self._pool_of(wanted, version)
            address = parse_address(wanted, version=version)
            pool.reserve(address)
        else:
            pool, subnet, address = self._next(version)
        undo.callback(pool.release, address)
        return Place(
            address=str(address),
            prefix_length=pool.subnet.prefixlen,
            gateway=subnet.auxiliary.get(OTHER_GATEWAY[version]) or subnet.gateway,
        )

    def take_again(self, state: EndpointState) -> None:
        """Count the addresses of an endpoint that lives already as taken."""
        for version, text in ((4, state.address), (6, state.address6)):
            if text and self._pools[version]:
                self._pool_of(text, version)[0].reserve_again(ip_address(text))

    def release(self, state: EndpointState) -> None:
        """Give an endpoint's addresses back."""
        for version, text in ((4, state.address), (6, state.address6)):
            if text and self._pools[version]:
                self._pool_of(text, version)[0].release(ip_address(text))

    def _pool_of(self, text: str, version: int) -> tuple[Pool, Subnet]:
        address = parse_address(text, version=version)
        pools = self._pools[version]
        return next((each for each in pools if address in each[0].subnet), pools[0])

    def _next(self, version: int) -> tuple[Pool, Subnet, Address]:
        """An address of the first pool that has one; the last one's complaint when none has."""
        *others, last = self._pools[version]
        for pool, subnet in others:
            with suppress(ResourceExhausted):
                return pool, subnet, pool.allocate()
        return (*last, last[0].allocate())


def _pool(subnet: Subnet, network: str) -> Pool:
    return Pool(
        ip_network(subnet.subnet),
        ip_address(subnet.gateway) if subnet.gateway else None,
        network=network,
        ip_range=ip_network(subnet.ip_range) if subnet.ip_range else None,
        auxiliary=[ip_address(each) for each in subnet.auxiliary.values()],
    )


def _no_family(wanted: str, version: int) -> BuduError:
    parse_address(wanted, version=version)
    return InvalidArgument(
        "invalid endpoint settings:\n"
        f"no configured subnet or ip-range contain the IP address {wanted}"
    )
