"""What must be repaired when an engine takes over the endpoints of an earlier one. Pure.

The facts are looked up and the repairs made by `fabric`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from budu.network.contract import EndpointState, PortBinding


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found on the host.

    `links` are all links with our prefix that exist, `attached` those of them on bridges of ours;
    `marked` the links that bear our mark as a network's: bridges, and parents that we made.
    """

    links: tuple[str, ...]
    attached: tuple[str, ...]
    marked: tuple[str, ...] = ()


class Repairs(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, and what cannot be repaired.

    `attach`: endpoints whose link is there and belongs on its bridge. `remove`: links that no live
    endpoint or network owns. `lost`: endpoints whose link is gone; only a restart of their
    container brings it back.
    """

    attach: tuple[EndpointState, ...]
    remove: tuple[str, ...]
    lost: tuple[EndpointState, ...]


def plan_repairs(
    states: Sequence[EndpointState], facts: Facts, *, networks: Mapping[str, str]
) -> Repairs:
    """Compare the live endpoints with the facts; `networks` are links of networks by network id.

    An endpoint of macvlan or ipvlan has no end on the host: nothing can be said about it.
    """
    here, owned = set(facts.links), {state.host_link for state in states}
    with_link = [state for state in states if state.host_link]
    strays = [link for link in facts.attached if link not in owned]
    strays += [link for link in facts.marked if link not in networks.values()]
    return Repairs(
        attach=tuple(state for state in with_link if state.host_link in here),
        remove=tuple(strays),
        lost=tuple(state for state in with_link if state.host_link not in here),
    )


def lost_link_warning(state: EndpointState) -> str:
    """The sentence about an endpoint whose link is gone."""
    return (
        f"container {state.name} has lost its network link {state.host_link}; "
        "restart the container to connect it again"
    )


def lost_network_warning(state: EndpointState) -> str:
    """The sentence about an endpoint of a network that there is no more."""
    return (
        f"container {state.name} is connected to network {state.network_id[:12]}, which could not "
        "be made again"
    )


def lost_port_warning(state: EndpointState, binding: PortBinding) -> str:
    """The sentence about a port that another process took while no engine held it."""
    return (
        f"host port {binding.host_address}:{binding.host_port}/{binding.protocol} of container "
        f"{state.name} is also bound by another process; connections go to the container"
    )
