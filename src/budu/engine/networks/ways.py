"""Which of a container's networks leads out, and which one its ports are published in. Pure.

The highest gateway priority wins, then a network that is not internal, then one with more
families, then the first by name. Ports are published in the first bridge of that order; without one
the first network of a plugin is told of them.
Source: Docker docs, "Connecting to multiple networks"; moby 28.3, libnetwork/sandbox.go (Less).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from budu.network.contract import BRIDGE, DRIVERS, NetworkSpec


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One network of a container, with what is needed to choose."""

    spec: NetworkSpec
    priority: int = 0


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """The choice: names of networks, empty where none can."""

    v4: str = ""
    v6: str = ""
    ports: str = ""


def choose_ways(networks: Mapping[str, Way]) -> Ways:
    """Choose among the networks of one container, by name."""
    order = sorted(networks, key=lambda name: _rank(name, networks[name]))
    specs = [(name, networks[name].spec) for name in order if not networks[name].spec.internal]
    return Ways(
        v4=next((name for name, spec in specs if spec.enable_ipv4), ""),
        v6=next((name for name, spec in specs if spec.enable_ipv6), ""),
        ports=next((name for name, spec in specs if spec.driver == BRIDGE), "")
        or next((name for name, spec in specs if spec.driver not in DRIVERS), ""),
    )


def _rank(name: str, way: Way) -> tuple[int, bool, int, str]:
    families = way.spec.enable_ipv4 + 2 * way.spec.enable_ipv6
    return -way.priority, way.spec.internal, -families, name
