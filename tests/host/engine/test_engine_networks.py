"""Networks of users' own on the real kernel: names, routes, ports, while containers live."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.engine import EngineProcess, Reply
from tests.support.ports import free_port
from tests.support.scenes import SERVER, await_page, create, fetch, publish, run, start
from tests.support.waiting import eventually

pytestmark = pytest.mark.host

FIRST, SECOND = "10.213.1.0/24", "10.213.2.0/24"


@pytest.fixture(autouse=True)
def tidy(engine: EngineProcess) -> Iterator[None]:
    """No container and no network of one's own is left, here or on the host."""
    yield
    engine.remove_containers()
    for each in networks(engine, type="custom"):
        reply = engine.request("DELETE", f"/networks/{each['Name']}")
        assert reply.status == 204, reply.body


def networks(engine: EngineProcess, **filters: str) -> list[dict[str, Any]]:
    wanted = json.dumps({key: [value] for key, value in filters.items()})
    rows = engine.request("GET", "/networks", filters=wanted).json
    assert isinstance(rows, list)
    return rows


def make(engine: EngineProcess, name: str, subnet: str = "", **fields: object) -> str:
    body = {"Name": name, **fields}
    if subnet:
        body["IPAM"] = {"Config": [{"Subnet": subnet}]}
    reply = engine.request("POST", "/networks/create", body)
    assert reply.status == 201, reply.body
    return str(reply.json["Id"])


def join(
    engine: EngineProcess,
    command: list[str],
    *,
    name: str,
    host: dict[str, object] | None = None,
    **wishes: dict[str, object],
) -> str:
    """A started container in several networks; its id."""
    first = next(iter(wishes))
    body = {
        "Image": "busybox",
        "Cmd": command,
        "HostConfig": {"NetworkMode": first, **(host or {})},
        "NetworkingConfig": {"EndpointsConfig": wishes},
    }
    reply = engine.request("POST", "/containers/create", body, name=name)
    assert reply.status == 201, reply.body
    start(engine, str(reply.json["Id"]))
    return str(reply.json["Id"])


def connect(engine: EngineProcess, network: str, ref: str, **settings: object) -> Reply:
    body = {"Container": ref, "EndpointConfig": settings}
    return engine.request("POST", f"/networks/{network}/connect", body)


def disconnect(engine: EngineProcess, network: str, ref: str, *, force: bool = False) -> Reply:
    body = {"Container": ref, "Force": force}
    return engine.request("POST", f"/networks/{network}/disconnect", body)


def places(engine: EngineProcess, ref: str) -> dict[str, dict[str, Any]]:
    found = engine.inspect(ref)["NetworkSettings"]["Networks"]
    assert isinstance(found, dict)
    return found


def inside(engine: EngineProcess, ref: str, *words: str) -> str:
    """What a program of the host says in the container's network namespace."""
    pid = engine.state(ref)["Pid"]
    done = subprocess.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", *words], capture_output=True, text=True, check=True
    )
    return done.stdout


def ask(engine: EngineProcess, ref: str, name: str) -> str:
    """What busybox's nslookup says in the container."""
    made = engine.request(
        "POST",
        f"/containers/{ref}/exec",
        {"AttachStdout": True, "AttachStderr": True, "Cmd": ["nslookup", name]},
    )
    started = engine.request(
        "POST", f"/exec/{made.json['Id']}/start", {"Detach": False, "Tty": False}
    )
    return started.body.decode(errors="replace")


def test_a_network_has_a_bridge_until_it_is_removed(engine: EngineProcess) -> None:
    before = {path.name for path in Path("/sys/class/net").iterdir()}
    id_ = make(engine, "backend", FIRST)
    made = {path.name for path in Path("/sys/class/net").iterdir()} - before
    assert len(made) == 1
    found = engine.request("GET", "/networks/backend").json
    assert (found["Id"], found["Driver"], found["Scope"]) == (id_, "bridge", "local")
    assert found["IPAM"]["Config"][0]["Subnet"] == FIRST
    assert engine.request("DELETE", f"/networks/{id_}").status == 204
    assert made.isdisjoint(path.name for path in Path("/sys/class/net").iterdir())
    assert engine.request("GET", "/networks/backend").status == 404


def test_subnets_of_networks_do_not_overlap(engine: EngineProcess) -> None:
    make(engine, "one")
    make(engine, "two")
    first, second = (
        engine.request("GET", f"/networks/{name}").json["IPAM"]["Config"][0]["Subnet"]
        for name in ("one", "two")
    )
    assert first != second
    reply = engine.request(
        "POST", "/networks/create", {"Name": "three", "IPAM": {"Config": [{"Subnet": first}]}}
    )
    assert reply.status == 403
    assert "Pool overlaps with other one on this address space" in reply.message


def test_containers_of_a_network_find_each_other_by_name_and_alias(engine: EngineProcess) -> None:
    make(engine, "backend", FIRST)
    store = join(engine, ["sleep", "600"], name="store", backend={"Aliases": ["db"]})
    asker = join(engine, ["sleep", "600"], name="asker", backend={})
    alone = run(engine, ["sleep", "600"], name="alone")
    address = places(engine, store)["backend"]["IPAddress"]
    for name in ("store", "db", store[:12]):
        assert address in ask(engine, asker, name)
    assert address not in ask(engine, alone, "store")
    assert places(engine, store)["backend"]["DNSNames"] == ["store", "db", store[:12]]


def test_addresses_of_ones_own(engine: EngineProcess) -> None:
    make(engine, "backend", FIRST)
    fixed = {"IPAMConfig": {"IPv4Address": "10.213.1.77"}, "MacAddress": "02:42:c0:ff:ee:01"}
    web = join(engine, ["sleep", "600"], name="web", backend=fixed)
    place = places(engine, web)["backend"]
    assert (place["IPAddress"], place["MacAddress"]) == ("10.213.1.77", "02:42:c0:ff:ee:01")
    assert place["IPAMConfig"]["IPv4Address"] == "10.213.1.77"
    assert "10.213.1.77/24" in inside(engine, web, "ip", "-4", "addr", "show", "eth0")
    body = {
        "Image": "busybox",
        "HostConfig": {"NetworkMode": "backend"},
        "NetworkingConfig": {
            "EndpointsConfig": {"backend": {"IPAMConfig": {"IPv4Address": "10.9.9.9"}}}
        },
    }
    reply = engine.request("POST", "/containers/create", body)
    assert (reply.status, reply.message) == (
        400,
        "invalid endpoint settings:\n"
        "no configured subnet or ip-range contain the IP address 10.9.9.9",
    )


def test_an_address_that_is_taken_fails_the_start_and_leaves_nothing(
    engine: EngineProcess,
) -> None:
    make(engine, "backend", FIRST)
    fixed = {"IPAMConfig": {"IPv4Address": "10.213.1.77"}}
    join(engine, ["sleep", "600"], name="first", backend=fixed)
    body = {
        "Image": "busybox",
        "Cmd": ["sleep", "600"],
        "HostConfig": {"NetworkMode": "backend"},
        "NetworkingConfig": {"EndpointsConfig": {"backend": fixed}},
    }
    made = engine.request("POST", "/containers/create", body, name="second")
    reply = engine.request("POST", f"/containers/{made.json['Id']}/start")
    assert "Address already in use" in reply.message
    assert len(engine.request("GET", "/networks/backend").json["Containers"]) == 1


def test_several_networks_at_creation(engine: EngineProcess) -> None:
    make(engine, "front", FIRST)
    make(engine, "back", SECOND)
    web = join(engine, ["sleep", "600"], name="web", front={}, back={"GwPriority": 1})
    assert set(places(engine, web)) == {"front", "back"}
    links = inside(engine, web, "ip", "-4", "-o", "addr")
    assert "eth0    inet 10.213.1." in links
    assert "eth1    inet 10.213.2." in links
    assert "default via 10.213.2.1 dev eth1" in inside(engine, web, "ip", "route")


def test_a_running_container_comes_and_goes(engine: EngineProcess) -> None:
    make(engine, "zone", FIRST)
    web = run(engine, ["sleep", "600"], name="web")
    store = join(engine, ["sleep", "600"], name="store", zone={})
    assert connect(engine, "zone", "web", Aliases=["site"]).status == 200
    assert "eth1    inet 10.213.1." in inside(engine, web, "ip", "-4", "-o", "addr")
    assert places(engine, store)["zone"]["IPAddress"] in ask(engine, web, "store")
    assert places(engine, web)["zone"]["IPAddress"] in ask(engine, store, "site")
    assert "default via 10.213" not in inside(engine, web, "ip", "route")
    reply = connect(engine, "zone", "web")
    assert (reply.status, reply.message) == (
        403, "endpoint with name web already exists in network zone"
    )  # fmt: skip
    assert disconnect(engine, "zone", "web").status == 200
    assert "10.213.1." not in inside(engine, web, "ip", "-4", "-o", "addr")
    assert set(places(engine, web)) == {"bridge"}
    assert places(engine, store)["zone"]["IPAddress"] not in ask(engine, web, "store")
    reply = disconnect(engine, "zone", "web")
    assert (reply.status, reply.message) == (
        500, f"container {web} is not connected to network zone"
    )  # fmt: skip


def test_the_way_out_and_the_ports_move(engine: EngineProcess) -> None:
    make(engine, "backend", FIRST)
    port = free_port()
    web = run(engine, SERVER, name="web", **publish(port))
    assert connect(engine, "backend", "web", GwPriority=10).status == 200
    assert "default via 10.213.1.1" in inside(engine, web, "ip", "route")
    eventually(lambda: page(port), "the port in the other network")
    assert disconnect(engine, "backend", "web").status == 200
    assert "default via 10.213.1.1" not in inside(engine, web, "ip", "route")
    assert "default via" in inside(engine, web, "ip", "route")
    eventually(lambda: page(port), "the port in the first network")


def page(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=3) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_all_networks_may_be_left_and_joined_again(engine: EngineProcess) -> None:
    make(engine, "backend", FIRST)
    web = run(engine, ["sleep", "600"], name="web")
    assert disconnect(engine, "bridge", "web").status == 200
    assert inside(engine, web, "ip", "route") == ""
    assert connect(engine, "backend", "web").status == 200
    assert "default via 10.213.1.1" in inside(engine, web, "ip", "route")
    join(engine, ["sleep", "600"], name="store", backend={})
    assert "10.213.1." in ask(engine, web, "store")


def test_a_container_keeps_its_networks_over_its_next_start(engine: EngineProcess) -> None:
    make(engine, "backend", FIRST)
    web = run(engine, ["sleep", "600"], name="web")
    assert connect(engine, "backend", "web").status == 200
    assert engine.request("POST", f"/containers/{web}/restart", t=0).status == 204
    assert set(places(engine, web)) == {"bridge", "backend"}
    assert "10.213.1." in inside(engine, web, "ip", "-4", "-o", "addr")


def test_an_internal_network_has_no_way_out(engine: EngineProcess) -> None:
    make(engine, "vault", FIRST, Internal=True)
    web = join(engine, ["sleep", "600"], name="web", vault={})
    assert "default" not in inside(engine, web, "ip", "route")
    assert connect(engine, "bridge", "web").status == 200
    assert "default via" in inside(engine, web, "ip", "route")


def test_both_families(engine: EngineProcess) -> None:
    make(engine, "dual", EnableIPv6=True)
    config = engine.request("GET", "/networks/dual").json["IPAM"]["Config"]
    assert [":" in each["Subnet"] for each in config] == [False, True]
    web = join(engine, ["sleep", "600"], name="web", dual={})
    place = places(engine, web)["dual"]
    assert place["GlobalIPv6Address"].startswith("fd")
    assert place["IPv6Gateway"] == config[1]["Gateway"]
    assert place["GlobalIPv6Address"] in inside(engine, web, "ip", "-6", "-o", "addr")


def test_a_port_of_both_families_answers_at_both_loopbacks(engine: EngineProcess) -> None:
    make(engine, "dual", EnableIPv6=True)
    port = free_port()
    run(engine, SERVER, name="web", NetworkMode="dual", **publish(port))
    await_page(port)
    assert fetch(port, "[::1]") == "page\n"
    engine.kill()
    engine.start()
    assert fetch(port, "[::1]") == "page\n"


def test_an_ended_container_leaves_its_networks(engine: EngineProcess) -> None:
    make(engine, "backend", FIRST)
    join(engine, ["true"], name="brief", backend={})
    eventually(lambda: engine.state("brief")["Status"] == "exited", "the end")
    assert engine.request("GET", "/networks/backend").json["Containers"] == {}
    assert engine.request("DELETE", "/networks/backend").status == 204
    reply = engine.request("POST", "/containers/brief/start")
    assert (reply.status, reply.message) == (
        404, "failed to set up container networking: network backend not found"
    )  # fmt: skip


def test_a_network_in_use_is_not_removed(engine: EngineProcess) -> None:
    make(engine, "backend", FIRST)
    web = join(engine, ["sleep", "600"], name="web", backend={})
    reply = engine.request("DELETE", "/networks/backend")
    assert (reply.status, reply.message) == (
        403,
        "error while removing network: network backend has active endpoints "
        f'(name:"web" id:"{web[:12]}")',
    )


def test_the_next_engine_has_the_same_networks(engine: EngineProcess) -> None:
    id_ = make(engine, "backend", FIRST, Labels={"a": "b"})
    web = join(engine, ["sleep", "600"], name="web", backend={"Aliases": ["site"]})
    asker = join(engine, ["sleep", "600"], name="asker", backend={})
    before = places(engine, web)
    engine.kill()
    engine.start()
    found = engine.request("GET", "/networks/backend").json
    assert (found["Id"], found["Labels"], len(found["Containers"])) == (id_, {"a": "b"}, 2)
    assert places(engine, web) == before
    assert before["backend"]["IPAddress"] in ask(engine, asker, "site")
    assert disconnect(engine, "backend", "asker").status == 200
    assert connect(engine, "backend", "asker").status == 200


def test_events_tell_of_networks(engine: EngineProcess) -> None:
    id_ = make(engine, "backend", FIRST)
    web = run(engine, ["sleep", "600"], name="web")
    connect(engine, "backend", "web")
    disconnect(engine, "backend", "web")
    engine.request("DELETE", "/networks/backend")
    told = [each for each in engine.events(type="network") if each["Actor"]["ID"] == id_]
    assert [each["Action"] for each in told] == ["create", "connect", "disconnect", "destroy"]
    assert told[1]["Actor"]["Attributes"] == {
        "container": web, "name": "backend", "type": "bridge"
    }  # fmt: skip


def test_ports_open_and_close_while_it_runs(engine: EngineProcess) -> None:
    web = run(engine, SERVER, name="web")
    port = free_port()
    bindings = {"80/tcp": [{"HostPort": str(port)}]}
    path = f"/budu/containers/{web}/ports"
    assert engine.request("POST", f"{path}/open", {"PortBindings": bindings}).status == 204
    eventually(lambda: page(port), "the opened port")
    [row] = [
        each for each in engine.request("GET", "/budu/ports").json if ":" not in each["HostIP"]
    ]
    assert (row["Container"], row["HostPort"], row["Reach"]) == ("web", port, "world")
    taken = engine.request(
        "POST", f"{path}/open", {"PortBindings": {"81/tcp": [{"HostPort": str(port)}]}}
    )
    assert "port is already allocated" in taken.message
    assert engine.request("POST", f"/containers/{web}/restart", t=0).status == 204
    eventually(lambda: page(port), "the port after a restart")
    assert engine.request("POST", f"{path}/close", {"PortBindings": bindings}).status == 204
    assert page(port) == ""
    assert engine.inspect(web)["NetworkSettings"]["Ports"] == {}


def test_the_hosts_and_no_network_stand_alone(engine: EngineProcess) -> None:
    make(engine, "backend", FIRST)
    run(engine, ["sleep", "600"], name="hosted", NetworkMode="host")
    run(engine, ["sleep", "600"], name="lonely", NetworkMode="none")
    run(engine, ["sleep", "600"], name="web")
    sharing = connect(engine, "backend", "hosted")
    assert (sharing.status, "sharing network namespace" in sharing.message) == (400, True)
    private = connect(engine, "backend", "lonely")
    assert (private.status, "private (none) mode" in private.message) == (400, True)
    hosts = connect(engine, "host", "web")
    assert (hosts.status, "created in host network mode" in hosts.message) == (400, True)


def test_a_network_that_is_not_there(engine: EngineProcess) -> None:
    id_ = create(engine, ["true"], NetworkMode="nowhere")
    reply = engine.request("POST", f"/containers/{id_}/start")
    words = "failed to set up container networking: network nowhere not found"
    assert (reply.status, reply.message) == (404, words)
    assert connect(engine, "nowhere", "nobody").status == 404
