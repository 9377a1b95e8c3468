"""An endpoint before it is made: what of it is asked for, what chosen. Pure.

`fabric` looks up what this needs to know, and makes what comes out.
"""

from __future__ import annotations

from ipaddress import ip_address

import msgspec

from budu.base.errors import InvalidArgument
from budu.network.book import Place
from budu.network.contract import (
    BRIDGE,
    EndpointRequest,
    EndpointState,
    NetworkSpec,
    PortBinding,
)
from budu.network.ipam import mac_of

_HEX = frozenset("0123456789abcdef")


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen for an endpoint.

    `host_link` is the name of the host's end, for drivers that have one; `link_name` the name
    inside.
    """

    endpoint_id: str
    v4: Place
    v6: Place
    mtu: int
    host_link: str
    link_name: str


def plan_endpoint(spec: NetworkSpec, request: EndpointRequest, chosen: Chosen) -> EndpointState:
    """The endpoint as it shall be. Raises: InvalidArgument: a wrong MAC or link-local address."""
    v4, v6 = chosen.v4, chosen.v6
    mac = check_mac(request.mac) if request.mac else ""
    return EndpointState(
        endpoint_id=chosen.endpoint_id,
        container_id=request.container_id,
        name=request.name,
        address=v4.address,
        prefix_length=v4.prefix_length,
        gateway="" if spec.internal else v4.gateway,
        mac=mac or mac_of(ip_address(v4.address or v6.address)),
        host_link=chosen.host_link if spec.driver == BRIDGE else "",
        link_name=chosen.link_name,
        mtu=chosen.mtu,
        exposed=request.exposed,
        network_id=spec.id,
        driver=spec.driver,
        address6=v6.address,
        prefix_length6=v6.prefix_length,
        gateway6="" if spec.internal else v6.gateway,
        default_route=request.default_route,
        default_route6=request.default_route6,
        link_index=request.link_index,
        link_local=tuple(map(check_link_local, request.link_local)),
        options=request.options,
    )


def target_of(binding: PortBinding, state: EndpointState) -> str:
    """The container's address that a port leads to."""
    is_v6 = ":" in binding.host_address
    return state.address6 if is_v6 and state.address6 else state.address


def with_network(state: EndpointState, default_id: str) -> EndpointState:
    """The endpoint of an earlier engine, which named no network when there was but one."""
    if state.network_id:
        return state
    return msgspec.structs.replace(state, network_id=default_id)


def check_mac(text: str) -> str:
    """A MAC address in the kernel's writing. Raises: InvalidArgument."""
    octets = text.replace("-", ":").lower().split(":")
    if len(octets) != 6 or not all(len(each) == 2 and _HEX.issuperset(each) for each in octets):
        raise InvalidArgument(f"invalid MAC address: {text}")
    return ":".join(octets)


def check_link_local(text: str) -> str:
    """An address of one link only. Raises: InvalidArgument for any other text."""
    try:
        address = ip_address(text)
    except ValueError:
        raise InvalidArgument(f"invalid link-local IP address: {text}") from None
    if not address.is_link_local:
        raise InvalidArgument(f"invalid link-local IP address: {text}")
    return str(address)
