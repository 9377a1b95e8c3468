"""What the engine asks of the kernel's side of networks, and the values that pass between them.

A network is a `NetworkSpec`, stored by the engine; a container's place in it an `EndpointState`:

    choose ─▶ create ─▶ network ─▶ remove
                           │
    connect ─▶ connected ─▶ disconnect
                   │  publish, unpublish, set_default_routes
       engine ends │ containers run on; ports stay published by the kernel
                   ▼
       start ─▶ restore (by the next engine, with the stored specs and states) ─▶ serve

`connect` is given a network namespace by descriptor and fills it: link, addresses, routes. It
returns an `EndpointState`, which the engine stores as JSON with the container. When it raises,
nothing is left behind. `disconnect` frees addresses and ports at once; the link itself goes when
the kernel frees the namespace, because removing it explicitly takes 15 ms and more.
`restore` runs once after `start` with all networks and the endpoints of all containers that still
run: it takes their addresses and ports again, repairs what somebody removed and sweeps away what
nobody owns. `serve` keeps it so while the engine's event loop runs. `close` ends this engine's
hold (sockets), not the containers' traffic.

A fabric is synchronous and used from one thread.
Neighbours: `fabric.NetworkFabric` implements it; `bridge` and `parent` are the drivers;
`loopback` serves network mode none; the engine's rules and records are `engine.networks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable, Sequence

    from budu.base.errors import Hint

TCP = "tcp"
UDP = "udp"
SCTP = "sctp"
PROTOCOLS = (TCP, UDP, SCTP)
ANY_ADDRESS = "0.0.0.0"
ANY_ADDRESS6 = "::"

ME = "me"
LAN = "lan"
WORLD = "world"
BRIDGE, MACVLAN, IPVLAN = "bridge", "macvlan", "ipvlan"
DRIVERS = (BRIDGE, MACVLAN, IPVLAN)
"""The drivers of a fabric. Networks `host` and `none` need none."""

REACHES = (ME, LAN, WORLD)
"""Who may reach a published port: this host alone; the networks that it is connected to and
private addresses; everybody."""

DEFAULT_BRIDGE_POOL = "172.17.0.0/16"
"""Where the default bridge's subnet is looked for first, as Docker's; larger than those of other
networks, because most containers are in it."""

NETWORK_POOLS = (
    "172.18.0.0/15:24",
    "172.20.0.0/14:24",
    "172.24.0.0/13:24",
    "192.168.0.0/16:24",
)
"""Where other subnets are chosen from, in order: small ones, so that a VPN's seldom overlaps."""


class PortRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to publish one port of the container.

    `host_first` to `host_last` are the host ports to choose from; 0 and 0 leave the choice to the
    kernel's ephemeral range. An empty `host_address` means the network's default, which are both
    families; `0.0.0.0` and `::` mean one. `reach` is one of `REACHES`; an empty one is what the
    address says: `me` for one of the loopback link, else `world`. `me` without an address
    publishes at 127.0.0.1 and ::1.
    """

    container_port: int
    protocol: str = TCP
    host_address: str = ""
    host_first: int = 0
    host_last: int = 0
    reach: str = ""


class PortBinding(msgspec.Struct, frozen=True, kw_only=True):
    """A published port: `host_address:host_port` leads to `container_port`.

    A wish for both families makes two bindings, with the same port. `host_port` is 0 where the
    network is routed: the container's own port is then open at the container's own address.
    """

    container_port: int
    protocol: str = TCP
    host_address: str = ANY_ADDRESS
    host_port: int
    reach: str = WORLD


class EndpointState(msgspec.Struct, frozen=True, kw_only=True):
    """What `connect` made; stored with the container as JSON.

    `name` is the container's name, for sentences about its ports. `exposed` are the ports that
    the container declares (`80/tcp`), published or not. `address` and `gateway` are empty in a
    network without IPv4, `address6` and `gateway6` in one without IPv6, a gateway also where the
    network has none. `host_link` is the end on the host's bridge, empty for macvlan and ipvlan.
    `default_route` and `default_route6` tell whether the container's way out is through here.
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
    network_id: str = ""
    driver: str = BRIDGE
    address6: str = ""
    prefix_length6: int = 0
    gateway6: str = ""
    default_route: bool = True
    default_route6: bool = True
    link_index: int = 2
    link_local: tuple[str, ...] = ()
    options: dict[str, str] = {}


class Subnet(msgspec.Struct, frozen=True, kw_only=True):
    """One address pool of a network, asked for or chosen.

    `subnet` (`10.9.0.0/24`, `fd00:1::/64`) and `gateway` are empty in a wish for any; a chosen one
    without `gateway` has none. Addresses are given out of `ip_range` when there is one, and never
    those in `auxiliary` (name to address).
    """

    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    auxiliary: dict[str, str] = {}


class NetworkSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A network as the engine stores it and the kernel's side makes it.

    `options` are Docker's `-o`. `link` is the bridge's or the parent link's name, chosen when
    empty.
    """

    id: str
    name: str
    driver: str = BRIDGE
    subnets: tuple[Subnet, ...] = ()
    enable_ipv4: bool = True
    enable_ipv6: bool = False
    internal: bool = False
    options: dict[str, str] = {}
    link: str = ""


class EndpointRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A container that wants into a network.

    `name` is the container's, for sentences about ports. `link_name` and `link_index` are those
    inside: the first network of a sandbox gets index 2, each further one the next; an index of 0
    leaves the choice to the kernel, an empty name to the network's prefix (`eth`) and the first
    free number. `address`, `address6` and `mac` are chosen when empty. `options` are the
    endpoint's driver options. The container's way out is through this network when `default_route`
    (IPv4) and `default_route6` say so. `fresh`: nothing was set up in the sandbox before; its
    loopback link is brought up too.
    """

    container_id: str
    name: str
    link_name: str = "eth0"
    link_index: int = 2
    address: str = ""
    address6: str = ""
    mac: str = ""
    link_local: tuple[str, ...] = ()
    options: dict[str, str] = {}
    ports: tuple[PortRequest, ...] = ()
    exposed: tuple[str, ...] = ()
    default_route: bool = True
    default_route6: bool = True
    fresh: bool = True


class PublishedPort(msgspec.Struct, frozen=True, kw_only=True):
    """A port that leads from the host into a container, for audits.

    `relayed`: the engine itself passes the bytes on (IPv6 clients of an IPv4 container, ::1), so
    that this way is closed while no engine runs and the container sees the gateway as client.
    """

    network_id: str
    container_id: str
    name: str
    address: str
    binding: PortBinding
    relayed: bool = False


class FabricConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How one engine's networks are told from those of others on the same host, and its defaults.

    `default` is the default bridge network, complete but for what may be chosen. `table` names the
    nftables table, `link_prefix` (at most five characters) the containers' host links,
    `bridge_prefix` (at most three) the bridges. `pools` are `network` or `network:prefix length`;
    `default_pools` those of the default bridge, tried before `pools`. `ula` is the unique local
    /48 that IPv6 subnets are made from. `mtu` 0 takes that of the host's default route, at most
    1500. `reach` is for ports that name neither address nor reach; `host_address` where these are
    published, both families when empty. `guard_forwarding`: when it is the engine that makes the
    host a router, forward only for containers. `join_foreign`: let the containers' packets through
    other firewalls' FORWARD chains that drop by policy, as Docker does. `relay`: serve ::1 and
    IPv6 clients of IPv4 containers from the engine (Docker's userland-proxy). `families`: those
    that have firewall rules (Docker's iptables and ip6tables); of the others no packet is touched,
    and their published ports are relayed. `make_router`: switch forwarding on where a network
    needs it. `direct_routing`: other hosts may reach published ports at the containers' own
    addresses.
    """

    default: NetworkSpec
    table: str = "budu"
    link_prefix: str = "budu-"
    bridge_prefix: str = "bd-"
    pools: tuple[str, ...] = NETWORK_POOLS
    default_pools: tuple[str, ...] = (DEFAULT_BRIDGE_POOL,)
    ula: str
    mtu: int = 0
    reach: str = ""
    host_address: str = ""
    guard_forwarding: bool = True
    join_foreign: bool = True
    relay: bool = True
    families: tuple[int, ...] = (4, 6)
    make_router: bool = True
    direct_routing: bool = False


class Fabric(Protocol):
    """All networks of one engine in the kernel. The module's docstring tells the life cycle."""

    @property
    def default(self) -> NetworkSpec:
        """The default bridge network with everything chosen; known after `start`."""

    def start(self) -> None:
        """Open sockets, make the table and the default bridge.

        Raises: PermissionDenied, Unavailable (no `nft`), InvalidArgument (no free subnet),
        Conflict (a link of another kind has the bridge's name).
        """

    def check(self, spec: NetworkSpec) -> None:
        """Check driver, options and pools without looking at the host.

        Raises: InvalidArgument, NotFound (no such driver) with Docker's sentences.
        """

    def choose(self, spec: NetworkSpec) -> NetworkSpec:
        """Fill in subnets, gateways and the link's name; store what this returns.

        The subnets are checked against the host's routes and against the other networks.

        Raises: as `check`, also when no subnet is free; Conflict or PermissionDenied for a subnet
        that overlaps.
        """

    def create(self, spec: NetworkSpec) -> None:
        """Make the network's link and rules; of one that is there, repair them.

        Raises: Conflict, Internal; nothing is left behind then.
        """

    def remove(self, network_id: str) -> None:
        """Take the network off the host; one that is unknown is fine.

        The kernel may need a while for its link, see `settled`.

        Raises: Conflict when it has endpoints.
        """

    async def settled(self) -> None:
        """Wait until the links of removed networks are gone."""

    def reserve(self, spec: NetworkSpec) -> None:
        """Keep others off the subnets of a network whose links a plugin makes."""

    def unreserve(self, network_id: str) -> None:
        """Take back `reserve`; one that is unknown is fine."""

    def connect(self, network_id: str, netns_fd: int, request: EndpointRequest) -> EndpointState:
        """Give a network namespace its place in the network, and publish its ports.

        Raises: NotFound (network), Conflict, ResourceExhausted, InvalidArgument, PermissionDenied,
        Internal with the kernel's words. Nothing is left behind then.
        """

    def disconnect(self, state: EndpointState, *, netns_fd: int | None = None) -> None:
        """Free the endpoint's ports and addresses; one that is not connected is fine.

        The link goes with the namespace. `netns_fd` is for a container that runs on: its link is
        taken away now.
        """

    def publish(self, state: EndpointState, requests: Sequence[PortRequest]) -> EndpointState:
        """Publish more ports of a connected endpoint; all or none. Raises: as `connect`."""

    def unpublish(self, state: EndpointState, bindings: Sequence[PortBinding]) -> EndpointState:
        """Close some of an endpoint's ports; those that are not open are fine."""

    def set_default_routes(
        self, netns_fd: int, *, v4: EndpointState | None, v6: EndpointState | None
    ) -> None:
        """Lead the sandbox's way out through these endpoints; None takes the family's away.

        The states' own `default_route` fields are the caller's to change. Raises: Internal.
        """

    def restore(self, specs: Iterable[NetworkSpec], states: Iterable[EndpointState]) -> list[str]:
        """Take over the networks and endpoints of an earlier engine; warnings for people.

        `specs` are all networks but the default one, `states` all endpoints: others of this
        engine's are swept away. A state without `network_id` belongs to the default network.
        A network that cannot be made is a warning, not an error.
        """

    def serve(self, loop: AbstractEventLoop, *, report: Callable[[str], None]) -> None:
        """Watch for others' changes and pass on relayed ports, until `close`.

        `report` gets a sentence for each repair. Call it in the loop's thread, once.
        """

    def ensure(self) -> list[str]:
        """Put back what somebody removed: table, bridges, links on them; what was done."""

    def spec(self, network_id: str) -> NetworkSpec:
        """A network as it was chosen. Raises: NotFound."""

    def mtu(self, network_id: str) -> int:
        """The largest packet of a network in bytes, 0 where the parent's counts."""

    def published(self) -> list[PublishedPort]:
        """Every port that leads into a container, by host port."""

    def diagnose(self) -> tuple[Hint, ...]:
        """What on this host keeps containers from their networks, each with its cure."""

    def close(self) -> None:
        """Let go of sockets; containers and their published ports go on."""

    def clear(self) -> None:
        """Take everything of this engine off the host, before `close`; for an uninstallation."""
