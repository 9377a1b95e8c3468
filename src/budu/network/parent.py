"""The drivers `macvlan` and `ipvlan`: links below a link of the host, made inside the sandboxes.

A parent `eth0.10` that does not exist is made as VLAN 10 of `eth0`; without a parent the network
lives below a link that leads nowhere. What we made goes with its last network.

Source: moby 28.3, libnetwork/drivers/macvlan and drivers/ipvlan; docker macvlan and ipvlan
references.
"""

from __future__ import annotations

import errno
import os

import msgspec

from budu.base.errors import Conflict, Hint, Internal, InvalidArgument, PermissionDenied
from budu.linux.netlink import link_kinds, route
from budu.linux.netlink.wire import Connection, Message
from budu.network import sandbox
from budu.network.contract import IPVLAN, MACVLAN, EndpointState, NetworkSpec
from budu.network.options import parent_options

_LARGEST_VLAN = 4094
_MODULES = {"vlan": "8021q"}
_TEMPORARY, _TEMPORARY_BYTES = "new", 6
"""Names of links while they are made: kernels look for them on the host, which may have an eth0."""


class ParentDriver:
    """A macvlan or ipvlan network whose parent is chosen. Arguments as of `BridgeDriver`.

    `mtu` 0 is the parent's.
    """

    def __init__(self, connection: Connection, spec: NetworkSpec, *, alias: str) -> None:
        self.name = spec.link
        self.options = parent_options(spec)
        self.mtu = self.options.mtu
        self.on_link = spec.driver == IPVLAN and self.options.mode != "l2" and not spec.internal
        self._spec = spec
        self._alias = alias
        self._connection = connection

    def ensure(self) -> list[str]:
        """See to it that the parent is there; what was missing.

        Raises: InvalidArgument for a parent that cannot be; PermissionDenied; Internal.
        """
        if route.find_link(self._connection, self.name) is not None:
            return []
        made = self._creation()
        try:
            self._connection.execute(made)
            self._connection.execute(route.set_alias(self.name, self._alias))
        except PermissionError as error:
            raise PermissionDenied(
                f"failed to create the parent {self.name}: {error.strerror}",
                hint=Hint("network.needs-root"),
            ) from error
        except OSError as error:
            kind = "vlan" if self.options.parent else "dummy"
            raise Internal(
                f"failed to create the parent {self.name}: {error.strerror}",
                hint=_kind_hint(kind, error),
            ) from error
        return [f"link {self.name}"]

    def is_present(self) -> bool:
        """Whether the parent is there."""
        return route.find_link(self._connection, self.name) is not None

    def attach(self, netns_fd: int, state: EndpointState, *, fresh: bool) -> EndpointState:
        """Give a sandbox its link; the state with the link's index and MAC.

        Raises: Internal with the kernel's words; the link is removed then.
        """
        parent = route.find_link(self._connection, self.name)
        if parent is None:
            raise Conflict(
                f"the requested parent interface {self.name} was not found on the Docker host"
            )
        child = link_kinds.Child(
            parent=parent.index,
            name=_TEMPORARY + os.urandom(_TEMPORARY_BYTES).hex(),
            netns_fd=netns_fd,
            mtu=self.mtu,
            mac="" if self.options.mode == "passthru" else state.mac,
        )
        try:
            self._connection.execute(self._child(child))
            index = _index_of(netns_fd, child.name)
        except OSError as error:
            raise self._attach_error(state, error) from error
        try:
            state = msgspec.structs.replace(state, link_index=index)
            return self._configure(netns_fd, state, fresh=fresh)
        except OSError as error:
            sandbox.remove_link(netns_fd, index)
            raise self._attach_error(state, error) from error

    def detach(self, state: EndpointState, *, netns_fd: int | None = None) -> None:
        """Remove the endpoint's link now, where its sandbox is given."""
        if netns_fd is not None:
            sandbox.remove_link(netns_fd, state.link_index)

    def reattach(self, state: EndpointState) -> bool:
        """Nothing of such an endpoint can be put back from outside."""
        return False

    def is_removable(self) -> bool:
        """Whether the parent is there and we made it."""
        link = route.find_link(self._connection, self.name)
        return link is not None and link.alias == self._alias

    def remove(self) -> None:
        """Remove the parent if we made it, slowly."""
        if not self.is_removable():
            return
        try:
            self._connection.execute(route.delete_link(self.name))
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise

    def _creation(self) -> Message:
        if not self.options.parent:
            return link_kinds.create_dummy(self.name)
        above, dot, number = self.name.rpartition(".")
        parent = route.find_link(self._connection, above) if dot else None
        if not dot or parent is None:
            raise InvalidArgument(
                f"the requested parent interface {self.name} was not found on the Docker host"
            )
        if not number.isdecimal() or not 1 <= int(number) <= _LARGEST_VLAN:
            raise InvalidArgument(f"vlan id must be between 1-{_LARGEST_VLAN}, received: {number}")
        return link_kinds.create_vlan(self.name, parent=parent.index, vlan_id=int(number))

    def _child(self, child: link_kinds.Child) -> Message:
        if self._spec.driver == MACVLAN:
            return link_kinds.create_macvlan(child, mode=self.options.mode)
        return link_kinds.create_ipvlan(child, mode=self.options.mode, flag=self.options.flag)

    def _configure(self, netns_fd: int, state: EndpointState, *, fresh: bool) -> EndpointState:
        """Name the link inside as it shall be called, and set it up."""
        with sandbox.connected(netns_fd) as inside:
            inside.execute(route.rename_link(state.link_index, state.link_name))
            if state.address6:
                sandbox.enable_ipv6(netns_fd, state.link_name)
            sandbox.set_up(inside, state, fresh=fresh, on_link=self.on_link)
            link = _found(inside, state.link_name)
        mac = link.mac if self._spec.driver == MACVLAN else ""
        return msgspec.structs.replace(state, mac=mac, mtu=link.mtu)

    def _attach_error(self, state: EndpointState, error: OSError) -> Internal:
        return Internal(
            f"failed to create the {state.link_name} sandbox port: {error.strerror}",
            hint=_kind_hint(self._spec.driver, error),
        )


def _index_of(netns_fd: int, name: str) -> int:
    """The index that the kernel gave a link inside."""
    with sandbox.connected(netns_fd) as inside:
        return _found(inside, name).index


def _found(inside: Connection, name: str) -> route.Link:
    link = route.find_link(inside, name)
    if link is None:
        raise OSError(errno.ENODEV, "the link vanished while it was made")
    return link


def _kind_hint(kind: str, error: OSError) -> Hint:
    if error.errno == errno.EOPNOTSUPP:
        return Hint("network.kernel-lacks", kind=kind, module=_MODULES.get(kind, kind))
    return Hint("network.link-failed", step=str(error.filename or ""))
