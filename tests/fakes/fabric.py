"""The kernel's side of networks without a kernel: addresses and ports are counted only."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_network

import msgspec

from budu.base.errors import Conflict, Hint, NotFound
from budu.network.contract import (
    EndpointRequest,
    EndpointState,
    NetworkSpec,
    PortBinding,
    PortRequest,
    PublishedPort,
    Subnet,
)

_EPHEMERAL = 49152


class FakeFabric:
    """Implements `network.contract.Fabric`."""

    def __init__(self, default: NetworkSpec) -> None:
        self._default = default
        self.specs: dict[str, NetworkSpec] = {}
        self.endpoints: dict[str, EndpointState] = {}
        self.reserved: dict[str, NetworkSpec] = {}
        self.routes: tuple[str, str] = ("", "")
        self.refused_port = 0
        """A host port that is taken, in `refused_network` or everywhere."""
        self.refused_network = ""
        self._number = 0

    @property
    def default(self) -> NetworkSpec:
        return self._default

    def start(self) -> None:
        self._default = self.choose(self._default)
        self.specs[self._default.id] = self._default

    def check(self, spec: NetworkSpec) -> None:
        if spec.driver not in ("bridge", "macvlan", "ipvlan"):
            raise NotFound(f"could not resolve driver {spec.driver} in registry")

    def choose(self, spec: NetworkSpec) -> NetworkSpec:
        number = len(self.specs)
        wishes = spec.subnets or (Subnet(),)
        chosen = []
        for position, each in enumerate(wishes):
            pool = ip_network(each.subnet or f"10.{number}.{position}.0/24")
            gateway = each.gateway or str(pool[1])
            chosen.append(msgspec.structs.replace(each, subnet=str(pool), gateway=gateway))
        return msgspec.structs.replace(spec, subnets=tuple(chosen), link=f"br-{spec.id[:8]}")

    def create(self, spec: NetworkSpec) -> None:
        self.specs[spec.id] = spec

    def remove(self, network_id: str) -> None:
        if any(each.network_id == network_id for each in self.endpoints.values()):
            raise Conflict("network has endpoints")
        self.specs.pop(network_id, None)

    async def settled(self) -> None:
        """Nothing takes time here."""

    def reserve(self, spec: NetworkSpec) -> None:
        self.reserved[spec.id] = spec

    def unreserve(self, network_id: str) -> None:
        self.reserved.pop(network_id, None)

    def connect(self, network_id: str, netns_fd: int, request: EndpointRequest) -> EndpointState:
        spec = self.specs[network_id]
        self._number += 1
        pool = ip_network(spec.subnets[0].subnet)
        state = EndpointState(
            endpoint_id=f"{self._number:064x}",
            container_id=request.container_id,
            name=request.name,
            address=request.address or str(pool[self._number + 1]),
            prefix_length=pool.prefixlen,
            gateway=spec.subnets[0].gateway,
            mac=request.mac or f"02:42:00:00:00:{self._number:02x}",
            host_link=f"v-{self._number}",
            link_name=request.link_name or f"eth{self._number}",
            mtu=1500,
            exposed=request.exposed,
            network_id=network_id,
            driver=spec.driver,
            default_route=request.default_route,
            default_route6=request.default_route6,
            link_index=request.link_index,
            options=request.options,
        )
        state = self._open(state, request.ports)
        self.endpoints[state.endpoint_id] = state
        return state

    def disconnect(self, state: EndpointState, *, netns_fd: int | None = None) -> None:
        self.endpoints.pop(state.endpoint_id, None)

    def publish(self, state: EndpointState, requests: Sequence[PortRequest]) -> EndpointState:
        state = self._open(state, requests)
        self.endpoints[state.endpoint_id] = state
        return state

    def _open(self, state: EndpointState, requests: Sequence[PortRequest]) -> EndpointState:
        bindings = list(state.bindings)
        for each in requests:
            port = each.host_first or _EPHEMERAL + each.container_port
            refuses = self.refused_network in ("", state.network_id)
            if port == self.refused_port and refuses:
                raise Conflict(f"Bind for 0.0.0.0:{port} failed: port is already allocated")
            bindings.append(
                PortBinding(
                    container_port=each.container_port,
                    protocol=each.protocol,
                    host_address=each.host_address or "0.0.0.0",
                    host_port=port,
                )
            )
        return msgspec.structs.replace(state, bindings=tuple(bindings))

    def unpublish(self, state: EndpointState, bindings: Sequence[PortBinding]) -> EndpointState:
        left = tuple(each for each in state.bindings if each not in bindings)
        state = msgspec.structs.replace(state, bindings=left)
        self.endpoints[state.endpoint_id] = state
        return state

    def set_default_routes(
        self, netns_fd: int, *, v4: EndpointState | None, v6: EndpointState | None
    ) -> None:
        self.routes = (v4.network_id if v4 else "", v6.network_id if v6 else "")

    def restore(self, specs: Iterable[NetworkSpec], states: Iterable[EndpointState]) -> list[str]:
        self.specs = {self._default.id: self._default} | {each.id: each for each in specs}
        self.endpoints = {each.endpoint_id: each for each in states}
        return []

    def serve(self, loop: AbstractEventLoop, *, report: Callable[[str], None]) -> None:
        pass

    def ensure(self) -> list[str]:
        return []

    def spec(self, network_id: str) -> NetworkSpec:
        return self.specs[network_id]

    def mtu(self, network_id: str) -> int:
        return 1500

    def published(self) -> list[PublishedPort]:
        return [
            PublishedPort(
                network_id=state.network_id,
                container_id=state.container_id,
                name=state.name,
                address=state.address,
                binding=binding,
            )
            for state in self.endpoints.values()
            for binding in state.bindings
        ]

    def diagnose(self) -> tuple[Hint, ...]:
        return ()

    def close(self) -> None:
        pass

    def clear(self) -> None:
        self.specs.clear()
        self.endpoints.clear()
