"""Network mode none: a network namespace with nothing but its loopback link."""

from __future__ import annotations

from budu.linux.netlink.route import LOOPBACK_INDEX, set_link
from budu.linux.netlink.sockets import connect_in
from budu.linux.netlink.wire import NETLINK_ROUTE


def bring_loopback_up(netns_fd: int) -> None:
    """Switch the loopback link of a network namespace on; the kernel gives it 127.0.0.1 and ::1.

    Raises: OSError when the namespace cannot be entered.
    """
    connection = connect_in(netns_fd, NETLINK_ROUTE)
    try:
        connection.execute(set_link(LOOPBACK_INDEX, up=True))
    finally:
        connection.close()
