"""A small internet in network namespaces of our own: the machine's network stays untouched.

    stranger ── outside 198.51.100.2 ── 198.51.100.1 host (engine's side) ── bridge ── containers

The host is connected to `outside`; the stranger at 203.0.113.2 is one router further away. All
have IPv6 addresses too: 2001:db8:f::1, ::2, and 2001:db8:e::2.

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
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from budu.linux.namespaces import CLONE_NEWNET, open_namespace, setns, unshare
from budu.linux.netlink import route
from budu.linux.netlink.wire import NETLINK_ROUTE, Connection
from budu.network.contract import FabricConfig, NetworkSpec, Subnet
from budu.network.fabric import NetworkFabric
from budu.network.ipam import Prefix

HOST_ADDRESS = "198.51.100.1"
OUTSIDE_ADDRESS = "198.51.100.2"
HOST_ADDRESS6 = "2001:db8:f::1"
OUTSIDE_ADDRESS6 = "2001:db8:f::2"
STRANGER_ADDRESS = "203.0.113.2"
STRANGER_ADDRESS6 = "2001:db8:e::2"
PATIENCE_S = 5.0
REFUSAL_S = 0.4


def default_fabric(
    *, link: str = "budu0", subnets: tuple[Subnet, ...] = (), **changes: Any
) -> NetworkFabric:
    """A fabric whose default bridge is `budu0`; `relay` is off unless it is asked for."""
    default = NetworkSpec(id="d" * 64, name="bridge", link=link, subnets=subnets)
    settings = {"ula": "fd00:b0d0:1::/48", "relay": False, **changes}
    return NetworkFabric(FabricConfig(default=default, **settings))


def subnet_of(fabric: NetworkFabric) -> Prefix:
    """The default bridge's IPv4 subnet."""
    return ip_network(fabric.default.subnets[0].subnet)


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
            is_v6 = ":" in address
            server = socket.create_server(
                (address, port), family=family_of(address), dualstack_ipv6=is_v6
            )
        server.settimeout(PATIENCE_S)
        self._stack.callback(server.close)
        return server

    def udp(self, fd: int, *, port: int = 0, address: str = "") -> socket.socket:
        with self.inside(fd):
            peer = socket.socket(family_of(address), socket.SOCK_DGRAM)
        self._stack.callback(peer.close)
        peer.bind((address, port))
        peer.settimeout(PATIENCE_S)
        return peer

    def reach(self, fd: int, address: str, port: int, *, server: socket.socket) -> str:
        """Connect from the namespace `fd`; the client's address as the server sees it."""
        with self.inside(fd):
            client = socket.socket(family_of(address))
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
            client = socket.socket(family_of(address))
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
                route.add_address(uplink, HOST_ADDRESS6, prefix_length=64),
                route.set_link(uplink, up=True),
            )
            far.execute(
                route.set_link(1, up=True),
                route.set_link(2, up=True),
                route.add_address(2, OUTSIDE_ADDRESS, prefix_length=24),
                route.add_address(2, OUTSIDE_ADDRESS6, prefix_length=64),
                route.add_route(2, gateway=HOST_ADDRESS),
                route.add_route(2, gateway=HOST_ADDRESS6),
            )
            # Asking for a link makes the kernel open its queue now; see `network.bridge`.
            for peer, name in ((far, "eth0"), (connection, "up1"), (connection, "up0")):
                link_index(peer, name)
        finally:
            far.close()
            connection.close()

    def add_stranger(self) -> int:
        """A host one router further away: `outside` passes its packets on."""
        stranger = self.new_namespace()
        for fd, commands in (
            (
                self.outside,
                (
                    ["link", "add", "far", "type", "veth", "peer", "name", "eth0", "netns", "FD"],
                    ["link", "set", "far", "up"],
                    ["addr", "add", "203.0.113.1/24", "dev", "far"],
                    ["addr", "add", "2001:db8:e::1/64", "dev", "far", "nodad"],
                ),
            ),
            (
                stranger,
                (
                    ["link", "set", "eth0", "up"],
                    ["addr", "add", f"{STRANGER_ADDRESS}/24", "dev", "eth0"],
                    ["addr", "add", f"{STRANGER_ADDRESS6}/64", "dev", "eth0", "nodad"],
                    ["route", "add", "default", "via", "203.0.113.1"],
                    ["-6", "route", "add", "default", "via", "2001:db8:e::1"],
                ),
            ),
            (
                self.host,
                (
                    ["route", "add", "203.0.113.0/24", "via", OUTSIDE_ADDRESS],
                    ["-6", "route", "add", "2001:db8:e::/64", "via", OUTSIDE_ADDRESS6],
                ),
            ),
        ):
            with self.inside(fd):
                for command in commands:
                    words = [
                        f"/proc/{os.getpid()}/fd/{stranger}" if w == "FD" else w for w in command
                    ]
                    subprocess.run(["ip", *words], check=True, timeout=30)
        with self.inside(self.outside):
            for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                Path("/proc/sys/net", path).write_text("1")
        return stranger

    def add_uplink(self, fd: int, name: str, *, near: str, far: str) -> None:
        """Connect the host to one more namespace, by a link that is no bridge."""
        path = f"/proc/{os.getpid()}/fd/{fd}"
        for words in (
            ["link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", path],
            ["link", "set", name, "up"],
            ["addr", "add", f"{near}/24", "dev", name],
        ):
            subprocess.run(["ip", *words], check=True, timeout=30)
        with self.inside(fd):
            for words in (
                ["link", "set", "eth0", "up"],
                ["addr", "add", f"{far}/24", "dev", "eth0"],
                ["route", "add", "default", "via", near],
            ):
                subprocess.run(["ip", *words], check=True, timeout=30)


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


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
