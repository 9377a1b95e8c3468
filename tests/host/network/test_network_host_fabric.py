"""Several networks on the real kernel: drivers, families, isolation, ways out, repairs."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from network_boxes import BRIDGE, Box, network, port
from network_lab import (
    HOST_ADDRESS,
    HOST_ADDRESS6,
    OUTSIDE_ADDRESS,
    OUTSIDE_ADDRESS6,
    PATIENCE_S,
    STRANGER_ADDRESS,
    STRANGER_ADDRESS6,
    Lab,
    default_fabric,
    link_names,
    nft,
)

from budu.base.errors import (
    BuduError,
    Conflict,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from budu.network.contract import (
    EndpointRequest,
    EndpointState,
    NetworkSpec,
    PortRequest,
    Subnet,
)
from budu.network.fabric import NetworkFabric

pytestmark = pytest.mark.host

V6 = Subnet(subnet="fd00:9::/64")


def test_network_gets_a_small_subnet_and_a_bridge_of_its_own(
    lab: Lab, fabric: NetworkFabric
) -> None:
    one, two = network(fabric, "one"), network(fabric, "two")
    assert [each.subnets[0].subnet for each in (one, two)] == ["172.18.0.0/24", "172.18.1.0/24"]
    assert one.link == f"bd-{one.id[:12]}"
    assert {one.link, two.link} <= link_names()
    fabric.remove(one.id)
    fabric.remove(one.id)
    asyncio.run(fabric.settled())
    assert one.link not in link_names()


def test_a_bridge_is_made_again_while_its_name_goes(lab: Lab, fabric: NetworkFabric) -> None:
    options = {f"{BRIDGE}name": "mine"}
    for name in ("one", "two", "three"):
        spec = network(fabric, name, options=options)
        fabric.disconnect(Box(lab, fabric, spec).state)
        fabric.remove(spec.id)
    asyncio.run(fabric.settled())
    assert "mine" not in link_names()


def test_networks_do_not_reach_each_other(lab: Lab, fabric: NetworkFabric) -> None:
    one, two = network(fabric, "one"), network(fabric, "two")
    here, there = Box(lab, fabric, one), Box(lab, fabric, two, port(8080))
    neighbour = Box(lab, fabric, two)
    server = there.serve()
    lab.reach(neighbour.netns, there.state.address, 80, server=server)
    assert not lab.is_reachable(here.netns, there.state.address, 80)
    lab.reach(here.netns, HOST_ADDRESS, 8080, server=server)


def test_internal_network_has_no_way_out_and_none_in(lab: Lab, fabric: NetworkFabric) -> None:
    inner = network(fabric, "inner", internal=True)
    box = Box(lab, fabric, inner, port(8080))
    server = box.serve()
    assert (box.state.gateway, box.state.bindings) == ("", ())
    assert "default" not in box.ip("route")
    box.ip("route", "add", "default", "via", inner.subnets[0].gateway)
    lab.listen(lab.outside, 9000)
    assert not lab.is_reachable(box.netns, OUTSIDE_ADDRESS, 9000)
    assert not lab.is_reachable(lab.outside, box.state.address, 80)
    lab.reach(Box(lab, fabric, inner).netns, box.state.address, 80, server=server)


@pytest.mark.parametrize("bridge_filter", ["0", "1"])
def test_containers_without_icc_are_kept_apart(
    lab: Lab, fabric: NetworkFabric, bridge_filter: str
) -> None:
    for name in ("iptables", "ip6tables"):
        switch = Path(f"/proc/sys/net/bridge/bridge-nf-call-{name}")
        if switch.exists():
            switch.write_text(bridge_filter)
    apart = network(fabric, "apart", options={f"{BRIDGE}enable_icc": "false"}, enable_ipv6=True)
    one, two = Box(lab, fabric, apart), Box(lab, fabric, apart, port(8080))
    server = two.serve(v6=True)
    assert not lab.is_reachable(one.netns, two.state.address, 80)
    assert not lab.is_reachable(one.netns, two.state.address6, 80)
    lab.reach(one.netns, HOST_ADDRESS, 8080, server=server)
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)


def test_unprotected_network_is_open_at_every_port(lab: Lab, fabric: NetworkFabric) -> None:
    options = {
        f"{BRIDGE}gateway_mode_ipv4": "nat-unprotected",
        f"{BRIDGE}gateway_mode_ipv6": "nat-unprotected",
    }
    box = Box(lab, fabric, network(fabric, "open", options=options, enable_ipv6=True))
    server = box.serve(v6=True)
    lab.reach(lab.outside, box.state.address, 80, server=server)
    lab.reach(lab.outside, box.state.address6, 80, server=server)


def test_trusted_link_reaches_published_ports_at_the_container(
    lab: Lab, fabric: NetworkFabric
) -> None:
    options = {f"{BRIDGE}trusted_host_interfaces": "up7:up0"}
    box = Box(lab, fabric, network(fabric, "trust", options=options), port(8080))
    server = box.serve()
    lab.listen(box.netns, 81)
    lab.reach(lab.outside, box.state.address, 80, server=server)
    assert not lab.is_reachable(lab.outside, box.state.address, 81)


def test_routed_ipv6_beside_translated_ipv4(lab: Lab, fabric: NetworkFabric) -> None:
    options = {f"{BRIDGE}gateway_mode_ipv6": "routed"}
    spec = network(fabric, "mixed", options=options, enable_ipv6=True, subnets=(V6,))
    box = Box(lab, fabric, spec, port(8080))
    server = box.serve(v6=True)
    found = [(each.host_address, each.host_port) for each in box.state.bindings]
    assert found == [("0.0.0.0", 8080), ("::", 0)]
    assert lab.reach(lab.outside, box.state.address6, 80, server=server) == OUTSIDE_ADDRESS6
    assert not lab.is_reachable(lab.outside, HOST_ADDRESS6, 8080)
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)


def test_udp6_client_that_sends_on_reaches_the_next_container(
    lab: Lab, fabric: NetworkFabric
) -> None:
    spec = network(fabric, "six", enable_ipv6=True)
    client = lab.udp(lab.outside, address="::")
    client.sendto(b"early", (HOST_ADDRESS6, 5353))
    for _ in range(2):
        box = Box(lab, fabric, spec, port(5353, protocol="udp"))
        server = lab.udp(box.netns, port=80, address="::")
        client.sendto(b"ping", (HOST_ADDRESS6, 5353))
        assert server.recv(10) == b"ping"
        fabric.disconnect(box.state)


def test_network_without_masquerade_keeps_the_containers_address(
    lab: Lab, fabric: NetworkFabric
) -> None:
    plain = network(fabric, "plain", options={f"{BRIDGE}enable_ip_masquerade": "false"})
    box = Box(lab, fabric, plain)
    server = lab.listen(lab.outside, 9000)
    assert lab.reach(box.netns, OUTSIDE_ADDRESS, 9000, server=server) == box.state.address


def test_source_address_can_be_chosen(lab: Lab, fabric: NetworkFabric) -> None:
    subprocess.run(["ip", "addr", "add", "198.51.100.9/24", "dev", "up0"], check=True, timeout=30)
    spec = network(fabric, "snat", options={"com.docker.network.host_ipv4": "198.51.100.9"})
    box = Box(lab, fabric, spec)
    server = lab.listen(lab.outside, 9000)
    assert lab.reach(box.netns, OUTSIDE_ADDRESS, 9000, server=server) == "198.51.100.9"


def test_routed_network_opens_published_ports_at_the_container(
    lab: Lab, fabric: NetworkFabric
) -> None:
    routed = network(fabric, "routed", options={f"{BRIDGE}gateway_mode_ipv4": "routed"})
    box = Box(lab, fabric, routed, port(8080))
    server = box.serve()
    lab.listen(box.netns, 81)
    assert [each.host_port for each in box.state.bindings] == [0]
    assert lab.reach(lab.outside, box.state.address, 80, server=server) == OUTSIDE_ADDRESS
    assert not lab.is_reachable(lab.outside, box.state.address, 81)
    out = lab.listen(lab.outside, 9000)
    assert lab.reach(box.netns, OUTSIDE_ADDRESS, 9000, server=out) == box.state.address


def test_isolated_network_has_no_address_on_the_host(lab: Lab, fabric: NetworkFabric) -> None:
    options = {f"{BRIDGE}gateway_mode_ipv4": "isolated"}
    spec = network(fabric, "alone", options=options, internal=True)
    box = Box(lab, fabric, spec)
    lab.listen(lab.host, 9000)
    assert not lab.is_reachable(box.netns, spec.subnets[0].gateway, 9000)
    with pytest.raises(InvalidArgument, match="can only be used for an internal network"):
        network(fabric, "open", options=options)


def test_bridge_has_the_name_and_mtu_that_were_asked_for(lab: Lab, fabric: NetworkFabric) -> None:
    options = {f"{BRIDGE}name": "mine", "com.docker.network.driver.mtu": "1400"}
    spec = network(fabric, "named", options=options)
    box = Box(lab, fabric, spec)
    assert spec.link == "mine"
    assert (box.links()["eth0"].mtu, box.state.mtu, fabric.mtu(spec.id)) == (1400, 1400, 1400)
    with pytest.raises(PermissionDenied, match="networks have same bridge name"):
        network(fabric, "other", options=options)


def test_ports_without_an_address_are_at_the_networks(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric, "bound", options={f"{BRIDGE}host_binding_ipv4": "127.0.0.1"})
    box = Box(lab, fabric, spec, port(8080))
    server = box.serve()
    lab.reach(lab.host, "127.0.0.1", 8080, server=server)
    assert not lab.is_reachable(lab.outside, HOST_ADDRESS, 8080)


def test_addresses_come_from_the_range_and_never_from_the_auxiliary(
    lab: Lab, fabric: NetworkFabric
) -> None:
    subnet = Subnet(
        subnet="10.9.0.0/24",
        gateway="10.9.0.254",
        ip_range="10.9.0.16/30",
        auxiliary={"router": "10.9.0.16"},
    )
    spec = network(fabric, "ranged", subnets=(subnet,))
    assert [Box(lab, fabric, spec).state.address for _ in range(3)] == [
        "10.9.0.17",
        "10.9.0.18",
        "10.9.0.19",
    ]
    with pytest.raises(BuduError, match="no available IPv4 addresses"):
        Box(lab, fabric, spec)
    assert Box(lab, fabric, spec, address="10.9.0.99").state.address == "10.9.0.99"
    with pytest.raises(PermissionDenied, match="Address already in use"):
        Box(lab, fabric, spec, address="10.9.0.99")


def test_subnet_of_another_network_is_refused(lab: Lab, fabric: NetworkFabric) -> None:
    network(fabric, "one", subnets=(Subnet(subnet="10.9.0.0/16"),))
    with pytest.raises(PermissionDenied, match="Pool overlaps"):
        network(fabric, "two", subnets=(Subnet(subnet="10.9.3.0/24"),))


def test_ipv6_network_is_masqueraded_and_published(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric, "six", enable_ipv6=True)
    assert spec.subnets[1].subnet == "fd00:b0d0:1::/64"
    box = Box(lab, fabric, spec, port(8080))
    assert (box.state.address6, box.state.gateway6) == ("fd00:b0d0:1::2", "fd00:b0d0:1::1")
    assert [each.host_address for each in box.state.bindings] == ["0.0.0.0", "::"]
    server, out = box.serve(v6=True), lab.listen(lab.outside, 9000, address="::")
    assert lab.reach(box.netns, OUTSIDE_ADDRESS6, 9000, server=out) == HOST_ADDRESS6
    assert lab.reach(lab.outside, HOST_ADDRESS6, 8080, server=server) == OUTSIDE_ADDRESS6
    lab.reach(lab.host, HOST_ADDRESS6, 8080, server=server)
    lab.reach(box.netns, HOST_ADDRESS6, 8080, server=server)
    assert not lab.is_reachable(lab.outside, box.state.address6, 80)


def test_network_of_ipv6_alone(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric, "only", enable_ipv4=False, enable_ipv6=True, subnets=(V6,))
    box = Box(lab, fabric, spec, port(8080))
    assert (box.state.address, box.state.address6) == ("", "fd00:9::2")
    assert [each.host_address for each in box.state.bindings] == ["::"]
    lab.reach(lab.outside, HOST_ADDRESS6, 8080, server=box.serve(v6=True))


def test_automatic_ipv6_subnets_are_the_hosts_own(lab: Lab, fabric: NetworkFabric) -> None:
    one, two = (network(fabric, name, enable_ipv6=True) for name in ("one", "two"))
    assert two.subnets[1].subnet == "fd00:b0d0:1:1::/64"
    assert one.subnets[1].gateway == "fd00:b0d0:1::1"


def test_container_joins_and_leaves_a_second_network(lab: Lab, fabric: NetworkFabric) -> None:
    one, two = network(fabric, "one"), network(fabric, "two")
    box, there = Box(lab, fabric, one), Box(lab, fabric, two)
    server = there.serve()
    second = box.join(two, default_route=False, default_route6=False)
    assert (second.link_name, box.links()["eth1"].index) == ("eth1", second.link_index)
    lab.reach(box.netns, there.state.address, 80, server=server)
    assert one.subnets[0].gateway in box.ip("route", "show", "default")
    fabric.disconnect(second, netns_fd=box.netns)
    assert "eth1" not in box.links()
    assert box.join(two, default_route=False).address != second.address


def test_way_out_moves_to_another_network(lab: Lab, fabric: NetworkFabric) -> None:
    one, two = network(fabric, "one", enable_ipv6=True), network(fabric, "two", enable_ipv6=True)
    box = Box(lab, fabric, one)
    second = box.join(two, default_route=True, default_route6=False)
    assert second.gateway in box.ip("route", "show", "default")
    fabric.set_default_routes(box.netns, v4=box.state, v6=second)
    assert box.state.gateway in box.ip("route", "show", "default")
    assert second.gateway6 in box.ip("-6", "route", "show", "default")
    fabric.set_default_routes(box.netns, v4=None, v6=None)
    assert box.ip("route", "show", "default") + box.ip("-6", "route", "show", "default") == ""


def test_links_that_modules_put_into_every_namespace(lab: Lab, fabric: NetworkFabric) -> None:
    spec, other = network(fabric, "one", enable_ipv6=True), network(fabric, "two")
    netns = lab.new_namespace()
    for index, name in ((2, "tunl0"), (3, "sit0")):
        Box.ip_in(lab, netns, "link", "add", name, "index", str(index), "type", "bridge")
    box = Box(lab, fabric, spec, port(8080), netns=netns)
    second = box.join(other, default_route=False, default_route6=False)
    links = box.links()
    assert links["eth0"].index == box.state.link_index not in (2, 3)
    assert links["eth1"].index == second.link_index
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=box.serve(v6=True))


def test_link_inside_is_named_and_set_up_as_asked(lab: Lab, fabric: NetworkFabric) -> None:
    options = {
        "com.docker.network.endpoint.ifname": "lan0",
        "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1",
    }
    box = Box(lab, fabric, network(fabric), options=options, link_local=("169.254.7.7",))
    assert "lan0" in box.links()
    assert "169.254.7.7/16" in box.ip("addr", "show", "lan0")
    with lab.inside(box.netns):
        assert Path("/proc/sys/net/ipv4/conf/lan0/log_martians").read_text() == "1\n"
    with pytest.raises(InvalidArgument, match="unrecognised network interface sysctl"):
        wrong = {"com.docker.network.endpoint.sysctls": "net.ipv4.ip_forward=1"}
        Box(lab, fabric, network(fabric, "more"), options=wrong)


@pytest.mark.parametrize("reach", ["me", "lan", "world"])
def test_reach_says_who_gets_to_a_port(lab: Lab, fabric: NetworkFabric, reach: str) -> None:
    stranger = lab.add_stranger()
    spec = network(fabric, "six", enable_ipv6=True)
    box = Box(lab, fabric, spec, port(8080, reach=reach))
    server = box.serve(v6=True)
    lab.reach(lab.host, "127.0.0.1", 8080, server=server)
    found = [
        lab.is_reachable(who, address, 8080)
        for address in (HOST_ADDRESS, HOST_ADDRESS6)
        for who in (lab.outside, stranger)
    ]
    near, far = reach in ("lan", "world"), reach == "world"
    assert found == [near, far, near, far]


@pytest.mark.parametrize("address", [STRANGER_ADDRESS, STRANGER_ADDRESS6])
def test_answers_come_back_to_a_port_for_the_neighbourhood(
    lab: Lab, fabric: NetworkFabric, address: str
) -> None:
    """A container calls a stranger from the very port at which strangers may not call."""
    stranger = lab.add_stranger()
    box = Box(lab, fabric, network(fabric, "six", enable_ipv6=True), port(8080, reach="lan"))
    server = lab.listen(stranger, 9000, address=address)
    with lab.inside(box.netns):
        own = "::" if ":" in address else "0.0.0.0"
        client = socket.create_connection((address, 9000), PATIENCE_S, source_address=(own, 8080))
    with client:
        accepted, peer = server.accept()
        accepted.close()
    assert peer[1] == 8080
    assert not lab.is_reachable(stranger, HOST_ADDRESS, 8080)


def test_unknown_driver_and_unknown_network(lab: Lab, fabric: NetworkFabric) -> None:
    with pytest.raises(NotFound, match="could not find plugin weave"):
        network(fabric, driver="weave")
    with pytest.raises(NotFound, match="network 12 not found"):
        fabric.connect("12", lab.host, EndpointRequest(container_id="c", name="n"))


def test_network_with_containers_stays(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric)
    box = Box(lab, fabric, spec)
    with pytest.raises(Conflict, match=r"has active endpoints \(box\)"):
        fabric.remove(spec.id)
    fabric.disconnect(box.state)
    fabric.remove(spec.id)


def test_failed_creation_leaves_nothing_behind(lab: Lab, fabric: NetworkFabric) -> None:
    before = link_names()
    with pytest.raises(InvalidArgument, match="was not found"):
        network(fabric, "lost", driver="ipvlan", options={"parent": "nope"})
    assert link_names() == before
    assert network(fabric, "next").subnets[0].subnet == "172.18.0.0/24"


def test_networks_and_endpoints_survive_their_engine(lab: Lab) -> None:
    first = default_fabric()
    first.start()
    one, two = network(first, "one", enable_ipv6=True), network(first, "two")
    gone = network(first, "gone")
    box = Box(lab, first, one, port(8080))
    second_state = box.join(two, default_route=False, default_route6=False)
    server = box.serve(v6=True)
    states = [msgspec.json.encode(each) for each in (box.state, second_state)]
    specs = [msgspec.json.encode(each) for each in (one, two)]
    first.close()

    second = default_fabric()
    second.start()
    lab.reach(lab.outside, HOST_ADDRESS6, 8080, server=server)
    stored = [msgspec.json.decode(each, type=EndpointState) for each in states]
    networks = [msgspec.json.decode(each, type=NetworkSpec) for each in specs]
    assert second.restore(networks, stored) == []
    lab.reach(lab.outside, HOST_ADDRESS6, 8080, server=server)
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)
    assert gone.link not in link_names()
    assert Box(lab, second, one).state.address != box.state.address
    second.clear()
    second.close()


def test_network_that_cannot_be_restored_is_a_warning(lab: Lab, fabric: NetworkFabric) -> None:
    spec = NetworkSpec(
        id="e" * 64,
        name="lost",
        driver="macvlan",
        link="nope",
        options={"parent": "nope"},
        subnets=(Subnet(subnet="10.9.0.0/24"),),
    )
    (warning,) = fabric.restore([spec], [])
    assert warning.startswith("network lost could not be made: ")


def test_ensure_puts_back_what_was_removed(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric)
    box = Box(lab, fabric, spec, port(8080))
    server = box.serve()
    assert fabric.ensure() == []
    nft("flush ruleset")
    subprocess.run(["ip", "link", "del", spec.link], check=True, timeout=30)
    assert fabric.ensure() == [
        f"bridge {spec.link}",
        f"link {box.state.host_link} of container box",
        "nftables table inet budu",
    ]
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)
    nft("flush map inet budu published4")
    nft("flush chain inet budu into")
    assert fabric.ensure() == ["nftables table inet budu"]


def test_connect_repairs_a_bridge_that_was_removed(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric)
    subprocess.run(["ip", "link", "del", spec.link], check=True, timeout=30)
    box = Box(lab, fabric, spec)
    lab.reach(lab.host, box.state.address, 80, server=box.serve())


async def test_running_engine_puts_back_what_others_remove(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric)
    box = Box(lab, fabric, spec, port(8080))
    server = box.serve()
    reports: list[str] = []
    fabric.serve(asyncio.get_running_loop(), report=reports.append)
    for removal in (["nft", "flush", "ruleset"], ["ip", "link", "del", spec.link]):
        reports.clear()
        done = await asyncio.create_subprocess_exec(*removal)
        await done.wait()
        async with asyncio.timeout(10):
            while not reports:
                await asyncio.sleep(0.05)
        lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)


DROPPING = (
    "table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }"
)


def rules_of_foreign() -> list[str]:
    done = subprocess.run(
        ["nft", "list", "chain", "ip", "filter", "FORWARD"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.strip() for line in done.stdout.splitlines() if "accept" in line]


def test_containers_pass_another_firewall_that_drops(lab: Lab) -> None:
    nft(DROPPING)
    fabric = default_fabric()
    fabric.start()
    named = network(fabric, "named", options={f"{BRIDGE}name": "mine"})
    for spec in (named, network(fabric), fabric.default):
        box = Box(lab, fabric, spec)
        server = lab.listen(lab.outside, 9000)
        lab.reach(box.netns, OUTSIDE_ADDRESS, 9000, server=server)
        server.close()
    assert fabric.diagnose() == ()
    before = rules_of_foreign()
    assert len(before) == 6
    fabric.ensure()
    assert rules_of_foreign() == before
    nft("flush chain ip filter FORWARD")
    fabric.ensure()
    assert sorted(rules_of_foreign()) == sorted(before)
    fabric.clear()
    assert rules_of_foreign() == []
    fabric.close()


async def test_ipv6_clients_reach_containers_without_ipv6(lab: Lab) -> None:
    fabric = default_fabric(relay=True)
    fabric.start()
    netns = lab.new_namespace()
    ports = (port(8080), port(5353, protocol="udp"))
    wish = EndpointRequest(container_id="c" * 64, name="box", ports=ports)
    state = fabric.connect("", netns, wish)
    server, names = lab.listen(netns, 80), lab.udp(netns, port=80)
    fabric.serve(asyncio.get_running_loop(), report=lambda _: None)
    relayed = [each for each in fabric.published() if each.relayed]
    assert [each.binding.host_address for each in relayed] == ["::", "::"]
    for who, address in ((lab.host, "::1"), (lab.outside, HOST_ADDRESS6)):
        seen = await asyncio.to_thread(lab.reach, who, address, 8080, server=server)
        assert seen == state.gateway
    client = lab.udp(lab.outside, address="::")
    client.sendto(b"ping", (HOST_ADDRESS6, 5353))
    data, peer = await asyncio.to_thread(names.recvfrom, 10)
    names.sendto(data, peer)
    assert await asyncio.to_thread(client.recv, 10) == b"ping"
    fabric.disconnect(state)
    assert not await asyncio.to_thread(lab.is_reachable, lab.outside, HOST_ADDRESS6, 8080)
    fabric.close()


@pytest.mark.parametrize("families", [{}, {"enable_ipv4": False, "subnets": (V6,)}])
async def test_a_port_of_a_container_with_ipv6_answers_at_the_loopback_too(
    lab: Lab, families: dict[str, Any]
) -> None:
    fabric = default_fabric(relay=True)
    fabric.start()
    spec = network(fabric, "six", enable_ipv6=True, **families)
    box = Box(lab, fabric, spec, port(8080), port(5353, protocol="udp"))
    server, names = box.serve(v6=True), lab.udp(box.netns, port=80, address="::")
    fabric.serve(asyncio.get_running_loop(), report=lambda _: None)
    assert not any(each.relayed for each in fabric.published())
    for address in ("::1", HOST_ADDRESS6):
        await asyncio.to_thread(lab.reach, lab.host, address, 8080, server=server)
    seen = await asyncio.to_thread(lab.reach, lab.outside, HOST_ADDRESS6, 8080, server=server)
    assert seen == OUTSIDE_ADDRESS6
    client = lab.udp(lab.host, address="::")
    client.sendto(b"ping", ("::1", 5353))
    data, peer = await asyncio.to_thread(names.recvfrom, 10)
    names.sendto(data, peer)
    assert await asyncio.to_thread(client.recv, 10) == b"ping"
    fabric.disconnect(box.state)
    assert not await asyncio.to_thread(lab.is_reachable, lab.host, "::1", 8080)
    fabric.clear()
    fabric.close()


def test_ports_are_published_and_closed_while_the_container_runs(
    lab: Lab, fabric: NetworkFabric
) -> None:
    box = Box(lab, fabric, network(fabric))
    server = box.serve()
    state = fabric.publish(box.state, [port(8080), port(8081)])
    lab.reach(lab.outside, HOST_ADDRESS, 8081, server=server)
    state = fabric.unpublish(state, [b for b in state.bindings if b.host_port == 8081])
    assert {each.binding.host_port for each in fabric.published()} == {8080}
    assert not lab.is_reachable(lab.outside, HOST_ADDRESS, 8081)
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)


def test_thousand_ports_are_published_at_once(lab: Lab, fabric: NetworkFabric) -> None:
    many = [
        PortRequest(container_port=number, host_first=number, host_last=number)
        for number in range(20000, 21000)
    ]
    box = Box(lab, fabric, network(fabric), *many)
    server = lab.listen(box.netns, 20999)
    lab.reach(lab.outside, HOST_ADDRESS, 20999, server=server)
    assert len(fabric.published()) == 1000
    fabric.disconnect(box.state)
    assert fabric.published() == []
    assert fabric.ensure() == []


@pytest.mark.parametrize("was_router", [True, False])
def test_host_becomes_a_router_for_containers_only(lab: Lab, was_router: bool) -> None:
    left, right = lab.new_namespace(), lab.new_namespace()
    lab.add_uplink(left, "up8", near="192.0.2.1", far="192.0.2.2")
    lab.add_uplink(right, "up9", near="192.0.3.1", far="192.0.3.2")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1" if was_router else "0")
    fabric = default_fabric()
    fabric.start()
    lab.listen(right, 9000)
    assert lab.is_reachable(left, "192.0.3.2", 9000) == was_router
    box = Box(lab, fabric, fabric.default)
    lab.reach(box.netns, "192.0.3.2", 9001, server=lab.listen(right, 9001))
    fabric.close()
