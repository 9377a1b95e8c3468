"""What iptables, ip6tables, ip-forward and their neighbours of daemon.json do on the host."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from network_boxes import Box, network, port
from network_lab import (
    HOST_ADDRESS,
    HOST_ADDRESS6,
    OUTSIDE_ADDRESS,
    OUTSIDE_ADDRESS6,
    Lab,
    default_fabric,
    nft,
)

from budu.base.errors import InvalidArgument
from budu.network.contract import LAN, PortRequest
from budu.network.fabric import NetworkFabric

pytestmark = pytest.mark.host

FORWARDING = (Path("/proc/sys/net/ipv4/ip_forward"), Path("/proc/sys/net/ipv6/conf/all/forwarding"))
DROPPING = """
table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }
table ip6 filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }
table inet both { chain forward { type filter hook forward priority 0; policy drop; }; }
"""


def ruleset() -> str:
    return nft("list ruleset")


def be_router(value: str) -> None:
    for path in FORWARDING:
        path.write_text(value)


def end(fabric: NetworkFabric) -> None:
    fabric.clear()
    fabric.close()


async def test_without_rules_the_host_has_none_and_ports_are_relayed(lab: Lab) -> None:
    nft(DROPPING)
    before = ruleset()
    fabric = default_fabric(relay=True, families=())
    fabric.start()
    spec = network(fabric, "both", enable_ipv6=True)
    box = Box(lab, fabric, spec, port(8080), port(5353, protocol="udp"))
    server, names = box.serve(v6=True), lab.udp(box.netns, port=80)
    fabric.serve(asyncio.get_running_loop(), report=lambda _: None)
    assert fabric.ensure() == []
    assert fabric.restore([spec], [box.state]) == []
    assert ruleset() == before
    assert all(each.relayed for each in fabric.published())
    for who, address, seen in (
        (lab.host, "127.0.0.1", f"::ffff:{box.state.gateway}"),
        (lab.host, "::1", box.state.gateway6),
        (lab.outside, HOST_ADDRESS, f"::ffff:{box.state.gateway}"),
        (lab.outside, HOST_ADDRESS6, box.state.gateway6),
        (box.netns, HOST_ADDRESS, f"::ffff:{box.state.gateway}"),
    ):
        assert await asyncio.to_thread(lab.reach, who, address, 8080, server=server) == seen
    client = lab.udp(lab.outside)
    client.sendto(b"ping", (HOST_ADDRESS, 5353))
    data, peer = await asyncio.to_thread(names.recvfrom, 10)
    assert peer[0] == box.state.gateway
    names.sendto(data, peer)
    assert await asyncio.to_thread(client.recv, 10) == b"ping"
    fabric.disconnect(box.state)
    assert not await asyncio.to_thread(lab.is_reachable, lab.outside, HOST_ADDRESS, 8080)
    end(fabric)
    assert ruleset() == before


def test_without_rules_no_address_is_hidden(lab: Lab) -> None:
    fabric = default_fabric(families=())
    fabric.start()
    spec = network(fabric, "both", enable_ipv6=True)
    box = Box(lab, fabric, spec)
    for subnet in spec.subnets:
        gateway = HOST_ADDRESS6 if ":" in subnet.subnet else HOST_ADDRESS
        with lab.inside(lab.outside):
            words = ["ip", "route", "add", subnet.subnet, "via", gateway]
            subprocess.run(words, check=True, timeout=30)
    for address, own in (
        (OUTSIDE_ADDRESS, box.state.address),
        (OUTSIDE_ADDRESS6, box.state.address6),
    ):
        server = lab.listen(lab.outside, 80, address=address)
        assert lab.reach(box.netns, address, 80, server=server) == own
    localnet = Path("/proc/sys/net/ipv4/conf", spec.link, "route_localnet")
    assert localnet.read_text() == "0\n"
    fabric.disconnect(box.state)
    end(fabric)


def test_rules_of_one_family_leave_the_others_packets_alone(lab: Lab) -> None:
    nft(DROPPING)
    fabric = default_fabric(families=(6,))
    fabric.start()
    spec = network(fabric, "both", enable_ipv6=True)
    for chain, joined in (
        ("ip filter FORWARD", 0),
        ("ip6 filter FORWARD", 4),
        ("inet both forward", 0),
    ):
        assert nft(f"list chain {chain}").count("containers") == joined
    nft("flush ruleset")
    fabric.ensure()
    box = Box(lab, fabric, spec, port(8080))
    with lab.inside(lab.outside):
        words = ["ip", "route", "add", spec.subnets[0].subnet, "via", HOST_ADDRESS]
        subprocess.run(words, check=True, timeout=30)
    for address, seen in (
        (OUTSIDE_ADDRESS, box.state.address),
        (OUTSIDE_ADDRESS6, HOST_ADDRESS6),
    ):
        server = lab.listen(lab.outside, 81, address=address)
        assert lab.reach(box.netns, address, 81, server=server) == seen
    server = box.serve(v6=True)
    seen = f"::ffff:{OUTSIDE_ADDRESS}"
    assert lab.reach(lab.outside, box.state.address, 80, server=server) == seen
    assert lab.reach(lab.outside, HOST_ADDRESS6, 8080, server=server) == OUTSIDE_ADDRESS6
    assert not lab.is_reachable(lab.outside, box.state.address6, 80)
    fabric.disconnect(box.state)
    end(fabric)


async def test_without_a_proxy_only_rules_lead_to_ports(lab: Lab) -> None:
    fabric = default_fabric(relay=False)
    fabric.start()
    box = Box(lab, fabric, network(fabric), port(8080))
    server = box.serve()
    fabric.serve(asyncio.get_running_loop(), report=lambda _: None)
    assert [each.host_address for each in box.state.bindings] == ["0.0.0.0"]
    await asyncio.to_thread(lab.reach, lab.outside, HOST_ADDRESS, 8080, server=server)
    for who, address in ((lab.host, "::1"), (lab.outside, HOST_ADDRESS6)):
        assert not await asyncio.to_thread(lab.is_reachable, who, address, 8080)
    fabric.disconnect(box.state)
    end(fabric)


def test_rules_of_an_earlier_engine_go_when_there_shall_be_none(lab: Lab) -> None:
    first = default_fabric()
    first.start()
    box = Box(lab, first, first.default, port(8080))
    first.close()
    assert "table inet budu" in ruleset()
    second = default_fabric(families=())
    second.start()
    second.restore([], [box.state])
    assert ruleset() == ""
    second.disconnect(box.state)
    second.close()
    third = default_fabric()
    third.start()
    assert "table inet budu" in ruleset()
    end(third)


@pytest.mark.parametrize(("address", "setting"), [("", "iptables"), ("::", "ip6tables")])
def test_a_reach_that_nobody_could_keep_is_refused(lab: Lab, address: str, setting: str) -> None:
    fabric = default_fabric(families=())
    fabric.start()
    spec = network(fabric, "both", enable_ipv6=True)
    wish = PortRequest(
        container_port=80, host_first=8080, host_last=8080, reach=LAN, host_address=address
    )
    with pytest.raises(InvalidArgument, match=f"reach lan needs .* rules that {setting}=false"):
        Box(lab, fabric, spec, wish)
    end(fabric)


@pytest.mark.parametrize("direct", [True, False])
def test_published_ports_at_the_containers_own_addresses(lab: Lab, direct: bool) -> None:
    fabric = default_fabric(direct_routing=direct)
    fabric.start()
    spec = network(fabric, "both", enable_ipv6=True)
    box = Box(lab, fabric, spec, port(8080))
    server = box.serve(v6=True)
    lab.reach(lab.outside, HOST_ADDRESS, 8080, server=server)
    lab.listen(box.netns, 81, address="::")
    for address in (box.state.address, box.state.address6):
        assert lab.is_reachable(lab.outside, address, 80) is direct
        assert not lab.is_reachable(lab.outside, address, 81)
    fabric.disconnect(box.state)
    assert not lab.is_reachable(lab.outside, box.state.address, 80)
    end(fabric)


@pytest.mark.parametrize("is_router", [True, False])
def test_the_host_becomes_a_router_unless_it_shall_not(lab: Lab, is_router: bool) -> None:
    be_router("0")
    fabric = default_fabric(make_router=is_router)
    fabric.start()
    network(fabric, "both", enable_ipv6=True)
    assert [path.read_text() for path in FORWARDING] == [f"{int(is_router)}\n"] * 2
    assert ("chain guard4" in ruleset()) is is_router
    end(fabric)


def test_a_router_for_everybody(lab: Lab) -> None:
    be_router("0")
    fabric = default_fabric(guard_forwarding=False)
    fabric.start()
    assert "guard" not in ruleset()
    assert FORWARDING[0].read_text() == "1\n"
    end(fabric)
