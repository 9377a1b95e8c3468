"""Packets between the outside, the host and containers, through the real kernel."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from network_lab import HOST_ADDRESS, OUTSIDE_ADDRESS, UP_MAC, Lab, nft, udp_frame

from budu.network.contract import EndpointRequest, EndpointState, PortRequest
from budu.network.fabric import NetworkFabric
from budu.network.loopback import bring_loopback_up

pytestmark = pytest.mark.host

GATEWAY = "172.17.0.1"


def request(port: int, *, address: str = "", protocol: str = "tcp") -> PortRequest:
    return PortRequest(
        container_port=80, protocol=protocol, host_address=address, host_first=port, host_last=port
    )


class Web:
    """A container with a server at port 80."""

    def __init__(self, lab: Lab, service: NetworkFabric, *requests: PortRequest) -> None:
        self.netns = lab.new_namespace()
        wish = EndpointRequest(container_id="c" * 64, name="web", ports=requests)
        self.state: EndpointState = service.connect("", self.netns, wish)
        self.server = lab.listen(self.netns, 80)


def test_published_port_answers_at_127_0_0_1(lab: Lab, service: NetworkFabric) -> None:
    web = Web(lab, service, request(8080))
    assert lab.reach(lab.host, "127.0.0.1", 8080, server=web.server) == GATEWAY


def test_published_port_answers_at_the_hosts_address(lab: Lab, service: NetworkFabric) -> None:
    web = Web(lab, service, request(8080))
    assert lab.reach(lab.host, HOST_ADDRESS, 8080, server=web.server) == HOST_ADDRESS


def test_published_port_sees_the_real_address_from_outside(
    lab: Lab, service: NetworkFabric
) -> None:
    web = Web(lab, service, request(8080))
    assert lab.reach(lab.outside, HOST_ADDRESS, 8080, server=web.server) == OUTSIDE_ADDRESS


@pytest.mark.parametrize("address", [GATEWAY, HOST_ADDRESS])
def test_neighbour_reaches_a_published_port_through_the_host(
    lab: Lab, service: NetworkFabric, address: str
) -> None:
    web, other = Web(lab, service, request(8080)), Web(lab, service)
    assert lab.reach(other.netns, address, 8080, server=web.server) == GATEWAY


@pytest.mark.parametrize("bridge_filter", ["0", "1"])
@pytest.mark.parametrize("address", [GATEWAY, HOST_ADDRESS])
def test_container_reaches_itself_through_the_host(
    lab: Lab, service: NetworkFabric, address: str, bridge_filter: str
) -> None:
    switch = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if switch.exists():
        switch.write_text(bridge_filter)
    service.restore([], [])
    web = Web(lab, service, request(8080))
    assert lab.reach(web.netns, address, 8080, server=web.server) == GATEWAY


@pytest.mark.parametrize("strict", ["0", "1"])
def test_loopback_works_under_every_reverse_path_filter(
    lab: Lab, service: NetworkFabric, strict: str
) -> None:
    for name in ("all", "default", "budu0"):
        Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text(strict)
    web = Web(lab, service, request(8080))
    assert lab.reach(lab.host, "127.0.0.1", 8080, server=web.server) == GATEWAY
    assert lab.reach(lab.outside, HOST_ADDRESS, 8080, server=web.server) == OUTSIDE_ADDRESS


def test_first_packet_is_not_lost(lab: Lab, service: NetworkFabric) -> None:
    server = lab.udp(lab.outside, port=9000)
    for _ in range(10):
        web = Web(lab, service)
        lab.udp(web.netns).sendto(b"ping", (OUTSIDE_ADDRESS, 9000))
        assert server.recv(10) == b"ping"
        service.disconnect(web.state, netns_fd=web.netns)


def test_neighbours_reach_each_other_directly(lab: Lab, service: NetworkFabric) -> None:
    web, other = Web(lab, service), Web(lab, service)
    seen = lab.reach(other.netns, web.state.address, 80, server=web.server)
    assert seen == other.state.address


def test_host_reaches_the_container_directly(lab: Lab, service: NetworkFabric) -> None:
    web = Web(lab, service)
    assert lab.reach(lab.host, web.state.address, 80, server=web.server) == GATEWAY


def test_outbound_connection_wears_the_hosts_address(lab: Lab, service: NetworkFabric) -> None:
    web = Web(lab, service)
    server = lab.listen(lab.outside, 9000)
    assert lab.reach(web.netns, OUTSIDE_ADDRESS, 9000, server=server) == HOST_ADDRESS


def test_unpublished_port_is_closed_to_the_outside(lab: Lab, service: NetworkFabric) -> None:
    web = Web(lab, service)
    lab.reach(lab.host, web.state.address, 80, server=web.server)
    assert not lab.is_reachable(lab.outside, web.state.address, 80)


def test_port_at_one_address_answers_only_there(lab: Lab, service: NetworkFabric) -> None:
    web = Web(lab, service, request(8080, address="127.0.0.1"))
    assert lab.reach(lab.host, "127.0.0.1", 8080, server=web.server) == GATEWAY
    assert not lab.is_reachable(lab.host, HOST_ADDRESS, 8080)
    assert not lab.is_reachable(lab.outside, HOST_ADDRESS, 8080)


def test_one_port_at_two_addresses_leads_to_two_containers(
    lab: Lab, service: NetworkFabric
) -> None:
    near = Web(lab, service, request(8080, address="127.0.0.1"))
    far = Web(lab, service, request(8080, address=HOST_ADDRESS))
    lab.reach(lab.host, "127.0.0.1", 8080, server=near.server)
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=far.server)


def test_every_port_of_several_is_published(lab: Lab, service: NetworkFabric) -> None:
    web = Web(lab, service, *(request(port) for port in range(8000, 8004)))
    for port in range(8000, 8004):
        lab.reach(lab.outside, HOST_ADDRESS, port, server=web.server)


@pytest.mark.parametrize("address", ["127.0.0.1", HOST_ADDRESS, GATEWAY])
def test_udp_is_answered_from_the_address_that_was_asked(
    lab: Lab, service: NetworkFabric, address: str
) -> None:
    netns = lab.new_namespace()
    ports = (request(5353, protocol="udp"),)
    service.connect("", netns, EndpointRequest(container_id="c" * 64, name="dns", ports=ports))
    server, client = lab.udp(netns, port=80), lab.udp(lab.host)
    client.sendto(b"ping", (address, 5353))
    data, peer = server.recvfrom(10)
    server.sendto(data, peer)
    assert client.recvfrom(10) == (b"ping", (address, 5353))


def test_udp_client_that_sends_on_reaches_the_next_container(
    lab: Lab, service: NetworkFabric
) -> None:
    client = lab.udp(lab.outside)
    client.sendto(b"early", (HOST_ADDRESS, 5353))
    for _ in range(2):
        netns = lab.new_namespace()
        wish = EndpointRequest(
            container_id="c" * 64, name="dns", ports=(request(5353, protocol="udp"),)
        )
        state = service.connect("", netns, wish)
        server = lab.udp(netns, port=80)
        client.sendto(b"ping", (HOST_ADDRESS, 5353))
        assert server.recv(10) == b"ping"
        service.disconnect(state)


def send_to_loopback(
    lab: Lab, netns: int, macs: tuple[str, str], source: str, *, destination: str = "127.0.0.1"
) -> None:
    with lab.inside(netns):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with raw:
            raw.bind(("eth0", 0))
            raw.send(udp_frame(source=source, destination=destination, port=7777, macs=macs))


def test_container_cannot_reach_the_hosts_loopback_services(
    lab: Lab, service: NetworkFabric
) -> None:
    web = Web(lab, service)
    private = lab.udp(lab.host, port=7777, address="127.0.0.1")
    private.settimeout(0.3)
    macs = ("02:42:ac:11:00:01", web.state.mac)
    send_to_loopback(lab, web.netns, macs, web.state.address)
    with pytest.raises(TimeoutError):
        private.recv(10)
    nft("flush chain inet budu raw")
    send_to_loopback(lab, web.netns, macs, web.state.address)
    assert private.recv(10) == b"ping"


def test_container_cannot_pose_as_the_hosts_loopback(lab: Lab, service: NetworkFabric) -> None:
    web = Web(lab, service)
    private = lab.udp(lab.host, port=7777, address=GATEWAY)
    private.settimeout(0.3)
    macs = ("02:42:ac:11:00:01", web.state.mac)
    send_to_loopback(lab, web.netns, macs, "127.0.0.2", destination=GATEWAY)
    with pytest.raises(TimeoutError):
        private.recv(10)
    nft("flush chain inet budu raw")
    send_to_loopback(lab, web.netns, macs, "127.0.0.2", destination=GATEWAY)
    assert private.recv(10) == b"ping"


def test_outside_cannot_reach_a_port_published_at_loopback(
    lab: Lab, service: NetworkFabric
) -> None:
    netns = lab.new_namespace()
    ports = (request(7777, address="127.0.0.1", protocol="udp"),)
    service.connect("", netns, EndpointRequest(container_id="c" * 64, name="dns", ports=ports))
    server = lab.udp(netns, port=80)
    server.settimeout(0.3)
    macs = (UP_MAC, "02:00:00:00:00:02")
    send_to_loopback(lab, lab.outside, macs, OUTSIDE_ADDRESS)
    with pytest.raises(TimeoutError):
        server.recv(10)
    Path("/proc/sys/net/ipv4/conf/up0/route_localnet").write_text("1")
    nft("flush chain inet budu raw")
    send_to_loopback(lab, lab.outside, macs, OUTSIDE_ADDRESS)
    assert server.recv(10) == b"ping"


def test_network_mode_none_has_loopback_only(lab: Lab) -> None:
    netns = lab.new_namespace()
    bring_loopback_up(netns)
    server = lab.listen(netns, 80, address="127.0.0.1")
    assert lab.reach(netns, "127.0.0.1", 80, server=server) == "127.0.0.1"
    with lab.inside(netns), pytest.raises(OSError, match="unreachable"):
        socket.create_connection((OUTSIDE_ADDRESS, 80), 1)
