"""From networks and endpoints to what plugins are asked, and back. Pure."""

from __future__ import annotations

from ipaddress import ip_interface

import msgspec

from budu.engine.networks.model import NetworkRecord
from budu.network.contract import (
    EndpointRequest,
    EndpointState,
    NetworkSpec,
    PortRequest,
    Subnet,
)
from budu.network.remote import PlacedLink

_PROTOCOL_NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132}


class PluginAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An address with its prefix, and the pool of a plugin that it is from."""

    text: str = ""
    pool: str = ""

    @property
    def bare(self) -> str:
        """Without its prefix."""
        return self.text.partition("/")[0]


def wishes(spec: NetworkSpec, version: int) -> list[Subnet]:
    """The pools to ask for: those that the user named, else any."""
    if not (spec.enable_ipv4 if version == 4 else spec.enable_ipv6):
        return []
    asked = [each for each in spec.subnets if (":" in each.subnet) == (version == 6)]
    return asked or [Subnet()]


def endpoint_state(
    record: NetworkRecord, request: EndpointRequest, endpoint_id: str, link: PlacedLink
) -> EndpointState:
    """An endpoint that a plugin made, before its link is in the sandbox."""
    address, prefix_length = _split(link.address)
    address6, prefix_length6 = _split(link.address6)
    return EndpointState(
        endpoint_id=endpoint_id,
        container_id=request.container_id,
        name=request.name,
        address=address,
        prefix_length=prefix_length,
        gateway="",
        mac=link.mac,
        host_link="",
        link_name=request.link_name,
        mtu=0,
        exposed=request.exposed,
        network_id=record.id,
        driver=record.spec.driver,
        address6=address6,
        prefix_length6=prefix_length6,
        default_route=request.default_route,
        default_route6=request.default_route6,
        link_index=0,
        link_local=request.link_local,
        options=request.options,
    )


def _split(text: str) -> tuple[str, int]:
    if not text:
        return "", 0
    interface = ip_interface(text)
    return str(interface.ip), interface.network.prefixlen


def exposed_port(port: str) -> dict[str, int]:
    """`80/tcp` in the protocol's form."""
    number, _, protocol = port.partition("/")
    return {"Proto": _PROTOCOL_NUMBERS[protocol or "tcp"], "Port": int(number)}


def mapped_port(port: PortRequest) -> dict[str, object]:
    """A port to publish in the protocol's form."""
    return {
        "Proto": _PROTOCOL_NUMBERS[port.protocol],
        "IP": "",
        "Port": port.container_port,
        "HostIP": port.host_address,
        "HostPort": port.host_first,
        "HostPortEnd": port.host_last,
    }
