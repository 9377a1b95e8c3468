"""A small internet in network namespaces of our own: the machine's network stays untouched.

    outside 198.51.100.2 ── 198.51.100.1 host (the engine's side) ── bridge ── containers

The test's own thread lives in `host` while the lab is open. A socket stays in the namespace in
which it was made, so both ends of a connection are held by one thread and nothing runs beside.
"""

from __future__ import annotations

import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from budu.linux.namespaces import CLONE_NEWNET, open_namespace, setns, unshare
from budu.linux.netlink import route
from budu.linux.netlink.wire import NETLINK_ROUTE, Connection

HOST_ADDRESS = "198.51.100.1"
OUTSIDE_ADDRESS = "198.51.100.2"
PATIENCE_S = 5.0
REFUSAL_S = 0.4


class Lab:
    """The namespaces. `close` brings the thread home and lets the kernel free everything."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        home = self._own(open_namespace("thread-self", CLONE_NEWNET))
        self._stack.callback(setns, home, CLONE_NEWNET)
        self.outside = self.new_namespace()
        unshare(CLONE_NEWNET)
        self.host = self._own(open_namespace("thread-self", CLONE_NEWNET))
        self._connect_outside()

    def close(self) -> None:
        self._stack.close()

    def new_namespace(self) -> int:
        """A fresh network namespace; the thread stays where it is."""
        here = open_namespace("thread-self", CLONE_NEWNET)
        try:
            unshare(CLONE_NEWNET)
            return self._own(open_namespace("thread-self", CLONE_NEWNET))
        finally:
            setns(here, CLONE_NEWNET)
            os.close(here)

    def drop_namespace(self, fd: int) -> None:
        """Close the lab's hold of a namespace, as when its container ends."""
        os.dup2(self.host, fd, inheritable=False)

    @contextmanager
    def inside(self, fd: int) -> Iterator[None]:
        here = open_namespace("thread-self", CLONE_NEWNET)
        try:
            setns(fd, CLONE_NEWNET)
            yield
        finally:
            setns(here, CLONE_NEWNET)
            os.close(here)

    def listen(self, fd: int, port: int, *, address: str = "") -> socket.socket:
        with self.inside(fd):
            server = socket.create_server((address, port))
        server.settimeout(PATIENCE_S)
        self._stack.callback(server.close)
        return server

    def udp(self, fd: int, *, port: int = 0, address: str = "") -> socket.socket:
        with self.inside(fd):
            peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._stack.callback(peer.close)
        peer.bind((address, port))
        peer.settimeout(PATIENCE_S)
        return peer

    def reach(self, fd: int, address: str, port: int, *, server: socket.socket) -> str:
        """Connect from the namespace `fd`; the client's address as the server sees it."""
        with self.inside(fd):
            client = socket.socket()
        with client:
            client.settimeout(PATIENCE_S)
            client.connect((address, port))
            accepted, peer = server.accept()
            with accepted:
                accepted.settimeout(PATIENCE_S)
                client.sendall(b"ping")
                assert accepted.recv(10) == b"ping"
                accepted.sendall(b"pong")
                assert client.recv(10) == b"pong"
        return str(peer[0])

    def is_reachable(self, fd: int, address: str, port: int) -> bool:
        with self.inside(fd):
            client = socket.socket()
        with client:
            client.settimeout(REFUSAL_S)
            return client.connect_ex((address, port)) == 0

    def _own(self, fd: int) -> int:
        self._stack.callback(os.close, fd)
        return fd

    def _connect_outside(self) -> None:
        connection = Connection(NETLINK_ROUTE)
        with self.inside(self.outside):
            far = Connection(NETLINK_ROUTE)
        try:
            connection.execute(route.set_link(1, up=True), route.create_bridge("up0", mac=UP_MAC))
            uplink = link_index(connection, "up0")
            connection.execute(
                route.create_veth(
                    "up1",
                    master=uplink,
                    mtu=1500,
                    peer_name="eth0",
                    peer_netns_fd=self.outside,
                    peer_index=2,
                    peer_mac="02:00:00:00:00:02",
                ),
                route.add_address(uplink, HOST_ADDRESS, prefix_length=24),
                route.set_link(uplink, up=True),
            )
            far.execute(
                route.set_link(1, up=True),
                route.set_link(2, up=True),
                route.add_address(2, OUTSIDE_ADDRESS, prefix_length=24),
                route.add_route(2, gateway=HOST_ADDRESS),
            )
        finally:
            far.close()
            connection.close()


UP_MAC = "02:00:00:00:00:01"


def link_index(connection: Connection, name: str) -> int:
    link = route.find_link(connection, name)
    assert link is not None
    return link.index


def link_names() -> set[str]:
    connection = Connection(NETLINK_ROUTE)
    try:
        return {link.name for link in route.links(connection)}
    finally:
        connection.close()


def nft(text: str) -> str:
    """Run nft commands in the thread's namespace."""
    done = subprocess.run(
        ["nft", "-f", "-"], input=text, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout


def udp_frame(*, source: str, destination: str, port: int, macs: tuple[str, str]) -> bytes:
    """An Ethernet frame with a udp datagram `ping`, as no honest stack would send it."""
    payload = b"ping"
    udp = struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload
    head = struct.pack(
        ">BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(udp),
        0,
        0,
        64,
        socket.IPPROTO_UDP,
        0,
        socket.inet_aton(source),
        socket.inet_aton(destination),
    )
    total = sum(struct.unpack(">10H", head))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    head = head[:10] + struct.pack(">H", checksum) + head[12:]
    return b"".join(map(route.pack_mac, macs)) + b"\x08\x00" + head + udp
