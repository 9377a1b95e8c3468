"""The inside of a sandbox: a link's addresses, routes and kernel switches.

Drivers make the link; here it gets what its `EndpointState` says. The sandbox is given by a
descriptor of its network namespace.

Source: docker network connect reference, "--driver-opt" (endpoint.sysctls); man 8 ip-route;
Documentation/networking/ip-sysctl.rst.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from budu.base.errors import InvalidArgument
from budu.linux.namespaces import CLONE_NEWNET, open_namespace, setns
from budu.linux.netlink import route
from budu.linux.netlink.sockets import connect_in
from budu.linux.netlink.wire import NETLINK_ROUTE, Connection, Message
from budu.network.contract import EndpointState
from budu.network.options import ENDPOINT_SYSCTLS

_SYSCTL_NAMES = ("net.ipv4.", "net.ipv6.", "net.mpls.")
_LINK_LOCAL_PREFIX = {4: 16, 6: 64}
_IPV6 = Path("/proc/sys/net/ipv6")


@contextmanager
def connected(netns_fd: int) -> Iterator[Connection]:
    """An rtnetlink connection inside. Raises: OSError when the namespace cannot be entered."""
    connection = connect_in(netns_fd, NETLINK_ROUTE)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def entered(netns_fd: int) -> Iterator[None]:
    """The calling thread inside; for /proc/sys/net, which shows the reader's namespace."""
    home = open_namespace("thread-self", CLONE_NEWNET)
    try:
        setns(netns_fd, CLONE_NEWNET)
        try:
            yield
        finally:
            setns(home, CLONE_NEWNET)
    finally:
        os.close(home)


def free_name(connection: Connection, prefix: str) -> str:
    """The first of `eth0`, `eth1` … that no link inside has."""
    taken = {link.name for link in route.links(connection)}
    number = 0
    while f"{prefix}{number}" in taken:
        number += 1
    return f"{prefix}{number}"


def set_up(
    connection: Connection, state: EndpointState, *, fresh: bool, on_link: bool = False
) -> None:
    """Give the link its addresses, bring it up, and lead the way out through it.

    `fresh`: the loopback link goes up too, and no default route stands in the way. `on_link`:
    the way out needs no gateway (ipvlan in layer 3).

    Raises: OSError with the kernel's words.
    """
    index = state.link_index
    changes = [route.set_link(route.LOOPBACK_INDEX, up=True)] if fresh else []
    changes.append(route.set_link(index, up=True))
    changes += [
        route.add_address(index, address, prefix_length=prefix)
        for address, prefix in _addresses(state)
    ]
    for version in (4, 6):
        if not (state.default_route if version == 4 else state.default_route6):
            continue
        way_out = _way_out(state, version, on_link=on_link)
        if way_out is not None and not fresh:
            changes += _defaults_gone(connection, version)
        changes += [way_out] if way_out is not None else []
    has_ipv6 = state.address6 or any(":" in each for each in state.link_local)
    quiet = () if has_ipv6 else (route.omit_ipv6_address(index),)
    connection.execute(*changes, optional=quiet)


def lead_out(
    connection: Connection, version: int, state: EndpointState | None, *, on_link: bool = False
) -> None:
    """Replace the default route of one family; None leaves none. Raises: OSError."""
    changes = _defaults_gone(connection, version)
    way_out = _way_out(state, version, on_link=on_link) if state else None
    if way_out is not None:
        changes.append(way_out)
    if changes:
        connection.execute(*changes)


def enable_ipv6(netns_fd: int, link_name: str) -> None:
    """Allow IPv6 on the link, whatever the sandbox's default is."""
    with entered(netns_fd):
        for name, value in (("disable_ipv6", "0"), ("accept_ra", "0"), ("accept_dad", "0")):
            with suppress(FileNotFoundError):
                _write_changed(_IPV6 / "conf" / link_name / name, value)


def parse_sysctls(options: Mapping[str, str]) -> dict[str, str]:
    """The settings of an endpoint's `sysctls` option; `IFNAME` stands for the link's name.

    Raises: InvalidArgument for one that is not the link's.
    """
    found = {}
    for each in filter(None, options.get(ENDPOINT_SYSCTLS, "").split(",")):
        name, equals, value = each.strip().partition("=")
        parts = name.split(".")
        if not equals:
            raise InvalidArgument(f"invalid endpoint sysctl '{each}'")
        if not name.startswith(_SYSCTL_NAMES) or len(parts) != 5 or parts[3] != "IFNAME":
            raise InvalidArgument(
                f"unrecognised network interface sysctl '{name}'; represent 'net.X.Y.ethN.Z=V' "
                "as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'"
            )
        found[name] = value
    return found


def write_sysctls(netns_fd: int, link_name: str, settings: Mapping[str, str]) -> None:
    """Write the link's kernel switches. Raises: InvalidArgument for one that does not exist."""
    if not settings:
        return
    with entered(netns_fd):
        for name, value in settings.items():
            parts = [link_name if part == "IFNAME" else part for part in name.split(".")]
            try:
                Path("/proc/sys", *parts).write_text(value)
            except OSError as error:
                reason = (error.strerror or "").lower()
                raise InvalidArgument(
                    f"failed to set sysctl '{name}' to '{value}': {reason}"
                ) from error


def _addresses(state: EndpointState) -> Iterator[tuple[str, int]]:
    if state.address:
        yield state.address, state.prefix_length
    if state.address6:
        yield state.address6, state.prefix_length6
    for each in state.link_local:
        yield each, _LINK_LOCAL_PREFIX[6 if ":" in each else 4]


def _way_out(state: EndpointState, version: int, *, on_link: bool) -> Message | None:
    gateway = state.gateway if version == 4 else state.gateway6
    address = state.address if version == 4 else state.address6
    if gateway:
        return route.add_route(state.link_index, gateway=gateway)
    if not on_link or not address:
        return None
    return route.add_route(state.link_index, destination="0.0.0.0" if version == 4 else "::")


def _defaults_gone(connection: Connection, version: int) -> list[Message]:
    family = route.AF_INET if version == 4 else route.AF_INET6
    return [
        route.delete_route(each.index, destination=each.destination, gateway=each.gateway)
        for each in route.routes(connection, family=family)
        if each.prefix_length == 0 and each.index and each.table == route.RT_TABLE_MAIN
    ]


def remove_link(netns_fd: int, index: int) -> None:
    """Take the link away that has this index inside; one that is gone is fine."""
    with connected(netns_fd) as connection:
        try:
            connection.execute(route.delete_link_at(index))
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise


def _write_changed(path: Path, value: str) -> None:
    if path.read_text().strip() != value:
        path.write_text(value)
