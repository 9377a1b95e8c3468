"""Address managers that are plugins: their calls, and the values in them.

Source: moby 28.3, libnetwork/ipams/remote/api; libnetwork docs, "IPAM Driver".
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_interface, ip_network

import msgspec

from budu.network.remote_calls import RemoteCalls
from budu.plugin.client import PluginClient, Reply
from budu.plugin.registry import IPAM_DRIVER

_ADDRESS_TYPE = "RequestAddressType"
_GATEWAY = "com.docker.network.gateway"
_MAC = "com.docker.network.endpoint.macaddress"


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """A pool that was given out. `gateway` with its prefix, empty when the plugin names none."""

    id: str
    subnet: str
    gateway: str = ""


class _Capabilities(
    Reply,
    frozen=True,
    kw_only=True,
    rename={
        "mac": "RequiresMACAddress",
        "replay": "RequiresRequestReplay",
        "err": "Err",
        "error": "Error",
    },
):
    mac: bool = False
    replay: bool = False


class _Spaces(Reply, frozen=True, kw_only=True, rename="pascal"):
    local_default_address_space: str = ""
    global_default_address_space: str = ""


class _Pool(
    Reply,
    frozen=True,
    kw_only=True,
    rename={"id": "PoolID", "pool": "Pool", "data": "Data", "err": "Err", "error": "Error"},
):
    id: str = ""
    pool: str = ""
    data: dict[str, str] | None = None


class _Address(Reply, frozen=True, kw_only=True, rename="pascal"):
    address: str = ""
    data: dict[str, str] | None = None


class RemoteIpam:
    """The calls of one IPAM plugin. All raise Internal with the plugin's own words, Unavailable,
    DeadlineExceeded."""

    def __init__(self, client: PluginClient) -> None:
        self._call = RemoteCalls(client, IPAM_DRIVER)

    async def wants_mac(self) -> bool:
        """Whether requests for addresses shall tell the endpoint's MAC."""
        told = await self._call("GetCapabilities", None, _Capabilities, optional=True)
        return told.mac

    async def request_pool(
        self, subnet: str, ip_range: str, options: Mapping[str, str], *, version: int
    ) -> Pool:
        """A pool: `subnet` where it names one, else any."""
        spaces = await self._call("GetDefaultAddressSpaces", None, _Spaces)
        body = {
            "AddressSpace": spaces.local_default_address_space,
            "Pool": subnet,
            "SubPool": ip_range,
            "Options": dict(options),
            "V6": version == 6,
        }
        told = await self._call("RequestPool", body, _Pool, long=True)
        gateway = (told.data or {}).get(_GATEWAY, "")
        try:
            prefix = ip_network(told.pool, strict=False)
            if prefix.version != version:
                raise ValueError
            if gateway:
                ip_interface(gateway)
        except ValueError:
            raise self._call.broken(
                f"invalid CIDR address: {told.pool} {gateway}".strip()
            ) from None
        return Pool(id=told.id, subnet=str(prefix), gateway=gateway)

    async def release_pool(self, pool_id: str) -> None:
        """Give a pool back."""
        await self._call("ReleasePool", {"PoolID": pool_id}, Reply)

    async def request_gateway(self, pool_id: str, wanted: str) -> str:
        """An address for the network's gateway."""
        return await self._request(pool_id, wanted, {_ADDRESS_TYPE: _GATEWAY})

    async def request_address(self, pool_id: str, wanted: str, *, mac: str = "") -> str:
        """An address of a pool: `wanted`, or any."""
        return await self._request(pool_id, wanted, {_MAC: mac} if mac else {})

    async def _request(self, pool_id: str, wanted: str, options: dict[str, str]) -> str:
        body = {"PoolID": pool_id, "Address": wanted, "Options": options}
        told = await self._call("RequestAddress", body, _Address)
        if not told.address:
            raise self._call.broken("ipam driver did not return an IP address")
        try:
            return str(ip_interface(told.address).ip)
        except ValueError:
            raise self._call.broken(f"invalid CIDR address: {told.address}") from None

    async def release_address(self, pool_id: str, address: str) -> None:
        """Give an address back."""
        await self._call("ReleaseAddress", {"PoolID": pool_id, "Address": address}, Reply)
