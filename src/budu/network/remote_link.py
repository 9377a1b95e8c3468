"""A link that a plugin made on the host: into a sandbox, and out of it again.

Source: moby 28.3, libnetwork/osl/interface_linux.go (order of the changes).
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from ipaddress import ip_address, ip_network

import msgspec

from budu.base.errors import Hint, Internal
from budu.linux.namespaces import CLONE_NEWNET, open_namespace
from budu.linux.netlink import route
from budu.linux.netlink.wire import NETLINK_ROUTE, Connection, Message
from budu.network import sandbox
from budu.network.bridge import with_index
from budu.network.contract import EndpointState
from budu.network.remote import StaticRoute

_TO_LINK = 1


def move_in(
    netns_fd: int, state: EndpointState, routes: tuple[StaticRoute, ...], *, fresh: bool
) -> EndpointState:
    """Put the link `state.host_link` into a sandbox as `state.link_name`, with all it needs.

    The state with what the link turned out to have. Raises: Internal; the link is where it was.
    """
    host = Connection(NETLINK_ROUTE)
    try:
        link = route.find_link(host, state.host_link)
        if link is None:
            raise Internal(
                f"error moving interface {state.host_link}: no such device",
                hint=Hint("plugin.broken", name=state.driver),
            )
        host.execute(route.move_link(link.index, netns_fd, name=state.link_name))
    except OSError as error:
        raise _failure(state, error) from error
    finally:
        host.close()
    state = msgspec.structs.replace(state, mac=state.mac or link.mac, mtu=link.mtu)
    try:
        return _configure(netns_fd, state, routes, fresh=fresh)
    except OSError as error:
        move_out(netns_fd, state)
        raise _failure(state, error) from error


def move_out(netns_fd: int, state: EndpointState) -> None:
    """Put the link back onto the host under its own name; one that is gone is fine."""
    if not state.host_link:
        return
    home = open_namespace("self", CLONE_NEWNET)
    try:
        with sandbox.connected(netns_fd) as inside:
            link = route.find_link(inside, state.link_name)
            if link is None:
                return
            with suppress(OSError):
                inside.execute(route.set_link(link.index, up=False))
            inside.execute(route.move_link(link.index, home, name=state.host_link))
    except OSError as error:
        if error.errno not in (errno.ENODEV, errno.ENOENT):
            raise _failure(state, error) from error
    finally:
        os.close(home)


def _configure(
    netns_fd: int, state: EndpointState, routes: tuple[StaticRoute, ...], *, fresh: bool
) -> EndpointState:
    with sandbox.connected(netns_fd) as inside:
        state = with_index(inside, state)
        if state.mac:
            inside.execute(route.set_link(state.link_index, mac=state.mac))
        if state.address6:
            sandbox.enable_ipv6(netns_fd, state.link_name)
        sandbox.set_up(inside, state, fresh=fresh)
        messages = [_route(state.link_index, each) for each in routes]
        if messages:
            inside.execute(*messages)
    return state


def _route(index: int, each: StaticRoute) -> Message:
    """Raises: Internal for a route that is none."""
    try:
        network = ip_network(each.destination, strict=False)
        hop = "" if each.route_type == _TO_LINK else str(ip_address(each.next_hop))
    except ValueError as error:
        raise OSError(errno.EINVAL, f"static route {each.destination}: {error}") from None
    return route.add_route(
        index,
        destination=str(network.network_address),
        prefix_length=network.prefixlen,
        gateway=hop,
    )


def _failure(state: EndpointState, error: OSError) -> Internal:
    return Internal(
        f"error moving interface {state.host_link} to sandbox as {state.link_name}: "
        f"{error.strerror}",
        hint=Hint("network.link-failed", step=str(error.filename or "")),
    )
