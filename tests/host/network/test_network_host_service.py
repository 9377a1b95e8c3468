"""The bridge driver's life cycle on the real kernel."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from network_lab import HOST_ADDRESS, Lab, default_fabric, link_names, nft, subnet_of

from budu.base.errors import (
    BuduError,
    Conflict,
    Internal,
    InvalidArgument,
    ResourceExhausted,
    Unavailable,
)
from budu.linux.netlink import nftables, route
from budu.linux.netlink.wire import NETLINK_NETFILTER, NETLINK_ROUTE, Connection
from budu.network.contract import (
    EndpointRequest,
    EndpointState,
    PortRequest,
    Subnet,
)
from budu.network.fabric import NetworkFabric

pytestmark = pytest.mark.host


def request(first: int, last: int = 0, *, address: str = "") -> PortRequest:
    return PortRequest(
        container_port=80, host_address=address, host_first=first, host_last=last or first
    )


def connect(
    service: NetworkFabric, netns: int, *requests: PortRequest, name: str = "web"
) -> EndpointState:
    wish = EndpointRequest(container_id="c" * 64, name=name, ports=requests)
    return service.connect(service.default.id, netns, wish)


def elements(table: str = "budu") -> list[nftables.Element]:
    connection = Connection(NETLINK_NETFILTER)
    try:
        return [
            element
            for name in ("published4", "published_at4")
            for element in nftables.dump_elements(connection, table, name)
        ]
    finally:
        connection.close()


def second_engine() -> NetworkFabric:
    service = default_fabric(link="budu1", table="budu1", link_prefix="budv-")
    service.start()
    return service


@pytest.fixture
def foreign(lab: Lab) -> Iterator[int]:
    """A port of the host that a program which is no container has."""
    server = lab.listen(lab.host, 8080)
    yield 8080
    server.close()


def test_endpoint_is_as_docker_makes_it(lab: Lab, service: NetworkFabric) -> None:
    netns = lab.new_namespace()
    state = connect(service, netns)
    with lab.inside(netns):
        connection = Connection(NETLINK_ROUTE)
        links = {link.name: link for link in route.links(connection)}
        addresses = [(a.address, a.prefix_length) for a in route.addresses(connection)]
        default = [r.gateway for r in route.routes(connection) if r.prefix_length == 0]
        connection.close()
    assert (links["lo"].is_up, links["eth0"].is_up) == (True, True)
    assert links["eth0"].mac == state.mac == "02:42:ac:11:00:02"
    assert addresses == [("127.0.0.1", 8), ("172.17.0.2", 16)]
    assert default == [state.gateway] == ["172.17.0.1"]


def test_requested_address_and_mac_are_used(lab: Lab, service: NetworkFabric) -> None:
    wish = EndpointRequest(
        container_id="c" * 64, name="web", address="172.17.9.9", mac="02-AA-00-00-00-01"
    )
    state = service.connect("", lab.new_namespace(), wish)
    assert (state.address, state.mac) == ("172.17.9.9", "02:aa:00:00:00:01")


def test_port_of_the_kernels_choice_is_in_its_range(lab: Lab, service: NetworkFabric) -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    state = connect(
        service, lab.new_namespace(), *(PortRequest(container_port=p) for p in (80, 81))
    )
    ports = [binding.host_port for binding in state.bindings]
    assert len(set(ports)) == 2
    assert all(first <= port <= last for port in ports)


def test_range_gives_the_first_free_port(lab: Lab, service: NetworkFabric, foreign: int) -> None:
    state = connect(service, lab.new_namespace(), request(foreign, foreign + 5))
    assert [binding.host_port for binding in state.bindings] == [foreign + 1]


def test_range_without_a_free_port_is_exhausted(
    lab: Lab, service: NetworkFabric, foreign: int
) -> None:
    connect(service, lab.new_namespace(), request(foreign + 1))
    with pytest.raises(ResourceExhausted, match="all ports are allocated"):
        connect(service, lab.new_namespace(), request(foreign, foreign + 1))


def test_named_port_is_not_taken_by_a_range_of_the_same_container(
    lab: Lab, service: NetworkFabric
) -> None:
    state = connect(service, lab.new_namespace(), request(8000, 8005), request(8000))
    assert [binding.host_port for binding in state.bindings] == [8001, 8000]


def test_port_of_another_container_names_it_and_a_free_one(
    lab: Lab, service: NetworkFabric
) -> None:
    connect(service, lab.new_namespace(), request(8080), name="first")
    with pytest.raises(Conflict) as caught:
        connect(service, lab.new_namespace(), request(8080), name="second")
    assert re.fullmatch(
        r"driver failed programming external connectivity on endpoint second \([0-9a-f]{64}\): "
        r"Bind for 0\.0\.0\.0:8080 failed: port is already allocated",
        caught.value.message,
    )
    assert caught.value.hint is not None
    assert caught.value.hint.values == {"port": 8080, "container": "first", "free": 8081}


def test_port_at_one_address_conflicts_with_the_port_everywhere(
    lab: Lab, service: NetworkFabric
) -> None:
    connect(service, lab.new_namespace(), request(8080, address="127.0.0.1"))
    with pytest.raises(Conflict, match="port is already allocated"):
        connect(service, lab.new_namespace(), request(8080))


def test_port_of_a_foreign_process_names_it(lab: Lab, service: NetworkFabric, foreign: int) -> None:
    with pytest.raises(Conflict) as caught:
        connect(service, lab.new_namespace(), request(foreign))
    assert caught.value.message.endswith(
        "failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address already in use"
    )
    assert caught.value.hint is not None
    assert caught.value.hint.values["pid"] == os.getpid()
    assert caught.value.hint.values["free"] == 8081


def test_address_that_is_not_here_is_refused(lab: Lab, service: NetworkFabric) -> None:
    with pytest.raises(InvalidArgument, match="cannot assign requested address"):
        connect(service, lab.new_namespace(), request(8080, address="203.0.113.9"))


def test_foreign_program_cannot_take_a_published_port(lab: Lab, service: NetworkFabric) -> None:
    connect(service, lab.new_namespace(), request(8080))
    with pytest.raises(OSError, match="Address already in use"):
        lab.listen(lab.host, 8080)


@pytest.mark.parametrize("wanted", ["address", "port", "namespace"])
def test_failed_connect_leaves_nothing_behind(
    lab: Lab, service: NetworkFabric, foreign: int, wanted: str
) -> None:
    links, netns = link_names(), lab.new_namespace()
    broken = os.open("/dev/null", os.O_RDONLY)
    cases = {
        "address": lambda: service.connect(
            "", netns, EndpointRequest(container_id="c", name="w", address="10.0.0.1")
        ),
        "port": lambda: connect(service, netns, request(8081), request(foreign)),
        "namespace": lambda: connect(service, broken, request(8081)),
    }
    with pytest.raises((InvalidArgument, Conflict, Internal)):
        cases[wanted]()
    os.close(broken)
    assert (link_names(), elements()) == (links, [])
    assert connect(service, netns, request(8081)).address.startswith("172.17.0.")


def test_disconnect_frees_port_and_element_and_the_kernel_the_link(
    lab: Lab, service: NetworkFabric
) -> None:
    links = link_names()
    netns = lab.new_namespace()
    state = connect(service, netns, request(8080))
    assert state.host_link in link_names()
    service.disconnect(state, netns_fd=netns)
    assert (link_names(), elements()) == (links, [])
    lab.listen(lab.host, 8080)


def test_second_disconnect_does_not_touch_the_next_owner(lab: Lab, service: NetworkFabric) -> None:
    first = connect(service, lab.new_namespace(), request(8080))
    service.disconnect(first)
    connect(service, lab.new_namespace(), request(8080))
    service.disconnect(first)
    assert len(elements()) == 1
    with pytest.raises(Conflict, match="port is already allocated"):
        connect(service, lab.new_namespace(), request(8080))


def test_more_ports_can_be_published_later(lab: Lab, service: NetworkFabric) -> None:
    netns = lab.new_namespace()
    state = service.publish(connect(service, netns), (request(8080),))
    lab.reach(lab.host, HOST_ADDRESS, 8080, server=lab.listen(netns, 80))
    service.disconnect(state)
    assert elements() == []


def test_ports_work_while_no_engine_runs_and_after_the_next_took_over(lab: Lab) -> None:
    first = default_fabric()
    first.start()
    netns = lab.new_namespace()
    server = lab.listen(netns, 80)
    stored = msgspec.json.encode(connect(first, netns, request(8080)))
    first.close()
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)

    second = default_fabric()
    second.start()
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)
    state = msgspec.json.decode(stored, type=EndpointState)
    assert second.restore([], [state]) == []
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)
    with pytest.raises(Conflict, match="port is already allocated"):
        connect(second, lab.new_namespace(), request(8080))
    assert connect(second, lab.new_namespace()).address != state.address
    second.disconnect(state)
    assert elements() == []
    second.close()


def test_restore_replaces_the_table_of_an_older_engine(lab: Lab, service: NetworkFabric) -> None:
    chain = "chain forward { type filter hook forward priority 0; policy drop; }"
    nft(f"table ip budu {{\n{chain}\n}}\ntable ip budu-other {{\n}}\n")
    service.restore([], [])
    assert nft("list tables ip\n").split() == ["table", "ip", "budu-other"]


def test_restore_remakes_what_was_flushed(lab: Lab, service: NetworkFabric) -> None:
    netns = lab.new_namespace()
    server = lab.listen(netns, 80)
    state = connect(service, netns, request(8080))
    nft("flush ruleset")
    with pytest.raises(TimeoutError):
        server.settimeout(0.2)
        lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)
    server.settimeout(5)
    assert service.restore([], [state]) == []
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)


def test_restore_remakes_a_removed_bridge(lab: Lab, service: NetworkFabric) -> None:
    netns = lab.new_namespace()
    server = lab.listen(netns, 80)
    state = connect(service, netns, request(8080))
    subprocess.run(["ip", "link", "del", "budu0"], check=True, timeout=30)
    assert service.restore([], [state]) == []
    lab.reach(lab.host, "127.0.0.1", 8080, server=server)


def test_restore_removes_links_and_elements_of_nobody(lab: Lab, service: NetworkFabric) -> None:
    state = connect(service, lab.new_namespace(), request(8080))
    assert service.restore([], []) == []
    assert state.host_link not in link_names()
    assert elements() == []


def test_restore_warns_of_a_lost_link_and_a_lost_port(lab: Lab) -> None:
    first = default_fabric()
    first.start()
    state = connect(first, lab.new_namespace(), request(8080))
    first.close()
    lab.listen(lab.host, 8080)
    subprocess.run(["ip", "link", "del", state.host_link], check=True, timeout=30)
    second = default_fabric()
    second.start()
    lost_link, lost_port = second.restore([], [state])
    second.close()
    assert "web has lost its network link" in lost_link
    assert "0.0.0.0:8080/tcp of container web is also bound" in lost_port


def test_publishing_into_a_flushed_table_makes_it_again_whole(
    lab: Lab, service: NetworkFabric
) -> None:
    connect(service, lab.new_namespace(), request(8080))
    nft("flush ruleset")
    connect(service, lab.new_namespace(), request(8081))
    assert len(elements()) == 2


def test_disconnect_after_a_flush_succeeds(lab: Lab, service: NetworkFabric) -> None:
    state = connect(service, lab.new_namespace(), request(8080), request(8081, address="127.0.0.1"))
    nft("flush map inet budu published4")
    service.disconnect(state)
    assert elements() == []


def test_two_engines_live_side_by_side(lab: Lab, service: NetworkFabric) -> None:
    other = second_engine()
    assert not subnet_of(service).overlaps(subnet_of(other))
    near, far = lab.new_namespace(), lab.new_namespace()
    connect(service, near, request(8080))
    connect(other, far, request(8081))
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=lab.listen(near, 80))
    lab.reach(lab.outside, HOST_ADDRESS, 8081, server=lab.listen(far, 80))
    with pytest.raises(Conflict, match="address already in use") as caught:
        connect(other, lab.new_namespace(), request(8080))
    assert caught.value.hint is not None
    assert caught.value.hint.values["pid"] == os.getpid()
    other.close()


def test_subnet_of_a_host_route_is_avoided(lab: Lab) -> None:
    subprocess.run(["ip", "route", "add", "172.17.8.0/24", "dev", "up0"], check=True, timeout=30)
    service = default_fabric()
    service.start()
    assert str(subnet_of(service)) == "172.18.0.0/24"
    service.close()


def test_configured_subnet_and_mtu_are_used(lab: Lab) -> None:
    service = default_fabric(subnets=(Subnet(subnet="10.9.8.0/24", gateway="10.9.8.7"),), mtu=1300)
    service.start()
    state = connect(service, lab.new_namespace())
    assert (state.address, state.gateway, state.mtu) == ("10.9.8.1", "10.9.8.7", 1300)
    service.close()


def test_mtu_follows_the_hosts_way_out(lab: Lab) -> None:
    commands = (["link", "set", "up0", "mtu", "1400"], ["route", "add", "default", "dev", "up0"])
    for command in commands:
        subprocess.run(["ip", *command], check=True, timeout=30)
    service = default_fabric()
    service.start()
    assert service.mtu("") == 1400
    service.close()


def test_link_of_another_kind_is_not_taken_for_the_bridge(lab: Lab) -> None:
    subprocess.run(
        ["ip", "link", "add", "budu0", "type", "veth", "peer", "name", "x"], check=True, timeout=30
    )
    with pytest.raises(Conflict, match="budu0 is not a bridge"):
        default_fabric().start()


def test_missing_nft_names_the_package(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Unavailable) as caught:
        default_fabric().start()
    assert caught.value.hint is not None
    assert caught.value.hint.values == {"package": "nftables"}


def test_diagnosis_finds_a_firewall_that_drops_forwarded_packets(
    lab: Lab, service: NetworkFabric
) -> None:
    assert service.diagnose() == ()
    nft("table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }")
    (hint,) = service.diagnose()
    assert hint.key == "network.forward-dropped"
    assert hint.values == {"chain": "filter FORWARD", "bridge": "budu0"}


HOSTS_OWN = """
table ip nat {
    chain POSTROUTING { type nat hook postrouting priority 100; policy accept;
        ip saddr 192.0.2.0/24 masquerade; }
}
table inet filter {
    set friends { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 }; }
    chain input { type filter hook input priority 0; policy drop;
        ct state established,related accept; ip saddr @friends tcp dport 22 accept; }
    chain forward { type filter hook forward priority 0; policy accept;
        ip daddr 192.0.2.9 drop; }
}
"""


def test_the_hosts_own_rules_stay_as_they_are(lab: Lab) -> None:
    def others() -> str:
        return nft("list ruleset").partition("table inet budu {")[0]

    nft(HOSTS_OWN)
    before = nft("list ruleset")
    service = default_fabric()
    service.start()
    state = connect(service, lab.new_namespace(), request(8080))
    assert others() == before
    service.ensure()
    assert service.restore([], [state]) == []
    nft("delete table inet budu")
    assert service.ensure() == ["nftables table inet budu"]
    assert others() == before
    service.disconnect(state)
    service.clear()
    service.close()
    assert nft("list ruleset") == before


def test_remove_leaves_the_host_as_it_was(lab: Lab) -> None:
    links = link_names()
    service = default_fabric()
    service.start()
    connect(service, lab.new_namespace(), request(8080))
    service.clear()
    service.close()
    assert link_names() == links
    with pytest.raises(FileNotFoundError):
        elements()
    with socket.socket() as free:
        free.bind(("0.0.0.0", 8080))


def test_wrong_mac_is_refused(lab: Lab, service: NetworkFabric) -> None:
    with pytest.raises(BuduError, match="invalid MAC address: 02:42"):
        wish = EndpointRequest(container_id="c" * 64, name="web", mac="02:42")
        service.connect("", lab.new_namespace(), wish)
