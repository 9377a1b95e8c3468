"""The genuine docker command line: networks of users' own."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

SUBNET = "10.214.1.0/24"
OTHER = "10.214.2.0/24"
SLEEP = ("busybox", "sleep", "600")


@pytest.fixture(autouse=True)
def tidy(engine: EngineProcess) -> Iterator[None]:
    yield
    engine.remove_containers()
    for row in engine.request("GET", "/networks", filters='{"type":["custom"]}').json:
        reply = engine.request("DELETE", f"/networks/{row['Id']}")
        assert reply.status == 204, reply.body


def look(docker: Docker, ref: str, form: str) -> str:
    return docker("inspect", "-f", form, ref)


def test_the_tour(docker: Docker) -> None:
    id_ = docker("network", "create", "backend")
    assert len(id_) == 64
    assert docker("network", "ls", "-q", "--no-trunc", "-f", "name=backend") == id_
    docker("run", "-d", "--name", "store", "--network", "backend", "--network-alias", "db", *SLEEP)
    answer = docker("run", "--rm", "--network", "backend", "busybox", "nslookup", "db")
    address = look(docker, "store", "{{.NetworkSettings.Networks.backend.IPAddress}}")
    assert address in answer
    names = docker("network", "inspect", "-f", "{{range .Containers}}{{.Name}}{{end}}", "backend")
    assert names == "store"
    done = docker.run("network", "rm", "backend")
    assert done.status == 1
    assert 'network backend has active endpoints (name:"store"' in done.err
    docker("network", "disconnect", "backend", "store")
    assert docker("network", "rm", "backend") == "backend"
    done = docker.run("network", "inspect", "backend")
    assert (done.status, done.out) == (1, "[]\n")
    assert "network backend not found" in done.err


def test_every_option_of_a_creation_is_kept(docker: Docker) -> None:
    docker(
        "network", "create", "--driver", "bridge", "--subnet", SUBNET, "--gateway", "10.214.1.9",
        "--ip-range", "10.214.1.128/25", "--aux-address", "router=10.214.1.200", "--label", "a=b",
        "--internal", "--attachable", "-o", "com.docker.network.driver.mtu=1400", "full",
    )  # fmt: skip
    (found,) = json.loads(docker("network", "inspect", "full"))
    assert found["IPAM"] == {
        "Driver": "default",
        "Options": {},
        "Config": [
            {
                "Subnet": SUBNET,
                "IPRange": "10.214.1.128/25",
                "Gateway": "10.214.1.9",
                "AuxiliaryAddresses": {"router": "10.214.1.200"},
            }
        ],
    }
    assert (found["Internal"], found["Attachable"], found["Labels"]) == (True, True, {"a": "b"})
    assert found["Options"] == {"com.docker.network.driver.mtu": "1400"}
    assert (found["EnableIPv4"], found["EnableIPv6"]) == (True, False)
    docker("run", "-d", "--name", "web", "--network", "full", *SLEEP)
    address = look(docker, "web", "{{.NetworkSettings.Networks.full.IPAddress}}")
    assert int(address.rpartition(".")[2]) >= 128
    assert docker("exec", "web", "cat", "/sys/class/net/eth0/mtu") == "1400"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["bridge"], "operation is not permitted on predefined bridge network"),
        (["taken"], "network with name taken already exists"),
        (["-d", "weave", "n"], "weave"),
        (["-d", "host", "n"], 'only one instance of "host" network is allowed'),
        (["-d", "overlay", "n"], "This node is not a swarm manager"),
        (["--subnet", "10.214.1.0/33", "n"], "10.214.1.0/33"),
        (["--subnet", SUBNET, "--gateway", "10.9.9.9", "n"], "no matching subnet for gateway"),
        (["--config-from", "nope", "n"], 'configuration network "nope" does not exist'),
    ],
)
def test_a_creation_is_refused(docker: Docker, words: list[str], sentence: str) -> None:
    docker("network", "create", "taken")
    done = docker.run("network", "create", *words)
    assert done.status == 1
    assert sentence in done.err


def test_several_networks_at_run(docker: Docker) -> None:
    docker("network", "create", "--subnet", SUBNET, "front")
    docker("network", "create", "--subnet", OTHER, "back")
    docker(
        "run", "-d", "--name", "web",
        "--network", "name=front,alias=site,ip=10.214.1.50,mac-address=02:42:0a:d6:01:32",
        "--network", "name=back,gw-priority=5,driver-opt=com.docker.network.endpoint.ifname=lan0",
        *SLEEP,
    )  # fmt: skip
    place = "{{.NetworkSettings.Networks.front.%s}}"
    assert look(docker, "web", place % "IPAddress") == "10.214.1.50"
    assert look(docker, "web", place % "MacAddress") == "02:42:0a:d6:01:32"
    assert look(docker, "web", place % "Aliases") == "[site]"
    assert look(docker, "web", "{{.NetworkSettings.Networks.back.GwPriority}}") == "5"
    routes = docker("exec", "web", "ip", "route")
    assert "default via 10.214.2.1 dev lan0" in routes
    assert set(docker("ps", "--format", "{{.Networks}}").split(",")) == {"back", "front"}


@pytest.fixture
def parent() -> Iterator[str]:
    """A link of the host that networks may live below."""
    name = f"mv{os.getpid()}"
    ip("link", "add", name, "type", "veth", "peer", "name", f"{name}p")
    ip("link", "set", name, "up")
    ip("link", "set", f"{name}p", "up")
    yield name
    ip("link", "delete", name)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=30)


@pytest.mark.parametrize(("mode", "meet"), [("bridge", True), ("private", False)])
def test_macvlan(docker: Docker, parent: str, mode: str, meet: bool) -> None:
    chosen = ("--subnet", SUBNET, "-o", f"parent={parent}", "-o", f"macvlan_mode={mode}")
    docker("network", "create", "-d", "macvlan", *chosen, "lan")
    for number in (2, 3):
        address = f"10.214.1.{number}"
        docker("run", "-d", "--name", f"m{number}", "--net", "lan", "--ip", address, *SLEEP)
    assert look(docker, "m2", "{{.NetworkSettings.Networks.lan.IPAddress}}") == "10.214.1.2"
    found = docker.run("exec", "m2", "ping", "-c", "1", "-W", "1", "10.214.1.3")
    assert (found.status == 0) is meet


def test_a_macvlan_with_a_wrong_mode_is_refused(docker: Docker) -> None:
    done = docker.run("network", "create", "-d", "macvlan", "-o", "macvlan_mode=x", "lan")
    assert done.status == 1
    assert "requested macvlan mode 'x' is not valid" in done.err


def test_connect_with_every_option(docker: Docker) -> None:
    docker("network", "create", "--subnet", SUBNET, "zone")
    docker("run", "-d", "--name", "web", *SLEEP)
    docker(
        "network", "connect", "--ip", "10.214.1.60", "--alias", "site", "--gw-priority", "9",
        "--link-local-ip", "169.254.9.9", "zone", "web",
    )  # fmt: skip
    assert "inet 10.214.1.60/24" in docker("exec", "web", "ip", "addr")
    assert "inet 169.254.9.9" in docker("exec", "web", "ip", "addr")
    assert "default via 10.214.1.1" in docker("exec", "web", "ip", "route")
    found = docker("run", "--rm", "--network", "zone", "busybox", "nslookup", "site")
    assert "10.214.1.60" in found
    done = docker.run("network", "connect", "zone", "web")
    assert "endpoint with name web already exists in network zone" in done.err
    docker("network", "disconnect", "zone", "web")
    assert "10.214.1.60" not in docker("exec", "web", "ip", "addr")
    done = docker.run("network", "disconnect", "zone", "web")
    assert "is not connected to network zone" in done.err


def test_a_stopped_container_changes_networks(docker: Docker) -> None:
    docker("network", "create", "zone")
    docker("create", "--name", "web", "busybox", "ip", "-o", "-4", "addr")
    docker("network", "connect", "zone", "web")
    docker("network", "disconnect", "bridge", "web")
    shown = look(docker, "web", "{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}")
    assert shown.split() == ["zone"]
    assert "eth0" in docker("start", "-a", "web")


def test_addresses_need_a_subnet_of_ones_own(docker: Docker) -> None:
    docker("network", "create", "auto")
    done = docker.run("run", "--network", "auto", "--ip", "10.214.1.3", "busybox", "true")
    assert "networks with user configured subnets" in done.err
    done = docker.run("run", "--ip", "172.17.0.9", "busybox", "true")
    assert "supported on user defined networks only" in done.err


def test_prune_takes_what_nobody_uses(docker: Docker) -> None:
    for name in ("used", "free"):
        docker("network", "create", name)
    docker("run", "-d", "--network", "used", *SLEEP)
    assert docker("network", "prune", "-f") == "Deleted Networks:\nfree"


def test_filters_and_columns(docker: Docker) -> None:
    docker("network", "create", "--label", "tier=db", "--ipv6", "zone")
    form = "{{.Name}} {{.Driver}} {{.IPv6}} {{.Internal}} {{.Labels}}"
    shown = docker("network", "ls", "-f", "label=tier", "--format", form)
    assert shown == "zone bridge true false tier=db"
    assert docker("network", "ls", "-f", "dangling=true", "--format", "{{.Name}}") == "zone"


def test_a_configuration_is_used(docker: Docker) -> None:
    docker("network", "create", "--config-only", "--subnet", SUBNET, "plan")
    docker("network", "create", "--config-from", "plan", "real")
    form = "{{(index .IPAM.Config 0).Subnet}} {{.ConfigFrom.Network}}"
    assert docker("network", "inspect", "-f", form, "real") == f"{SUBNET} plan"
    done = docker.run("network", "rm", "plan")
    assert "is in use" in done.err
    docker("network", "rm", "real", "plan")


def test_containers_share_a_network(docker: Docker) -> None:
    docker("network", "create", "--subnet", SUBNET, "zone")
    docker("run", "-d", "--name", "web", "--network", "zone", *SLEEP)
    shown = docker("run", "--rm", "--network", "container:web", "busybox", "ip", "addr")
    assert "inet 10.214.1.2/24" in shown
