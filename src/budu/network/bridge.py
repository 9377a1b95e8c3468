"""The driver `bridge`: a bridge link with the gateways, and veth pairs into the sandboxes.

It makes links, addresses and kernel switches; which address is whose is `book`'s matter, what may
pass is `firewall`'s.

Source: Documentation/networking/ip-sysctl.rst (ip_forward, route_localnet, addr_gen_mode);
linux/veth.h; the kernel's net/core/link_watch.c; moby 28.3, libnetwork/drivers/bridge.
"""

from __future__ import annotations

import errno
from ipaddress import ip_address, ip_network

import msgspec

from budu.base.errors import Conflict, Hint, Internal, PermissionDenied, Unavailable
from budu.linux.netlink import route
from budu.linux.netlink.wire import Connection, Message
from budu.network import hosts, sandbox
from budu.network.contract import EndpointState, NetworkSpec, Subnet
from budu.network.ipam import mac_of
from budu.network.options import ISOLATED, bridge_options
from budu.network.subnets import of_version

_LINK_LOCAL = ("fe80::1", 64)
_NO_LINK_LOCAL = "1"  # <linux/if_link.h>: IN6_ADDR_GEN_MODE_NONE


class BridgeDriver:
    """The bridge of one network whose subnets and link are chosen.

    `connection` is an rtnetlink socket of the host's network namespace; it stays the caller's.
    `alias` is written on the bridge, so that its engine knows it again. `make_router`: switch the
    host's forwarding on; `lead_localhost`: let what comes from 127.0.0.1 go out to the bridge, from
    which a firewall must keep others.
    """

    on_link = False

    def __init__(
        self,
        connection: Connection,
        spec: NetworkSpec,
        *,
        mtu: int,
        alias: str,
        make_router: bool,
        lead_localhost: bool,
    ) -> None:
        self.name = spec.link
        self.mtu = mtu
        self.options = bridge_options(spec)
        self._spec = spec
        self._alias = alias
        self._make_router = make_router and not spec.internal
        self._lead_localhost = lead_localhost and not spec.internal
        self._connection = connection
        self._index = 0
        self._needs_hairpin = False
        self._filters_bridged = False

    def ensure(self) -> list[str]:
        """Make the bridge, its addresses and the kernel switches as they must be.

        Returns what was missing.

        Raises: Conflict when a link of another kind has the name; PermissionDenied without
        CAP_NET_ADMIN; Unavailable without IPv6; Internal with the kernel's words.
        """
        if self._spec.enable_ipv6 and not hosts.has_ipv6():
            raise Unavailable(
                f"network {self._spec.name} needs IPv6, which this host's kernel does not have",
                hint=Hint("network.no-ipv6"),
            )
        try:
            was_missing = self._ensure_link()
            self._switch_kernel()
            self._connection.execute(route.set_link(self._index, up=True, mtu=self.mtu))
            lost_address = self._ensure_addresses(4)
            if self._spec.enable_ipv6:
                lost_address |= self._ensure_addresses(6)
        except PermissionError as error:
            raise PermissionDenied(
                f"Failed to create bridge {self.name} via netlink: {error.strerror}",
                hint=Hint("network.needs-root"),
            ) from error
        except OSError as error:
            raise Internal(
                f"Failed to create bridge {self.name} via netlink: {error.strerror}"
            ) from error
        if was_missing:
            return [f"bridge {self.name}"]
        return [f"address of bridge {self.name}"] if lost_address else []

    def is_present(self) -> bool:
        """Whether the bridge is still the one that was made."""
        link = route.find_link(self._connection, self.name)
        return link is not None and link.index == self._index

    def attach(self, netns_fd: int, state: EndpointState, *, fresh: bool) -> EndpointState:
        """Give a sandbox its link; the state with the link's index.

        Raises: Internal with the kernel's words; the link is removed then.
        """
        try:
            state = self._create_veth(netns_fd, state)
        except OSError as error:
            raise attach_error(state, error) from error
        try:
            return self._configure(netns_fd, state, fresh=fresh)
        except OSError as error:
            self._remove_link(state.host_link)
            raise attach_error(state, error) from error

    def detach(self, state: EndpointState, *, netns_fd: int | None = None) -> None:
        """Remove the endpoint's link and with it its peer, slowly; one that is gone is fine."""
        self._remove_link(state.host_link)

    def reattach(self, state: EndpointState) -> bool:
        """Put a link back on this bridge, up; whether it was off."""
        link = route.find_link(self._connection, state.host_link)
        if link is None or (link.master == self._index and link.is_up):
            return False
        self._connection.execute(
            route.set_link(link.index, master=self._index, up=True), *self._port_modes(link.name)
        )
        return True

    def is_removable(self) -> bool:
        """Whether the bridge may be removed: it is ours by its name."""
        return True

    def remove(self) -> None:
        """Remove the bridge itself, slowly; one that is gone is fine."""
        self._remove_link(self.name)

    def _ensure_link(self) -> bool:
        link = route.find_link(self._connection, self.name)
        if link is not None and link.kind != "bridge":
            raise Conflict(f"existing interface {self.name} is not a bridge", reference=self.name)
        if link is not None:
            self._index = link.index
            return False
        mac = mac_of(ip_address(self._first_gateway()))
        self._connection.execute(route.create_bridge(self.name, mac=mac))
        created = route.find_link(self._connection, self.name)
        if created is None:
            raise Internal(f"bridge {self.name} vanished while it was made")
        self._index = created.index
        self._connection.execute(
            route.set_link(self._index, up=False),
            optional=(route.set_alias(self.name, self._alias),),
        )
        return True

    def _first_gateway(self) -> str:
        found = [each.gateway or ip_network(each.subnet)[1] for each in self._spec.subnets]
        return str(found[0])

    def _ensure_addresses(self, version: int) -> bool:
        """Make the bridge's addresses of one family the right ones; whether they were not."""
        family = route.AF_INET if version == 4 else route.AF_INET6
        wanted = self._wanted(version)
        present = [
            (found.address, found.prefix_length)
            for found in route.addresses(self._connection, family=family)
            if found.index == self._index
        ]
        stale = [each for each in present if each not in wanted and not self._is_kernels(each[0])]
        changes = [route.delete_address(self._index, a, prefix_length=p) for a, p in stale]
        missing = [each for each in wanted if each not in present]
        changes += [route.add_address(self._index, a, prefix_length=p) for a, p in missing]
        if changes:
            self._connection.execute(*changes)
        return bool(changes)

    def _wanted(self, version: int) -> list[tuple[str, int]]:
        mode = self.options.mode4 if version == 4 else self.options.mode6
        if mode == ISOLATED or (version == 4 and self.options.inhibit4):
            return []
        found = [
            (each.gateway, _prefix_length(each))
            for each in of_version(self._spec, version)
            if each.gateway
        ]
        return [*found, _LINK_LOCAL] if version == 6 else found

    def _is_kernels(self, address: str) -> bool:
        """Whether the kernel made the address by itself, and it may stay."""
        return _is_link_local(address) and not self._is_isolated

    @property
    def _is_isolated(self) -> bool:
        """Whether the host shall have no address at all here, link-local ones neither."""
        return self.options.mode6 == ISOLATED or (
            self.options.mode4 == ISOLATED and not self._spec.enable_ipv6
        )

    def _switch_kernel(self) -> None:
        """Forward between links, and let 127.0.0.1 reach published ports through the bridge.

        The firewall drops what comes from outside to 127/8. Reverse-path filters stay as the
        host has them: every packet of ours passes even the strict one.
        """
        if self._make_router:
            hosts.forward(4)
        if self._lead_localhost:
            hosts.switch(hosts.SYSCTL / "ipv4/conf" / self.name / "route_localnet", "1")
        conf = hosts.SYSCTL / "ipv6/conf" / self.name
        if self._is_isolated and conf.exists():
            hosts.switch(conf / "addr_gen_mode", _NO_LINK_LOCAL)
        if self._spec.enable_ipv6:
            hosts.switch(conf / "disable_ipv6", "0")
            hosts.switch(conf / "accept_ra", "0")
            if self._make_router:
                hosts.forward(6)
        filters = [
            hosts.read_switch(hosts.SYSCTL / f"bridge/bridge-nf-call-{name}") == "1"
            for name in ("iptables", "ip6tables")
        ]
        self._needs_hairpin, self._filters_bridged = filters[0], all(filters)

    def _create_veth(self, netns_fd: int, state: EndpointState) -> EndpointState:
        """Make the pair, under the planned index inside if nobody has it.

        Modules of tunnels put links of theirs (`tunl0`, `sit0`) into every fresh namespace. Some
        kernels refuse an index that is taken, others choose another one.
        """
        try:
            self._connection.execute(self._veth(netns_fd, state))
        except OSError as error:
            if error.errno != errno.EBUSY or not state.link_index:
                raise
            state = msgspec.structs.replace(state, link_index=0)
            self._connection.execute(self._veth(netns_fd, state))
        return state

    def _veth(self, netns_fd: int, state: EndpointState) -> Message:
        return route.create_veth(
            state.host_link,
            master=self._index,
            mtu=state.mtu,
            peer_name=state.link_name,
            peer_netns_fd=netns_fd,
            peer_index=state.link_index,
            peer_mac=state.mac,
        )

    def _port_modes(self, host_link: str) -> list[Message]:
        """Without icc ports are isolated, but where the firewall sees bridged frames itself: it
        must let neighbours' published ports through."""
        modes = [route.set_hairpin(host_link)] if self._needs_hairpin else []
        if self.options.icc or self._filters_bridged:
            return modes
        return [*modes, route.isolate_port(host_link)]

    def _configure(self, netns_fd: int, state: EndpointState, *, fresh: bool) -> EndpointState:
        """Set the container's side up, and see to it that packets flow when this returns.

        The kernel opens a link's queue some time after its carrier came, and drops packets until
        then: the first connection would wait a second for its second try. Asking for the links,
        container's end first and bridge last, makes the kernel do it now.
        """
        modes = self._port_modes(state.host_link)
        if modes:
            self._connection.execute(*modes)
        with sandbox.connected(netns_fd) as inside:
            state = with_index(inside, state)
            if state.address6:
                sandbox.enable_ipv6(netns_fd, state.link_name)
            sandbox.set_up(inside, state, fresh=fresh)
            route.find_link(inside, state.link_name)
        route.find_link(self._connection, state.host_link)
        route.find_link(self._connection, self.name)
        return state

    def _remove_link(self, name: str) -> None:
        try:
            self._connection.execute(route.delete_link(name))
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise


def with_index(inside: Connection, state: EndpointState) -> EndpointState:
    """The state with the index that its link has, which may not be the planned one."""
    link = route.find_link(inside, state.link_name)
    return msgspec.structs.replace(state, link_index=link.index if link else 0)


def existing_subnets(connection: Connection, bridge: str) -> dict[int, Subnet]:
    """Subnets and gateways of a bridge that an earlier engine left, by family."""
    link = route.find_link(connection, bridge)
    if link is None or link.kind != "bridge":
        return {}
    found: dict[int, Subnet] = {}
    for version, family in ((6, route.AF_INET6), (4, route.AF_INET)):
        for each in route.addresses(connection, family=family):
            if each.index == link.index and not _is_link_local(each.address):
                network = ip_network((each.address, each.prefix_length), strict=False)
                found[version] = Subnet(subnet=str(network), gateway=each.address)
    return found


def attach_error(state: EndpointState, error: OSError) -> Internal:
    """The sentence about a link that could not be made, with the kernel's words."""
    return Internal(
        f"failed to add the host ({state.host_link}) <=> sandbox ({state.link_name}) pair "
        f"interfaces: {error.strerror}",
        hint=Hint("network.link-failed", step=str(error.filename or "")),
    )


def _is_link_local(address: str) -> bool:
    return ":" in address and ip_address(address).is_link_local


def _prefix_length(subnet: Subnet) -> int:
    return ip_network(subnet.subnet).prefixlen
