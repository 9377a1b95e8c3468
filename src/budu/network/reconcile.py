"""What must be repaired when an engine takes over the endpoints of an earlier one. Pure.

The facts are looked up and the repairs made by `service`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from budu.network.contract import EndpointState, PortBinding
from budu.network.ruleset import Published


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found on the host.

    `links` are all links with our prefix that exist; `attached` those of them on our bridge.
    """

    links: tuple[str, ...]
    attached: tuple[str, ...]


class Repairs(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, and what cannot be repaired.

    `reattach`: links of live endpoints to put back on the bridge. `remove`: links on our bridge
    that no live endpoint owns. `lost`: endpoints whose link is gone; only a restart of their
    container brings it back. `published`: everything the table must hold.
    """

    reattach: tuple[str, ...]
    remove: tuple[str, ...]
    lost: tuple[EndpointState, ...]
    published: tuple[Published, ...]


def plan_repairs(states: Sequence[EndpointState], facts: Facts) -> Repairs:
    """Compare the live endpoints with the facts."""
    owned = {state.host_link for state in states}
    return Repairs(
        reattach=tuple(
            state.host_link
            for state in states
            if state.host_link in facts.links and state.host_link not in facts.attached
        ),
        remove=tuple(link for link in facts.attached if link not in owned),
        lost=tuple(state for state in states if state.host_link not in facts.links),
        published=tuple(
            Published(binding=binding, address=state.address)
            for state in states
            for binding in state.bindings
        ),
    )


def lost_link_warning(state: EndpointState) -> str:
    """The sentence about an endpoint whose link is gone."""
    return (
        f"container {state.name} has lost its network link {state.host_link}; "
        "restart the container to connect it again"
    )


def lost_port_warning(state: EndpointState, binding: PortBinding) -> str:
    """The sentence about a port that another process took while no engine held it."""
    return (
        f"host port {binding.host_address}:{binding.host_port}/{binding.protocol} of container "
        f"{state.name} is also bound by another process; connections go to the container"
    )
