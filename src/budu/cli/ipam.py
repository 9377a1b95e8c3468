"""`network create`: from `--subnet`, `--gateway`, `--ip-range` and `--aux-address` to pools. Light.

Which gateway belongs to which subnet follows from the addresses.
Source: docker/cli 28.2 `cli/command/network/create.go` (createIPAMConfig).
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from ipaddress import IPv4Network, IPv6Network
    from typing import Any

    AnyNetwork = IPv4Network | IPv6Network


class Pools:
    """The subnets of one creation with what belongs to each."""

    def __init__(self, subnets: Sequence[str]) -> None:
        """Raises: InvalidArgument for one that is none, and for overlapping ones."""
        self._pools: dict[str, AnyNetwork] = {}
        self._fields: dict[str, dict[str, Any]] = {}
        for text in subnets:
            pool = read_subnet(text)
            if any(pool.overlaps(other) for other in self._pools.values()):
                raise InvalidArgument("multiple overlapping subnet configuration is not supported")
            self._pools[text] = pool
            self._fields[text] = {"Subnet": text}

    def give(self, field: str, text: str, *, word: str, plural: str) -> None:
        """Put a gateway or a range where it belongs.

        Raises: InvalidArgument when it belongs nowhere or the place is taken.
        """
        fields = self._fields_of(text, word)
        if field in fields:
            raise InvalidArgument(
                f"cannot configure multiple {plural} ({text}, {fields[field]}) "
                + ("on" if field == "IPRange" else "for")
                + f" the same subnet ({fields['Subnet']})"
            )
        fields[field] = text

    def give_auxiliary(self, name: str, text: str) -> None:
        """Put an auxiliary address where it belongs. Raises: InvalidArgument."""
        fields = self._fields_of(text, "aux-address")
        fields.setdefault("AuxiliaryAddresses", {})[name] = text

    def _fields_of(self, text: str, word: str) -> dict[str, Any]:
        from ipaddress import ip_address

        try:
            address = ip_address(text.partition("/")[0])
        except ValueError:
            raise InvalidArgument(f"invalid {word} address: {text}") from None
        for key, pool in self._pools.items():
            if address in pool:
                return self._fields[key]
        raise InvalidArgument(f"no matching subnet for {word} {text}")

    def rendered(self) -> list[dict[str, Any]]:
        """IPAM.Config."""
        return list(self._fields.values())


def read_subnet(text: str) -> AnyNetwork:
    """One `--subnet`. Raises: InvalidArgument with Go's words."""
    from ipaddress import ip_network

    try:
        if "/" not in text:
            raise ValueError(text)
        return ip_network(text, strict=False)
    except ValueError:
        raise InvalidArgument(f"invalid subnet: invalid CIDR address: {text}") from None


def ipam_config(
    subnets: Sequence[str],
    *,
    ranges: Sequence[str],
    gateways: Sequence[str],
    auxiliary: Mapping[str, str],
) -> list[dict[str, Any]]:
    """IPAM.Config of a network creation.

    Raises: InvalidArgument with Docker's sentences.
    """
    if len(subnets) < len(ranges) or len(subnets) < len(gateways):
        raise InvalidArgument("every ip-range or gateway must have a corresponding subnet")
    pools = Pools(subnets)
    for text in ranges:
        pools.give("IPRange", text, word="range", plural="ranges")
    for text in gateways:
        pools.give("Gateway", text, word="gateway", plural="gateways")
    for name, text in auxiliary.items():
        pools.give_auxiliary(name, text)
    return pools.rendered()
