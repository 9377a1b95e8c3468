"""docker-py: networks with every field, containers that come and go, names and ports."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import docker as docker_py
import pytest
from docker.errors import APIError, NotFound
from docker.types import EndpointConfig, IPAMConfig, IPAMPool
from tests.support.engine import EngineProcess
from tests.support.ports import free_port
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

SUBNET, OTHER, SUBNET6 = "10.216.1.0/24", "10.216.2.0/24", "fd00:216::/64"
SLEEP = ["sleep", "600"]
SERVER = ["sh", "-c", "mkdir /w; echo page > /w/index.html; exec httpd -f -h /w -p 80"]


@pytest.fixture
def client(engine: EngineProcess) -> Iterator[docker_py.DockerClient]:
    client = docker_py.DockerClient(base_url=engine.host, version="auto", timeout=60)
    yield client
    for container in client.containers.list(all=True):
        container.remove(force=True)
    for network in client.networks.list(filters={"type": "custom"}):
        network.remove()
    client.close()


def run(client: docker_py.DockerClient, name: str, **more: Any) -> Any:
    """A container that stays."""
    container = client.containers.run("busybox", SLEEP, name=name, detach=True, **more)
    container.reload()
    return container


def place(container: Any, network: str) -> dict[str, Any]:
    container.reload()
    found: dict[str, Any] = container.attrs["NetworkSettings"]["Networks"][network]
    return found


def pools(*subnets: str) -> IPAMConfig:
    return IPAMConfig(pool_configs=[IPAMPool(subnet=each) for each in subnets])


def test_a_network_has_what_it_was_made_with(client: docker_py.DockerClient) -> None:
    pool = IPAMPool(
        subnet=SUBNET,
        iprange="10.216.1.128/25",
        gateway="10.216.1.9",
        aux_addresses={"router": "10.216.1.200"},
    )
    network = client.networks.create(
        "zone",
        driver="bridge",
        options={"com.docker.network.driver.mtu": "1400"},
        ipam=IPAMConfig(pool_configs=[pool, IPAMPool(subnet=SUBNET6)]),
        internal=True,
        labels={"tier": "a"},
        enable_ipv6=True,
        attachable=True,
        scope="local",
    )
    wanted = {
        "Driver": "bridge",
        "Scope": "local",
        "Internal": True,
        "Attachable": True,
        "Ingress": False,
        "EnableIPv4": True,
        "EnableIPv6": True,
        "Labels": {"tier": "a"},
        "Options": {"com.docker.network.driver.mtu": "1400"},
    }
    assert {key: network.attrs[key] for key in wanted} == wanted
    first, second = network.attrs["IPAM"]["Config"]
    assert first == {
        "Subnet": SUBNET,
        "IPRange": "10.216.1.128/25",
        "Gateway": "10.216.1.9",
        "AuxiliaryAddresses": {"router": "10.216.1.200"},
    }
    assert second["Subnet"] == SUBNET6


def test_networks_are_found(client: docker_py.DockerClient) -> None:
    zone = client.networks.create("zone", labels={"tier": "a"})
    client.networks.create("other")
    assert client.networks.list(names=["zone"]) == [zone]
    assert client.networks.list(ids=[zone.id]) == [zone]
    assert client.networks.list(filters={"label": "tier=a"}) == [zone]
    assert {each.name for each in client.networks.list()} >= {"bridge", "host", "none", "zone"}
    web = run(client, "web", network="zone")
    assert client.networks.list(names=["zone"], greedy=True)[0].containers == [web]
    assert client.networks.get("zone", verbose=True, scope="local") == zone
    assert client.networks.get(zone.short_id) == zone
    assert web.attrs["NetworkSettings"]["Networks"]["zone"]["NetworkID"] == zone.id


def test_a_container_comes_and_goes(client: docker_py.DockerClient) -> None:
    network = client.networks.create(
        "zone", ipam=pools(SUBNET, SUBNET6), enable_ipv6=True, driver="bridge"
    )
    web = run(client, "web")
    network.connect(
        web,
        aliases=["site"],
        ipv4_address="10.216.1.70",
        ipv6_address="fd00:216::70",
        link_local_ips=["169.254.8.8"],
        driver_opt={"com.docker.network.endpoint.ifname": "lan0"},
        mac_address="02:42:0a:d8:01:46",
    )
    found = place(web, "zone")
    assert (found["IPAddress"], found["GlobalIPv6Address"]) == ("10.216.1.70", "fd00:216::70")
    assert (found["Aliases"], found["MacAddress"]) == (["site"], "02:42:0a:d8:01:46")
    shown = web.exec_run("ip -o addr show lan0").output.decode()
    assert "inet 10.216.1.70/24" in shown and "inet 169.254.8.8/16" in shown
    network.reload()
    assert network.containers == [web]
    asked = client.containers.run("busybox", ["nslookup", "site"], network="zone", remove=True)
    assert b"10.216.1.70" in asked
    network.disconnect("web")
    assert web.exec_run("ip addr show lan0").exit_code != 0
    network.reload()
    assert network.containers == []


def test_places_are_wished_for_at_run(client: docker_py.DockerClient) -> None:
    client.networks.create("zone", ipam=pools(SUBNET))
    wishes = EndpointConfig(
        version=client.api._version, aliases=["site"], ipv4_address="10.216.1.60"
    )
    web = run(client, "web", network="zone", networking_config={"zone": wishes})
    assert list(web.attrs["NetworkSettings"]["Networks"]) == ["zone"]
    assert place(web, "zone")["IPAddress"] == "10.216.1.60"
    assert place(web, "zone")["IPAMConfig"]["IPv4Address"] == "10.216.1.60"
    low = client.api.create_endpoint_config(links={"web": "db"})
    body = client.api.create_networking_config({"zone": low})
    made = client.api.create_container("busybox", SLEEP, name="low", networking_config=body,
                                       host_config=client.api.create_host_config(
                                           network_mode="zone"))  # fmt: skip
    client.api.start(made)
    asked = client.containers.get("low").exec_run("nslookup db")
    assert b"10.216.1.60" in asked.output


def test_names_and_hosts_of_a_container(client: docker_py.DockerClient) -> None:
    shown = client.containers.run(
        "busybox",
        ["cat", "/etc/resolv.conf", "/etc/hosts"],
        dns=["192.0.2.53"],
        dns_search=["example.test"],
        dns_opt=["ndots:2"],
        extra_hosts={"far": "192.0.2.7", "here": "host-gateway"},
        hostname="ship",
        remove=True,
    ).decode()
    gateway = client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    for line in ("nameserver 127.0.0.11", "search example.test", "options ndots:2"):
        assert line in shown.splitlines()
    for line in ("192.0.2.7\tfar", f"{gateway}\there"):
        assert line in shown.splitlines()


def test_ports(client: docker_py.DockerClient) -> None:
    port, only_here = free_port(), free_port()
    wishes = {"80/tcp": port, "81/tcp": ("127.0.0.1", only_here), "82/udp": None}
    web = client.containers.run("busybox", SERVER, name="web", ports=wishes, detach=True)
    web.reload()
    here = [{"HostIp": "127.0.0.1", "HostPort": str(only_here)}]
    both = [{"HostIp": ip, "HostPort": str(port)} for ip in ("0.0.0.0", "::")]
    assert (web.ports["80/tcp"], web.ports["81/tcp"]) == (both, here)
    assert int(web.ports["82/udp"][0]["HostPort"]) > 0

    def page() -> bytes:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            return b""

    assert eventually(page, "the page") == b"page\n"
    assert client.api.port("web", 80) == both
    with pytest.raises(APIError) as taken:
        client.containers.run("busybox", SLEEP, ports={"80/tcp": port}, detach=True)
    assert "port is already allocated" in taken.value.explanation


def test_refusals(client: docker_py.DockerClient) -> None:
    zone = client.networks.create("zone", ipam=pools(SUBNET))
    web = run(client, "web", network="zone")
    for act, status in (
        (lambda: client.networks.create("zone"), 409),
        (lambda: client.networks.create("more", ipam=pools(SUBNET)), 403),
        (lambda: client.networks.create("more", driver="weave"), 404),
        (lambda: client.networks.get("bridge").remove(), 403),
        (lambda: zone.connect(web), 403),
        (zone.remove, 403),
    ):
        with pytest.raises(APIError) as caught:
            act()
        assert caught.value.status_code == status, caught.value
    with pytest.raises(NotFound):
        client.networks.get("nowhere")
    with pytest.raises(NotFound):
        zone.connect("nobody")


def test_prune(client: docker_py.DockerClient) -> None:
    for name, labels in (("used", {}), ("free", {}), ("kept", {"keep": "1"})):
        client.networks.create(name, labels=labels)
    run(client, "web", network="used")
    gone = client.networks.prune(filters={"label!": ["keep"]})
    assert gone["NetworksDeleted"] == ["free"]


def test_the_networks_that_every_engine_has(client: docker_py.DockerClient) -> None:
    for name, driver in (("host", "host"), ("none", "null"), ("bridge", "bridge")):
        assert client.networks.get(name).attrs["Driver"] == driver
    alone = run(client, "alone", network_mode="none")
    assert alone.exec_run("ls /sys/class/net").output == b"lo\n"
    twin = run(client, "twin", network_mode="container:alone")
    assert twin.attrs["HostConfig"]["NetworkMode"] == f"container:{alone.id}"


def test_events_of_networks(client: docker_py.DockerClient) -> None:
    zone = client.networks.create("zone")
    web = run(client, "web")
    zone.connect(web)
    zone.disconnect(web)
    until = time.time()
    told = client.events(since=0, until=until, filters={"network": zone.id}, decode=True)
    assert [each["Action"] for each in told] == ["create", "connect", "disconnect"]
