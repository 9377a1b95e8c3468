"""What the options of bridge networks do to packets, in both families."""

from __future__ import annotations

import pytest
from network_boxes import BRIDGE, Box, network, port
from network_lab import (
    HOST_ADDRESS,
    HOST_ADDRESS6,
    OUTSIDE_ADDRESS,
    OUTSIDE_ADDRESS6,
    Lab,
    link_names,
)

from budu.base.errors import InvalidArgument
from budu.network.contract import Subnet
from budu.network.fabric import NetworkFabric

pytestmark = pytest.mark.host

MODE4, MODE6 = f"{BRIDGE}gateway_mode_ipv4", f"{BRIDGE}gateway_mode_ipv6"
OPEN6 = Subnet(subnet="2001:db8:c::/64")


def addresses_on(link: str, lab: Lab) -> str:
    """What `ip` says of a link of the host."""
    return Box.ip_in(lab, lab.host, "-o", "addr", "show", link)


def test_isolated_in_both_families(lab: Lab, fabric: NetworkFabric) -> None:
    options = {MODE4: "isolated", MODE6: "isolated"}
    spec = network(fabric, "island", options=options, internal=True, enable_ipv6=True)
    one, two = Box(lab, fabric, spec), Box(lab, fabric, spec)
    assert addresses_on(spec.link, lab).strip() == ""
    server = two.serve(v6=True)
    lab.reach(one.netns, two.state.address, 80, server=server)
    lab.reach(one.netns, two.state.address6, 80, server=server)
    lab.listen(lab.host, 9000, address="::")
    for subnet in spec.subnets:
        assert not lab.is_reachable(one.netns, subnet.gateway, 9000)
    with pytest.raises(InvalidArgument, match="can only be used for an internal network"):
        network(fabric, "open", options={MODE6: "isolated"}, enable_ipv6=True)


def test_isolated_ipv6_beside_internal_ipv4(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric, "half", options={MODE6: "isolated"}, internal=True, enable_ipv6=True)
    shown = addresses_on(spec.link, lab)
    assert f"inet {spec.subnets[0].gateway}/24" in shown
    assert "inet6" not in shown


def test_an_isolated_ipv4_network_has_no_link_local_address(
    lab: Lab, fabric: NetworkFabric
) -> None:
    spec = network(fabric, "alone", options={MODE4: "isolated"}, internal=True)
    Box(lab, fabric, spec)
    assert addresses_on(spec.link, lab).strip() == ""


def test_routed_in_both_families(lab: Lab, fabric: NetworkFabric) -> None:
    options = {MODE4: "routed", MODE6: "routed"}
    spec = network(fabric, "plain", options=options, enable_ipv6=True, subnets=(OPEN6,))
    box = Box(lab, fabric, spec, port(8080))
    server = box.serve(v6=True)
    lab.listen(box.netns, 81, address="::")
    for address, peer in (
        (box.state.address, OUTSIDE_ADDRESS),
        (box.state.address6, OUTSIDE_ADDRESS6),
    ):
        assert lab.reach(lab.outside, address, 80, server=server).removeprefix("::ffff:") == peer
        assert not lab.is_reachable(lab.outside, address, 81)
    for address in (HOST_ADDRESS, HOST_ADDRESS6):
        assert not lab.is_reachable(lab.outside, address, 8080)
    out = lab.listen(lab.outside, 9000, address="::")
    assert lab.reach(box.netns, OUTSIDE_ADDRESS6, 9000, server=out) == box.state.address6


def test_ipv6_without_masquerade_keeps_the_containers_address(
    lab: Lab, fabric: NetworkFabric
) -> None:
    plain = {f"{BRIDGE}enable_ip_masquerade": "false"}
    spec = network(fabric, "plain", options=plain, enable_ipv6=True, subnets=(OPEN6,))
    box = Box(lab, fabric, spec)
    out = lab.listen(lab.outside, 9000, address="::")
    assert lab.reach(box.netns, OUTSIDE_ADDRESS6, 9000, server=out) == box.state.address6


def test_ipv6_source_address_can_be_chosen(lab: Lab, fabric: NetworkFabric) -> None:
    Box.ip_in(lab, lab.host, "addr", "add", "2001:db8:f::9/64", "dev", "up0", "nodad")
    options = {"com.docker.network.host_ipv6": "2001:db8:f::9"}
    box = Box(lab, fabric, network(fabric, "snat", options=options, enable_ipv6=True))
    out = lab.listen(lab.outside, 9000, address="::")
    assert lab.reach(box.netns, OUTSIDE_ADDRESS6, 9000, server=out) == "2001:db8:f::9"


def test_a_bridge_without_an_ipv4_address(lab: Lab, fabric: NetworkFabric) -> None:
    spec = network(fabric, "bare", options={f"{BRIDGE}inhibit_ipv4": "true"})
    assert "inet " not in addresses_on(spec.link, lab)
    one, two = Box(lab, fabric, spec), Box(lab, fabric, spec)
    lab.reach(one.netns, two.state.address, 80, server=two.serve())
    assert fabric.ensure() == []


def test_links_inside_have_the_networks_prefix(lab: Lab, fabric: NetworkFabric) -> None:
    prefix = {"com.docker.network.container_iface_prefix": "wan"}
    spec, other = network(fabric, "named", options=prefix), network(fabric, "usual")
    box = Box(lab, fabric, spec, link_name="")
    assert box.join(other, default_route=False).link_name == "eth0"
    assert set(box.links()) == {"lo", "wan0", "eth0"}
    assert spec.link in link_names()
