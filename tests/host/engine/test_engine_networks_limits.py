"""What runs out and what is wrong: subnets, addresses, ports; with Docker's statuses and words."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_engine_networks import FIRST, SECOND, ask, connect, join, make, networks, places
from tests.support.engine import EngineProcess, Reply
from tests.support.ports import free_port
from tests.support.scenes import (
    SERVER,
    await_page,
    create,
    logs,
    publish,
    run,
    start,
    wait,
)

pytestmark = pytest.mark.host

START = "failed to set up container networking: "
SLEEP = ["sleep", "600"]


@pytest.fixture(autouse=True)
def tidy(engine: EngineProcess) -> Iterator[None]:
    yield
    engine.remove_containers()
    for each in networks(engine, type="custom"):
        assert engine.request("DELETE", f"/networks/{each['Id']}").status == 204


def pull(engine: EngineProcess) -> EngineProcess:
    reply = engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
    assert b"errorDetail" not in reply.body, reply.body
    return engine


def refused(engine: EngineProcess, name: str, network: str, **settings: object) -> Reply:
    """What a start says that cannot be; the container stays `created` and has no place."""
    body = {
        "Image": "busybox",
        "Cmd": SLEEP,
        "HostConfig": {"NetworkMode": network},
        "NetworkingConfig": {"EndpointsConfig": {network: settings}},
    }
    made = engine.request("POST", "/containers/create", body, name=name)
    assert made.status == 201, made.body
    reply = engine.request("POST", f"/containers/{name}/start")
    assert engine.state(name)["Status"] == "created"
    assert engine.state(name)["Error"] == reply.message
    assert places(engine, name)[network]["IPAddress"] == ""
    return reply


def test_pools_and_addresses_run_out(make_engine: Callable[..., EngineProcess]) -> None:
    small = pull(make_engine("--default-address-pool", "base=10.213.8.0/29,size=30"))
    one = make(small, "one")
    reply = small.request("POST", "/networks/create", {"Name": "two"})
    assert (reply.status, reply.message) == (
        400,
        "all predefined address pools have been fully subnetted",
    )
    assert [each["Name"] for each in networks(small, type="custom")] == ["one"]
    join(small, SLEEP, name="first", one={})
    sentence = f"no available IPv4 addresses on this network's address pools: one ({one})"
    reply = refused(small, "second", "one")
    assert (reply.status, reply.message) == (500, START + sentence)
    run(small, SLEEP, name="third")
    reply = connect(small, "one", "third")
    assert (reply.status, reply.message) == (500, sentence)
    assert small.request("DELETE", "/containers/first", force=1).status == 204
    assert connect(small, "one", "third").status == 200
    small.remove_containers()
    assert small.request("DELETE", "/networks/one").status == 204
    make(small, "two")
    assert small.request("DELETE", "/networks/two").status == 204


def test_ports_are_for_this_host_where_the_engine_says_so(
    make_engine: Callable[..., EngineProcess],
) -> None:
    careful = pull(make_engine("--reach", "me"))
    port, open_port = free_port(), free_port()
    wishes = publish(port)
    wishes["PortBindings"]["81/tcp"] = [{"HostIp": "0.0.0.0", "HostPort": str(open_port)}]  # type: ignore[index]
    id_ = run(careful, SLEEP, **wishes)
    found = careful.inspect(id_)["NetworkSettings"]["Ports"]
    assert [each["HostIp"] for each in found["80/tcp"]] == ["127.0.0.1", "::1"]
    assert [each["HostIp"] for each in found["81/tcp"]] == ["0.0.0.0"]
    rows = careful.request("GET", "/budu/ports").json
    assert {(each["HostPort"], each["Reach"]) for each in rows} == {
        (port, "me"),
        (open_port, "world"),
    }


def test_settings_for_those_that_ask_for_nothing(
    make_engine: Callable[..., EngineProcess],
) -> None:
    mtu = "com.docker.network.driver.mtu"
    careful = pull(
        make_engine(
            "--dns", "192.0.2.53", "--dns-search", "test", "--dns-opt", "ndots:2",
            "--host-gateway-ip", "192.0.2.1", "--host-gateway-ip", "2001:db8::1",
            "--default-network-opt", f"bridge={mtu}=1400", "--ipv6", "--bip6", "fd00:213::1/64",
        )
    )  # fmt: skip
    shown = run(
        careful, "cat /etc/hosts /etc/resolv.conf; ip -6 -o addr", ExtraHosts=["h:host-gateway"]
    )
    wait(careful, shown)
    text = logs(careful, shown).decode()
    for line in ("192.0.2.1\th", "2001:db8::1\th", "search test", "options ndots:2"):
        assert line in text.splitlines()
    assert "inet6 fd00:213::" in text
    own = run(careful, "cat /etc/resolv.conf", DnsSearch=["own"], DnsOptions=["ndots:5"])
    wait(careful, own)
    assert {"search own", "options ndots:5"} < set(logs(careful, own).decode().splitlines())
    for name, options, expected in (("one", {}, "1400"), ("two", {mtu: "1300"}, "1300")):
        made = make(careful, name, Options=options)
        assert Path(f"/sys/class/net/bd-{made[:12]}/mtu").read_text().strip() == expected
        assert careful.request("DELETE", f"/networks/{name}").status == 204


def test_an_engine_that_shall_write_no_rules(make_engine: Callable[..., EngineProcess]) -> None:
    plain = pull(
        make_engine(
            "--iptables=false", "--ip6tables=false", "--userland-proxy-path", "/nowhere",
            "--bip", "10.213.9.1/24", "--default-gateway", "10.213.9.254",
        )
    )  # fmt: skip
    port = free_port()
    run(plain, SERVER, name="web", **publish(port))
    await_page(port)
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
    assert plain.table not in tables.stdout
    shown = run(plain, "ip route")
    wait(plain, shown)
    assert logs(plain, shown).decode().splitlines()[0] == "default via 10.213.9.254 dev eth0 "
    assert plain.inspect("web")["NetworkSettings"]["Networks"]["bridge"]["Gateway"] == (
        "10.213.9.254"
    )


def test_a_port_that_is_taken_is_named_with_its_holder(engine: EngineProcess) -> None:
    port = free_port()
    run(engine, SLEEP, name="holder", **publish(port))
    second = create(engine, SLEEP, name="second", **publish(port))
    reply = engine.request("POST", f"/containers/{second}/start")
    assert reply.message.startswith(
        f"{START}driver failed programming external connectivity on endpoint second ("
    )
    assert reply.message.endswith(f"): Bind for 0.0.0.0:{port} failed: port is already allocated")
    assert f"Port {port} is published by container holder" in reply.json["hint"]
    assert engine.state("second")["Status"] == "created"
    engine.request("DELETE", "/containers/holder", force=1)
    start(engine, second)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("IPv4Address", "10.213.1.300", "invalid IPv4 address: 10.213.1.300"),
        ("IPv4Address", "10.213.1.0", "no configured subnet or ip-range contain the IP address"),
        ("IPv4Address", "10.213.1.255", "no configured subnet or ip-range contain the IP address"),
        ("IPv4Address", "10.9.0.5", "no configured subnet or ip-range contain the IP address"),
        ("IPv6Address", "fd00::5", "only when connecting to networks with user configured"),
        ("LinkLocalIPs", ["10.1.1.1"], "invalid link-local IP address: 10.1.1.1"),
    ],
)
def test_addresses_that_cannot_be(
    engine: EngineProcess, field: str, value: object, words: str
) -> None:
    make(engine, "zone", FIRST)
    web = run(engine, SLEEP, name="web")
    reply = connect(engine, "zone", "web", IPAMConfig={field: value})
    assert reply.status == 400
    assert words in reply.message
    assert set(places(engine, web)) == {"bridge"}


def test_addresses_of_others(engine: EngineProcess) -> None:
    make(engine, "zone", FIRST)
    fixed = {"IPAMConfig": {"IPv4Address": "10.213.1.7"}}
    join(engine, SLEEP, name="first", zone=fixed)
    reply = refused(engine, "second", "zone", **fixed)
    assert (reply.status, reply.message) == (403, f"{START}Address already in use")
    gateway = {"IPAMConfig": {"IPv4Address": "10.213.1.1"}}
    reply = refused(engine, "third", "zone", **gateway)
    assert (reply.status, reply.message) == (403, f"{START}Address already in use")


@pytest.mark.parametrize(
    ("config", "status", "words"),
    [
        ([{"Subnet": "10.213.1.0/33"}], 400, "invalid subnet 10.213.1.0/33"),
        ([{"Subnet": "10.213.1.7/24"}], 400, "it should be 10.213.1.0/24"),
        ([{"Subnet": FIRST, "Gateway": "10.9.9.9"}], 400, "doesn't contain this address"),
        ([{"Subnet": FIRST, "IPRange": "10.213.0.0/16"}], 400, "bigger than its parent subnet"),
        ([{"Subnet": FIRST, "IPRange": "10.9.9.0/25"}], 400, "doesn't contain ip-range"),
        ([{"Subnet": FIRST, "AuxiliaryAddresses": {"a": "x"}}], 400, "auxiliary address a"),
        ([{"Subnet": SECOND}], 403, "Pool overlaps with other one on this address space"),
        ([{"Subnet": "10.213.0.0/16"}], 403, "Pool overlaps with other one on this address space"),
        ([{"Subnet": FIRST}, {"Subnet": "10.213.3.0/24"}], 403, "multiple subnets"),
        ([{"Gateway": "10.213.1.1"}], 400, "invalid subnet"),
    ],
)
def test_subnets_that_cannot_be(
    engine: EngineProcess, config: list[dict[str, object]], status: int, words: str
) -> None:
    make(engine, "other", SECOND)
    body = {"Name": "zone", "IPAM": {"Config": config}}
    reply = engine.request("POST", "/networks/create", body)
    assert (reply.status, words in reply.message) == (status, True), reply.message
    assert [each["Name"] for each in networks(engine, type="custom")] == ["other"]


def test_an_alias_may_be_given_twice(engine: EngineProcess) -> None:
    make(engine, "zone", FIRST)
    join(engine, SLEEP, name="one", zone={"Aliases": ["web", "web", "one"]})
    join(engine, SLEEP, name="two", zone={"Aliases": ["web"]})
    asker = join(engine, SLEEP, name="asker", zone={})
    assert places(engine, "one")["zone"]["DNSNames"].count("web") == 1
    answer = ask(engine, asker, "web")
    for name in ("one", "two"):
        assert places(engine, name)["zone"]["IPAddress"] in answer


def test_a_name_that_is_taken(engine: EngineProcess) -> None:
    make(engine, "zone", FIRST)
    reply = engine.request("POST", "/networks/create", {"Name": "zone"})
    assert (reply.status, reply.message) == (409, "network with name zone already exists")
