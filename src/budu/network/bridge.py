"""The bridge link, and the veth pairs that connect network namespaces to it.

It makes links, addresses and kernel switches; which address is whose is `ipam`'s matter, what
may pass is `firewall`'s.

Source: Documentation/networking/ip-sysctl.rst (ip_forward, route_localnet); linux/veth.h; the
kernel's net/core/link_watch.c.
"""

from __future__ import annotations

import errno
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from budu.base.errors import Conflict, Hint, Internal, PermissionDenied
from budu.linux.netlink import route
from budu.linux.netlink.sockets import connect_in
from budu.linux.netlink.wire import NETLINK_ROUTE, Connection, Message
from budu.network.contract import Endpoint
from budu.network.ipam import mac_of

ENDPOINT_INDEX = 2
"""Index of a container's link: the loopback link is always 1."""

_IPV4 = Path("/proc/sys/net/ipv4")
_BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
_LARGEST_AUTOMATIC_MTU = 1500


class Bridge:
    """One bridge link with the gateway's address.

    `connection` is an rtnetlink socket of the host's network namespace; it stays the caller's.
    `prefix` begins the names of all host links on this bridge.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        name: str,
        prefix: str,
        subnet: IPv4Network,
        gateway: IPv4Address,
        mtu: int,
    ) -> None:
        self.name = name
        self.subnet = subnet
        self.gateway = gateway
        self.mtu = mtu
        self._connection = connection
        self._prefix = prefix
        self._index = 0
        self._needs_hairpin = False

    def ensure(self) -> bool:
        """Make the bridge, its address and the kernel switches as they must be.

        Returns whether the bridge was missing.

        Raises: Conflict when a link of another kind has the name; PermissionDenied without
        CAP_NET_ADMIN.
        """
        try:
            was_missing = self._ensure_link()
            self._ensure_address()
            self._connection.execute(route.set_link(self._index, up=True, mtu=self.mtu))
            self._switch_kernel()
        except PermissionError as error:
            raise PermissionDenied(
                f"Failed to create bridge {self.name} via netlink: {error.strerror}",
                hint=Hint("network.needs-root"),
            ) from error
        return was_missing

    def attach(self, netns_fd: int, endpoint: Endpoint) -> None:
        """Give a fresh network namespace its link, address, default route and loopback.

        Raises: Internal with the kernel's words; the link is removed then.
        """
        try:
            self._create_veth(netns_fd, endpoint)
        except OSError as error:
            raise _attach_error(endpoint, error) from error
        try:
            self._configure(netns_fd, endpoint)
        except OSError as error:
            self.remove_link(endpoint.host_link)
            raise _attach_error(endpoint, error) from error

    def reattach(self, host_link: str) -> bool:
        """Put a link back on this bridge, up; False when the link does not exist."""
        link = route.find_link(self._connection, host_link)
        if link is None:
            return False
        if link.master != self._index or not link.is_up:
            self._connection.execute(
                route.set_link(link.index, master=self._index, up=True),
                *self._hairpin(host_link),
            )
        return True

    def remove_link(self, host_link: str) -> None:
        """Remove a host link and with it its peer, slowly; one that is gone already is fine."""
        try:
            self._connection.execute(route.delete_link(host_link))
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise

    def host_links(self) -> list[str]:
        """The links of ours that are on this bridge now, by the prefix of their names."""
        return [
            link.name
            for link in route.links(self._connection)
            if link.master == self._index and link.name.startswith(self._prefix)
        ]

    def remove(self) -> None:
        """Remove the bridge itself."""
        self.remove_link(self.name)

    def _ensure_link(self) -> bool:
        link = route.find_link(self._connection, self.name)
        if link is not None and link.kind != "bridge":
            raise Conflict(f"existing interface {self.name} is not a bridge", reference=self.name)
        if link is None:
            mac = mac_of(self.gateway)
            self._connection.execute(route.create_bridge(self.name, mac=mac))
            created = route.find_link(self._connection, self.name)
            if created is None:
                raise Internal(f"bridge {self.name} vanished while it was made")
            self._index = created.index
            return True
        self._index = link.index
        return False

    def _ensure_address(self) -> None:
        wanted = (str(self.gateway), self.subnet.prefixlen)
        present = [
            (found.address, found.prefix_length)
            for found in route.addresses(self._connection)
            if found.index == self._index
        ]
        changes = [
            route.delete_address(self._index, address, prefix_length=prefix)
            for address, prefix in present
            if (address, prefix) != wanted
        ]
        if wanted not in present:
            changes.append(route.add_address(self._index, wanted[0], prefix_length=wanted[1]))
        if changes:
            self._connection.execute(*changes)

    def _switch_kernel(self) -> None:
        """Forward between links, and let 127.0.0.1 reach published ports through the bridge.

        The firewall drops what comes from outside to 127/8. Reverse-path filters stay as the
        host has them: every packet of ours passes even the strict one.
        """
        _switch_on(_IPV4 / "ip_forward")
        _switch_on(_IPV4 / "conf" / self.name / "route_localnet")
        self._needs_hairpin = _read(_BRIDGE_FILTER) == "1"

    def _create_veth(self, netns_fd: int, endpoint: Endpoint) -> None:
        veth = route.create_veth(
            endpoint.host_link,
            master=self._index,
            mtu=endpoint.mtu,
            peer_name=endpoint.link_name,
            peer_netns_fd=netns_fd,
            peer_index=ENDPOINT_INDEX,
            peer_mac=endpoint.mac,
        )
        self._connection.execute(veth)

    def _hairpin(self, host_link: str) -> list[Message]:
        return [route.set_hairpin(host_link)] if self._needs_hairpin else []

    def _configure(self, netns_fd: int, endpoint: Endpoint) -> None:
        """Set the container's side up, and see to it that packets flow when this returns.

        The kernel opens a link's queue some time after its carrier came, and drops packets until
        then: the first connection would wait a second for its second try. Asking for the links,
        container's end first and bridge last, makes the kernel do it now.
        """
        if self._needs_hairpin:
            self._connection.execute(route.set_hairpin(endpoint.host_link))
        inside = connect_in(netns_fd, NETLINK_ROUTE)
        try:
            inside.execute(
                route.set_link(route.LOOPBACK_INDEX, up=True),
                route.set_link(ENDPOINT_INDEX, up=True),
                route.add_address(
                    ENDPOINT_INDEX, endpoint.address, prefix_length=endpoint.prefix_length
                ),
                route.add_route(ENDPOINT_INDEX, gateway=endpoint.gateway),
                optional=(route.omit_ipv6_address(ENDPOINT_INDEX),),
            )
            route.find_link(inside, endpoint.link_name)
        finally:
            inside.close()
        route.find_link(self._connection, endpoint.host_link)
        route.find_link(self._connection, self.name)


def existing_subnet(connection: Connection, bridge: str) -> tuple[IPv4Network, IPv4Address] | None:
    """Subnet and gateway of a bridge that an earlier engine left, or None."""
    link = route.find_link(connection, bridge)
    if link is None or link.kind != "bridge":
        return None
    for found in route.addresses(connection):
        if found.index == link.index:
            network = IPv4Network(f"{found.address}/{found.prefix_length}", strict=False)
            return network, IPv4Address(found.address)
    return None


def host_networks(connection: Connection) -> list[IPv4Network]:
    """Every network that a route or an address of the host covers."""
    found = [
        IPv4Network(f"{entry.destination}/{entry.prefix_length}", strict=False)
        for entry in route.routes(connection)
    ]
    found += [
        IPv4Network(f"{entry.address}/{entry.prefix_length}", strict=False)
        for entry in route.addresses(connection)
    ]
    return found


def host_mtu(connection: Connection) -> int:
    """The MTU of the host's default route's link, at most 1500; 1500 without such a route."""
    for entry in route.routes(connection):
        if entry.prefix_length == 0 and entry.index and entry.table == route.RT_TABLE_MAIN:
            for link in route.links(connection):
                if link.index == entry.index:
                    return min(link.mtu, _LARGEST_AUTOMATIC_MTU)
    return _LARGEST_AUTOMATIC_MTU


def _attach_error(endpoint: Endpoint, error: OSError) -> Internal:
    return Internal(
        f"failed to set up container networking: failed to add the host ({endpoint.host_link}) "
        f"<=> sandbox ({endpoint.link_name}) pair interfaces: {error.strerror}",
        hint=Hint("network.link-failed", step=str(error.filename or "")),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def _switch_on(path: Path) -> None:
    if _read(path) != "1":
        path.write_text("1")
