"""Network drivers that are plugins: their calls, and the values in them.

The plugin makes a link on the host; `remote_link` puts it into the container. Nothing here knows
which networks there are.
Source: moby 28.3, libnetwork/drivers/remote/api; libnetwork docs, "Remote Drivers".
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import ip_interface

import msgspec

from budu.network.contract import (
    ANY_ADDRESS,
    PROTOCOLS,
    NetworkSpec,
    PortBinding,
    Subnet,
)
from budu.network.remote_calls import RemoteCalls
from budu.network.subnets import of_version
from budu.plugin.client import PluginClient, Reply
from budu.plugin.registry import NETWORK_DRIVER

GENERIC = "com.docker.network.generic"
_ENABLE_IPV4 = "com.docker.network.enable_ipv4"
_ENABLE_IPV6 = "com.docker.network.enable_ipv6"
_INTERNAL = "com.docker.network.internal"
PORT_MAP = "com.docker.network.portmap"
EXPOSED_PORTS = "com.docker.network.endpoint.exposedports"
NODE_DISCOVERY = 1
_PROTOCOL_NUMBERS = (6, 17, 132)  # in the order of PROTOCOLS

Options = dict[str, object]


class Capabilities(Reply, frozen=True, kw_only=True, rename="pascal"):
    """How far the driver's networks reach: `local` or `global`."""

    scope: str = ""
    connectivity_scope: str = ""
    gw_alloc_checker: bool = False


class _Skip(
    Reply,
    frozen=True,
    kw_only=True,
    rename={"skip4": "SkipIPv4", "skip6": "SkipIPv6", "err": "Err", "error": "Error"},
):
    skip4: bool = False
    skip6: bool = False


class PlacedLink(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"address": "Address", "address6": "AddressIPv6", "mac": "MacAddress"},
):
    """An endpoint's addresses with their prefixes (`10.1.0.2/24`) and its MAC; empty for none."""

    address: str = ""
    address6: str = ""
    mac: str = ""


class _Endpoint(Reply, frozen=True, kw_only=True, rename="pascal"):
    interface: PlacedLink | None = None


class LinkName(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The link that the plugin made, and what names of it begin with inside."""

    src_name: str = ""
    dst_prefix: str = ""


class StaticRoute(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A route inside: to a next hop (type 0), or to the link itself (type 1)."""

    destination: str = ""
    route_type: int = 0
    next_hop: str = ""


class Joined(
    Reply,
    frozen=True,
    kw_only=True,
    rename={
        "link": "InterfaceName",
        "gateway": "Gateway",
        "gateway6": "GatewayIPv6",
        "routes": "StaticRoutes",
        "no_gateway_service": "DisableGatewayService",
        "err": "Err",
        "error": "Error",
    },
):
    """What a sandbox needs for its place in the network."""

    link: LinkName | None = None
    gateway: str = ""
    gateway6: str = ""
    routes: list[StaticRoute] | None = None
    no_gateway_service: bool = False


class _Value(Reply, frozen=True, kw_only=True, rename="pascal"):
    value: dict[str, object] | None = None


class RemoteDriver:
    """The calls of one network plugin. All raise Internal with the plugin's own words,
    Unavailable, DeadlineExceeded."""

    def __init__(self, client: PluginClient) -> None:
        self._call = RemoteCalls(client, NETWORK_DRIVER)

    async def capabilities(self) -> Capabilities:
        """What it can do. Raises: Internal for a scope that is none."""
        told = await self._call("GetCapabilities", None, Capabilities)
        if told.scope not in ("local", "global"):
            raise self._call.broken(
                f"invalid capability: expecting 'local' or 'global', got {told.scope}"
            )
        return told

    async def skips_gateway(self, options: Mapping[str, str]) -> tuple[bool, bool]:
        """Whether the network shall have no gateway of IPv4, of IPv6."""
        if not (await self.capabilities()).gw_alloc_checker:
            return False, False
        told = await self._call("GwAllocCheck", {"Options": {GENERIC: dict(options)}}, _Skip)
        return told.skip4, told.skip6

    async def create_network(self, spec: NetworkSpec) -> None:
        """Tell it of a new network."""
        options: Options = {
            GENERIC: dict(spec.options),
            _ENABLE_IPV4: spec.enable_ipv4,
            _ENABLE_IPV6: spec.enable_ipv6,
        }
        if spec.internal:
            options[_INTERNAL] = True
        body = {
            "NetworkID": spec.id,
            "Options": options,
            "IPv4Data": [_ipam_data(each) for each in of_version(spec, 4)],
            "IPv6Data": [_ipam_data(each) for each in of_version(spec, 6)],
        }
        await self._call("CreateNetwork", body, Reply, long=True)

    async def delete_network(self, network_id: str) -> None:
        """Tell it that a network goes."""
        await self._call("DeleteNetwork", {"NetworkID": network_id}, Reply)

    async def create_endpoint(
        self, network_id: str, endpoint_id: str, link: PlacedLink, options: Options
    ) -> PlacedLink:
        """Announce an endpoint; its addresses, where the plugin chose what was empty.

        Raises: Internal when it changed what was given.
        """
        body = {**_ids(network_id, endpoint_id), "Interface": link, "Options": options}
        told = (await self._call("CreateEndpoint", body, _Endpoint, long=True)).interface
        told = told or PlacedLink()
        for name, what in (("mac", "MAC address"), ("address", "address"), ("address6", "address")):
            if getattr(told, name) and getattr(link, name):
                raise self._call.broken(f"driver modified interface {what}")
        for text in filter(None, (told.address, told.address6)):
            self._check_address(text)
        return PlacedLink(
            address=link.address or told.address,
            address6=link.address6 or told.address6,
            mac=link.mac or told.mac,
        )

    def _check_address(self, text: str) -> None:
        try:
            ip_interface(text)
        except ValueError:
            raise self._call.broken(f"invalid CIDR address: {text}") from None

    async def endpoint_info(self, network_id: str, endpoint_id: str) -> dict[str, object]:
        """What the plugin tells people of an endpoint."""
        told = await self._call("EndpointOperInfo", _ids(network_id, endpoint_id), _Value)
        return told.value or {}

    async def delete_endpoint(self, network_id: str, endpoint_id: str) -> None:
        """Tell it that an endpoint goes."""
        await self._call("DeleteEndpoint", _ids(network_id, endpoint_id), Reply)

    async def join(
        self, network_id: str, endpoint_id: str, *, sandbox: str, options: Options
    ) -> Joined:
        """Have the link made for a sandbox, given by the path of its network namespace."""
        body = {**_ids(network_id, endpoint_id), "SandboxKey": sandbox, "Options": options}
        return await self._call("Join", body, Joined, long=True)

    async def leave(self, network_id: str, endpoint_id: str) -> None:
        """Tell it that the sandbox is done with the link."""
        await self._call("Leave", _ids(network_id, endpoint_id), Reply)

    async def open_to_outside(self, network_id: str, endpoint_id: str, options: Options) -> None:
        """Have the endpoint's ports published; plugins need not know this call."""
        body = {**_ids(network_id, endpoint_id), "Options": options}
        await self._call("ProgramExternalConnectivity", body, Reply, optional=True)

    async def close_to_outside(self, network_id: str, endpoint_id: str) -> None:
        """Take back `open_to_outside`."""
        body = _ids(network_id, endpoint_id)
        await self._call("RevokeExternalConnectivity", body, Reply, optional=True)

    async def meet(self, address: str) -> None:
        """Tell it of this host's own address, as of a node of its networks."""
        body = {"DiscoveryType": NODE_DISCOVERY, "DiscoveryData": _node(address)}
        await self._call("DiscoverNew", body, Reply, optional=True)

    async def part(self, address: str) -> None:
        """Take back `meet`."""
        body = {"DiscoveryType": NODE_DISCOVERY, "DiscoveryData": _node(address)}
        await self._call("DiscoverDelete", body, Reply, optional=True)


class _PortMapped(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={"protocol": "Proto", "port": "Port", "host": "HostIP", "host_port": "HostPort"},
):
    protocol: int = 6
    port: int = 0
    host: str = ""
    host_port: int = 0


def read_port_map(told: object) -> tuple[PortBinding, ...]:
    """The published ports that a plugin tells of; what is none is left out."""
    try:
        found = msgspec.convert(told or [], list[_PortMapped])
    except msgspec.ValidationError:
        return ()
    return tuple(
        PortBinding(
            container_port=each.port,
            protocol=PROTOCOLS[_PROTOCOL_NUMBERS.index(each.protocol)],
            host_address=each.host or ANY_ADDRESS,
            host_port=each.host_port,
        )
        for each in found
        if each.protocol in _PROTOCOL_NUMBERS and 0 < each.host_port < 65536 and each.port
    )


def own_address() -> str:
    """The address that this host's packets to far away have; empty without a way there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _ids(network_id: str, endpoint_id: str) -> Options:
    return {"NetworkID": network_id, "EndpointID": endpoint_id}


def _node(address: str) -> Options:
    return {"Address": address, "BindAddress": address, "Self": True}


def _ipam_data(subnet: Subnet) -> Options:
    length = subnet.subnet.rpartition("/")[2]
    data: Options = {"AddressSpace": "LocalDefault", "Pool": subnet.subnet}
    if subnet.gateway:
        data["Gateway"] = f"{subnet.gateway}/{length}"
    if subnet.auxiliary:
        data["AuxAddresses"] = {
            name: f"{address}/{length}" for name, address in subnet.auxiliary.items()
        }
    return data
