"""Networks below a link of the host: macvlan, ipvlan, VLANs, where the kernel has them."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable

import pytest
from network_boxes import Box, network, port
from network_lab import Lab, link_names

from budu.base.errors import Internal, InvalidArgument
from budu.network.contract import NetworkSpec, Subnet
from budu.network.fabric import NetworkFabric

pytestmark = pytest.mark.host


SUBNET = Subnet(subnet="10.77.0.0/24", gateway="10.77.0.1")
OTHER = Subnet(subnet="10.78.0.0/24")


@pytest.fixture
def far(lab: Lab) -> int:
    """The namespace at the other end of the host's link `wire0`; it is 10.77.0.1 there."""
    namespace = lab.new_namespace()
    path = f"/proc/{os.getpid()}/fd/{namespace}"
    ip("link", "add", "wire0", "type", "veth", "peer", "name", "wire1", "netns", path)
    ip("link", "set", "wire0", "up")
    with lab.inside(namespace):
        ip("link", "set", "wire1", "up")
        ip("addr", "add", "10.77.0.1/24", "dev", "wire1")
        ip("route", "add", "default", "dev", "wire1")
    return namespace


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=30)


def below_wire(
    fabric: NetworkFabric, driver: str, *, name: str = "", subnet: Subnet = SUBNET, **options: str
) -> NetworkSpec:
    """A network whose parent is `wire0`."""
    given = {"parent": "wire0", **options}
    return network(fabric, name or driver, driver=driver, options=given, subnets=(subnet,))


@pytest.mark.parametrize("mode", ["bridge", "private", "vepa", "passthru"])
def test_macvlan_container_is_a_host_of_the_parents_network(
    lab: Lab, fabric: NetworkFabric, far: int, mode: str
) -> None:
    box = Box(lab, fabric, below_wire(fabric, "macvlan", macvlan_mode=mode), port(8080))
    assert box.state.bindings == ()
    server = lab.listen(far, 9000)
    assert lab.reach(box.netns, "10.77.0.1", 9000, server=server) == box.state.address
    assert box.links()["eth0"].mac == box.state.mac
    fabric.disconnect(box.state, netns_fd=box.netns)
    assert "eth0" not in box.links()


@pytest.mark.parametrize(("mode", "meet"), [("bridge", True), ("private", False), ("vepa", False)])
def test_macvlan_neighbours_meet_as_the_mode_says(
    lab: Lab, fabric: NetworkFabric, far: int, mode: str, meet: bool
) -> None:
    spec = below_wire(fabric, "macvlan", macvlan_mode=mode)
    one, two = Box(lab, fabric, spec), Box(lab, fabric, spec)
    lab.listen(two.netns, 80)
    assert lab.is_reachable(one.netns, two.state.address, 80) is meet


def kernel_lacks(kind: str) -> bool:
    """Whether this kernel has no links of a kind: then the error and its hint are tested."""
    options = ["name", "try0"]
    if kind in ("ipvlan", "vlan"):
        options += ["link", "up0"]
    if kind == "vlan":
        options = ["link", "up0", "name", "try0", "type", "vlan", "id", "7"]
    else:
        options += ["type", kind]
    done = subprocess.run(["ip", "link", "add", *options], capture_output=True, timeout=30)
    if done.returncode == 0:
        subprocess.run(["ip", "link", "del", "try0"], check=True, timeout=30)
    return done.returncode != 0


def assert_lacking(act: Callable[[], object], module: str) -> None:
    before = link_names()
    with pytest.raises(Internal) as caught:
        act()
    assert caught.value.hint is not None
    assert caught.value.hint.values["module"] == module
    assert link_names() == before


def test_ipvlan_container_is_a_host_of_the_parents_network(
    lab: Lab, fabric: NetworkFabric, far: int
) -> None:
    spec = below_wire(fabric, "ipvlan")
    if kernel_lacks("ipvlan"):
        assert_lacking(lambda: Box(lab, fabric, spec), "ipvlan")
        return
    box, other = Box(lab, fabric, spec), Box(lab, fabric, spec)
    server = lab.listen(far, 9000)
    assert lab.reach(box.netns, "10.77.0.1", 9000, server=server) == box.state.address
    lab.reach(box.netns, other.state.address, 80, server=other.serve())
    assert box.links()["eth0"].mac == other.links()["eth0"].mac
    assert "default via 10.77.0.1 dev eth0" in box.ip("route")
    fabric.disconnect(box.state, netns_fd=box.netns)
    assert "eth0" not in box.links()


@pytest.mark.ipvlan
@pytest.mark.parametrize("mode", ["l3", "l3s"])
def test_ipvlan_of_layer_3_is_reached_through_the_host(
    lab: Lab, fabric: NetworkFabric, far: int, mode: str
) -> None:
    """Nobody answers for its addresses on the wire: the neighbours need a route."""
    ip("addr", "add", "10.77.0.2/24", "dev", "wire0")
    with lab.inside(far):
        ip("route", "add", "10.78.0.0/24", "via", "10.77.0.2")
    spec = below_wire(fabric, "ipvlan", subnet=OTHER, ipvlan_mode=mode)
    box = Box(lab, fabric, spec)
    assert "default dev eth0" in box.ip("route")
    server = lab.listen(far, 9000)
    assert lab.reach(box.netns, "10.77.0.1", 9000, server=server) == box.state.address
    assert lab.reach(far, box.state.address, 80, server=box.serve()) == "10.77.0.1"


@pytest.mark.ipvlan
def test_ipvlan_of_layer_3_leads_from_subnet_to_subnet(
    lab: Lab, fabric: NetworkFabric, far: int
) -> None:
    specs = [
        below_wire(fabric, "ipvlan", name=name, subnet=subnet, ipvlan_mode="l3")
        for name, subnet in (("one", SUBNET), ("two", OTHER))
    ]
    one, two = (Box(lab, fabric, spec) for spec in specs)
    assert lab.reach(one.netns, two.state.address, 80, server=two.serve()) == one.state.address


@pytest.mark.ipvlan
@pytest.mark.parametrize(("flag", "meet"), [("bridge", True), ("private", False), ("vepa", False)])
def test_ipvlan_neighbours_meet_as_the_flag_says(
    lab: Lab, fabric: NetworkFabric, far: int, flag: str, meet: bool
) -> None:
    spec = below_wire(fabric, "ipvlan", ipvlan_mode="l2", ipvlan_flag=flag)
    one, two = Box(lab, fabric, spec), Box(lab, fabric, spec)
    lab.listen(two.netns, 80)
    assert lab.is_reachable(one.netns, two.state.address, 80) is meet


def test_vlan_of_a_parent_is_made_and_removed(lab: Lab, fabric: NetworkFabric) -> None:
    with pytest.raises(InvalidArgument, match="vlan id must be between"):
        network(fabric, "wide", driver="macvlan", options={"parent": "up0.5000"})
    options = {"parent": "up0.20"}
    if kernel_lacks("vlan"):
        assert_lacking(lambda: network(fabric, "v", driver="macvlan", options=options), "8021q")
        return
    spec = network(fabric, "vlan", driver="macvlan", options=options)
    assert "up0.20" in link_names()
    fabric.remove(spec.id)
    asyncio.run(fabric.settled())
    assert "up0.20" not in link_names()
    assert "up0" in link_names()


def test_network_without_a_parent_lives_below_a_link_of_its_own(
    lab: Lab, fabric: NetworkFabric
) -> None:
    if kernel_lacks("dummy"):
        assert_lacking(lambda: network(fabric, "alone", driver="macvlan"), "dummy")
        return
    spec = network(fabric, "alone", driver="macvlan")
    one, two = Box(lab, fabric, spec), Box(lab, fabric, spec)
    lab.reach(one.netns, two.state.address, 80, server=two.serve())
    fabric.disconnect(one.state)
    fabric.disconnect(two.state)
    fabric.remove(spec.id)
    asyncio.run(fabric.settled())
    assert spec.link not in link_names()


@pytest.mark.parametrize("driver", ["macvlan", "ipvlan"])
def test_names_and_indexes_of_the_host_are_no_matter(
    lab: Lab, fabric: NetworkFabric, far: int, driver: str
) -> None:
    """Older kernels look for them among the host's links."""
    if driver == "ipvlan" and kernel_lacks("ipvlan"):
        return
    ip("link", "set", "up1", "down")
    ip("link", "set", "up1", "name", "eth0")
    spec = below_wire(fabric, driver)
    boxes = [Box(lab, fabric, spec, link_index=index) for index in (2, 3, 0)]
    for box in boxes:
        assert set(box.links()) == {"lo", "eth0"}
        assert box.links()["eth0"].index == box.state.link_index


def test_a_link_that_cannot_be_named_is_removed(lab: Lab, fabric: NetworkFabric, far: int) -> None:
    box = Box(lab, fabric, network(fabric, "usual"))
    spec = below_wire(fabric, "macvlan")
    taken = {"com.docker.network.endpoint.ifname": "eth0"}
    with pytest.raises(Internal, match="failed to create the eth0 sandbox port: File exists"):
        box.join(spec, options=taken)
    assert set(box.links()) == {"lo", "eth0"}
    assert box.join(spec).link_name == "eth1"
