"""A host whose iptables-legacy drops forwarded packets: containers pass, its rules stay."""

from __future__ import annotations

import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest
from network_lab import HOST_ADDRESS, OUTSIDE_ADDRESS, Lab, default_fabric, subnet_of

from budu.network.contract import EndpointRequest, PortRequest
from budu.network.fabric import NetworkFabric
from budu.network.legacy import LegacyChains

pytestmark = pytest.mark.host


def legacy(*words: str) -> list[str]:
    command = ["iptables-legacy", "-w", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.splitlines()


@pytest.fixture
def dropping(lab: Lab) -> list[str]:
    """The chain before the engine comes."""
    legacy("-P", "FORWARD", "DROP")
    legacy("-A", "FORWARD", "-s", "192.0.2.9/32", "-j", "ACCEPT")
    return legacy("-S", "FORWARD")


def joined(lab: Lab, fabric: NetworkFabric) -> int:
    netns = lab.new_namespace()
    ports = (PortRequest(container_port=80, host_first=8080, host_last=8080),)
    state = fabric.connect("", netns, EndpointRequest(container_id="c", name="c", ports=ports))
    assert ip_address(state.address) in subnet_of(fabric)
    return netns


def test_containers_pass_a_legacy_firewall_that_drops(lab: Lab, dropping: list[str]) -> None:
    fabric = default_fabric()
    fabric.start()
    netns = joined(lab, fabric)
    inside, outside = lab.listen(netns, 80), lab.listen(lab.outside, 9000)
    assert lab.reach(netns, OUTSIDE_ADDRESS, 9000, server=outside) == HOST_ADDRESS
    assert lab.reach(lab.outside, HOST_ADDRESS, 8080, server=inside) == OUTSIDE_ADDRESS
    assert fabric.diagnose() == ()
    present = legacy("-S", "FORWARD")
    fabric.ensure()
    assert legacy("-S", "FORWARD") == present
    fabric.clear()
    assert legacy("-S", "FORWARD") == dropping
    fabric.close()


def test_diagnosis_names_the_chain_that_nobody_joined(lab: Lab, dropping: list[str]) -> None:
    fabric = default_fabric(join_foreign=False)
    fabric.start()
    assert [each.values["chain"] for each in fabric.diagnose()] == ["iptables-legacy FORWARD"]
    assert legacy("-S", "FORWARD") == dropping
    fabric.close()


def test_a_host_without_legacy_tables_gets_none(lab: Lab) -> None:
    chains = LegacyChains("budu")
    assert (chains.closed(), chains.join(["bd-*"])) == ([], [])
    assert Path("/proc/thread-self/net/ip_tables_names").read_text() == ""
