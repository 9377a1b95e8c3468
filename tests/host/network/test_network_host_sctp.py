"""Published sctp ports: held, led in, and back. A kernel without sctp of its own translates its
packets all the same."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from network_boxes import Box, network, port
from network_lab import HOST_ADDRESS, OUTSIDE_ADDRESS, PATIENCE_S, Lab, nft

from budu.base.errors import Conflict
from budu.network.fabric import NetworkFabric

pytestmark = pytest.mark.host

SCTP = socket.IPPROTO_SCTP
INIT, INIT_ACK = 1, 2


def test_a_port_is_an_element_like_others(lab: Lab, fabric: NetworkFabric) -> None:
    box = Box(lab, fabric, network(fabric), port(8080, protocol="sctp"))
    (binding,) = box.state.bindings
    assert (binding.protocol, binding.host_port) == ("sctp", 8080)
    element = f". 8080 : {box.state.address} . 80"
    assert element in nft("list map inet budu published4")
    fabric.disconnect(box.state)
    assert element not in nft("list map inet budu published4")


def test_a_port_has_one_owner(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric)
    box = Box(lab, fabric, spec, port(8080, protocol="sctp"), port(8080))
    with pytest.raises(Conflict, match="port is already allocated"):
        Box(lab, fabric, spec, port(8080, protocol="sctp"))
    fabric.disconnect(box.state)
    Box(lab, fabric, spec, port(8080, protocol="sctp"))


@pytest.mark.sctp
def test_a_port_of_a_program_of_the_host(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, SCTP) as other:
        other.bind(("0.0.0.0", 8080))
        other.listen(1)
        with pytest.raises(Conflict, match="address already in use"):
            Box(lab, fabric, spec, port(8080, protocol="sctp"))
    Box(lab, fabric, spec, port(8080, protocol="sctp"))


@pytest.mark.sctp
def test_an_association_with_a_container(lab: Lab, fabric: NetworkFabric) -> None:
    box = Box(lab, fabric, network(fabric), port(8080, protocol="sctp"))
    with lab.inside(box.netns):
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, SCTP)
    with lab.inside(lab.outside):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, SCTP)
    with server, client:
        for each in (server, client):
            each.settimeout(PATIENCE_S)
        server.bind(("0.0.0.0", 80))
        server.listen(1)
        client.connect((HOST_ADDRESS, 8080))
        accepted, peer = server.accept()
        with accepted:
            accepted.settimeout(PATIENCE_S)
            assert peer[0] == OUTSIDE_ADDRESS
            client.sendall(b"ping")
            assert accepted.recv(10) == b"ping"
            accepted.sendall(b"pong")
            assert client.recv(10) == b"pong"


def sctp_packet(kind: int, source: int, target: int) -> bytes:
    """A packet with one chunk that begins or accepts an association."""
    chunk = struct.pack(">BBHIIHHI", kind, 0, 20, 0x1234, 65536, 1, 1, 1)
    tag = 0 if kind == INIT else 0x1234
    head = struct.pack(">HHI", source, target, tag)
    checksum = crc32c(head + bytes(4) + chunk)
    return head + struct.pack("<I", checksum) + chunk


def crc32c(data: bytes) -> int:
    """Source: RFC 9260, appendix A."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


@pytest.fixture
def peers(lab: Lab) -> Iterator[list[socket.socket]]:
    """Raw sockets for sctp, to be opened with `raw`."""
    opened: list[socket.socket] = []
    yield opened
    for each in opened:
        each.close()


def raw(lab: Lab, netns: int, peers: list[socket.socket]) -> socket.socket:
    with lab.inside(netns):
        made = socket.socket(socket.AF_INET, socket.SOCK_RAW, SCTP)
    made.settimeout(5)
    peers.append(made)
    return made


def received(peer: socket.socket) -> tuple[str, int, int, int]:
    """Who sent the next packet, its two ports, and its chunk's type; its checksum is right."""
    data, sender = peer.recvfrom(2000)
    packet = data[(data[0] & 0xF) * 4 :]
    source, target = struct.unpack_from(">HH", packet)
    assert struct.unpack_from("<I", packet, 8)[0] == crc32c(packet[:8] + bytes(4) + packet[12:])
    return sender[0], source, target, packet[12]


@pytest.mark.no_sctp
def test_packets_go_to_the_container_and_back(
    lab: Lab, fabric: NetworkFabric, peers: list[socket.socket]
) -> None:
    box = Box(lab, fabric, network(fabric), port(8080, protocol="sctp"))
    client, server = raw(lab, lab.outside, peers), raw(lab, box.netns, peers)
    client.sendto(sctp_packet(INIT, 40000, 8080), (HOST_ADDRESS, 0))
    assert received(server) == (OUTSIDE_ADDRESS, 40000, 80, INIT)
    server.sendto(sctp_packet(INIT_ACK, 80, 40000), (OUTSIDE_ADDRESS, 0))
    assert received(client) == (HOST_ADDRESS, 8080, 40000, INIT_ACK)
