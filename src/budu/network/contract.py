"""What a network driver does, and the values that pass between it and the engine.

Life cycle of an endpoint, a container's place in a network:

    connect ──▶ connected ──▶ disconnect
                    │
        engine ends │ containers run on; ports stay published by the kernel
                    ▼
                restore (by the next engine, with the stored states)

`connect` is given a fresh network namespace by descriptor and fills it: link, address, default
route. It returns an `EndpointState`, which the engine stores as JSON with the container. When it
raises, nothing is left behind. `disconnect` frees address and ports at once; the link itself goes
when the kernel frees the namespace, because removing it explicitly takes 15 ms and more.
`restore` runs once after `start` with the states of all containers that still run: it takes their
addresses and ports again, repairs what somebody removed and sweeps away what nobody owns.
`close` ends this engine's hold (sockets), not the containers' traffic.

Drivers are synchronous and used from one thread.
Neighbours: `service.BridgeService` is the bridge driver, `loopback` serves network mode none.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

TCP = "tcp"
UDP = "udp"
SCTP = "sctp"
PROTOCOLS = (TCP, UDP, SCTP)
ANY_ADDRESS = "0.0.0.0"

DEFAULT_POOLS = (
    "172.17.0.0/16",
    "172.18.0.0/16",
    "172.19.0.0/16",
    "172.20.0.0/14:16",
    "172.24.0.0/14:16",
    "172.28.0.0/14:16",
    "192.168.0.0/16:20",
)
"""Where subnets are chosen from, in order: `network` or `network:prefix length of a subnet`.

Source: moby, libnetwork/ipamutils, the local scope's default networks.
"""


class PortRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to publish one port of the container.

    `host_first` to `host_last` are the host ports to choose from; 0 and 0 leave the choice to the
    kernel's ephemeral range. An empty `host_address` means the network's default.
    """

    container_port: int
    protocol: str = TCP
    host_address: str = ""
    host_first: int = 0
    host_last: int = 0


class PortBinding(msgspec.Struct, frozen=True, kw_only=True):
    """A published port: `host_address:host_port` leads to `container_port`."""

    container_port: int
    protocol: str = TCP
    host_address: str = ANY_ADDRESS
    host_port: int


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A container's link and addresses: what is to be made in its network namespace.

    `host_link` is the end on the bridge, `link_name` the end inside; `mtu` in bytes.
    """

    host_link: str
    link_name: str = "eth0"
    address: str
    prefix_length: int
    gateway: str
    mac: str
    mtu: int


class EndpointState(msgspec.Struct, frozen=True, kw_only=True):
    """What `connect` made; stored with the container as JSON.

    `name` is the container's name, for sentences about its ports. `exposed` are the ports that
    the container declares (`80/tcp`), published or not.
    """

    endpoint_id: str
    container_id: str
    name: str
    address: str
    prefix_length: int
    gateway: str
    mac: str
    host_link: str
    link_name: str = "eth0"
    mtu: int
    bindings: tuple[PortBinding, ...] = ()
    exposed: tuple[str, ...] = ()


class NetworkConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How a bridge network is set up; every engine on a host has other names.

    `bridge`, `table` and `link_prefix` name the link, the nftables table and the containers' host
    links (at most five characters). `subnet` and `gateway` are chosen when empty. `mtu` 0 takes
    that of the host's default route, at most 1500. `host_address` is where ports are published
    that name no address.
    """

    name: str = "bridge"
    bridge: str = "budu0"
    table: str = "budu"
    link_prefix: str = "budu-"
    subnet: str = ""
    gateway: str = ""
    pools: tuple[str, ...] = DEFAULT_POOLS
    mtu: int = 0
    host_address: str = ANY_ADDRESS


class Driver(Protocol):
    """A kind of network. The module's docstring tells the life cycle."""

    def start(self) -> None:
        """Make what all endpoints share."""

    def connect(
        self,
        container_id: str,
        netns_fd: int,
        *,
        name: str,
        requests: tuple[PortRequest, ...] = (),
        exposed: tuple[str, ...] = (),
        address: str = "",
        mac: str = "",
    ) -> EndpointState:
        """Give the network namespace its link, address and routes, and publish ports."""

    def disconnect(self, state: EndpointState, *, remove_link: bool = False) -> None:
        """Free the endpoint's ports and address; `remove_link` when the container runs on."""

    def restore(self, states: list[EndpointState]) -> list[str]:
        """Take over the endpoints of an earlier engine; returns warnings for people."""

    def close(self) -> None:
        """Let go of sockets; containers and their ports go on."""
