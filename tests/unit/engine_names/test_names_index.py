"""Which names lead where, as each container sees them, and whom the rest is asked from."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
from tests.support.records import a_running_container

from budu.engine.containers.model import Container
from budu.engine.names.index import NameIndex
from budu.engine.names.servers import HostServers, route_servers
from budu.network.contract import EndpointState
from budu.network.dns.directory import Addresses, Server
from budu.spec.api.container import ContainerConfig
from budu.spec.api.network import EndpointSettings


def state(address: str, gateway: str = "10.9.0.1") -> EndpointState:
    return EndpointState(
        endpoint_id="e",
        container_id="c",
        name="n",
        address=address,
        prefix_length=24,
        gateway=gateway,
        mac="02:42:0a:09:00:02",
        host_link="veth",
        mtu=1500,
    )


def at(*addresses: str) -> Addresses:
    return Addresses(tuple(ip_address(each).packed for each in addresses))


def member(name: str, *, aliases: tuple[str, ...] = (), **addresses: str) -> Container:
    """A running container with an address in each of the networks."""
    return a_running_container(
        name,
        config=ContainerConfig(hostname=f"{name}-host", image="busybox"),
        endpoints={network: state(address) for network, address in addresses.items()},
        endpoint_settings={
            network: EndpointSettings(aliases=list(aliases)) for network in addresses
        },
    )


WEB = member("Web", front="10.1.0.2", back="10.2.0.2")
DB = member("db", aliases=("store", "sql"), back="10.2.0.3")
SECOND = member("second", aliases=("store",), back="10.2.0.4")
LONELY = member("lonely", other="10.3.0.2")
INDEX = NameIndex([WEB, DB, SECOND, LONELY])


@pytest.mark.parametrize("name", ["db", "sql", "db.back", "db-host", DB.short_id])
def test_a_container_has_many_names(name: str) -> None:
    assert INDEX.addresses(WEB, name) == at("10.2.0.3")


def test_a_shared_alias_leads_to_all() -> None:
    assert INDEX.addresses(WEB, "store") == at("10.2.0.3", "10.2.0.4")


def test_names_are_of_a_network() -> None:
    assert INDEX.addresses(LONELY, "db") is None
    assert INDEX.addresses(DB, "web") == at("10.2.0.2")
    assert INDEX.addresses(DB, "web.front") is None


def test_a_container_finds_itself() -> None:
    assert INDEX.addresses(WEB, "web") == at("10.1.0.2")


def test_the_host_has_names() -> None:
    for name in ("host.docker.internal", "gateway.docker.internal"):
        assert INDEX.addresses(DB, name) == at("10.9.0.1")


def test_without_a_gateway_the_host_has_no_name() -> None:
    closed = msgspec.structs.replace(DB, endpoints={"back": state("10.2.0.3", gateway="")})
    assert INDEX.addresses(closed, "host.docker.internal") is None


def test_reverse() -> None:
    assert INDEX.name_of(WEB, ip_address("10.2.0.3").packed) == "db.back"
    assert INDEX.name_of(LONELY, ip_address("10.2.0.3").packed) is None


def test_a_container_that_ended_has_no_names() -> None:
    gone = msgspec.structs.replace(DB, status="exited")
    assert NameIndex([WEB, gone]).addresses(WEB, "db") is None


def test_links_are_names_for_one_container_alone() -> None:
    settings = {"back": EndpointSettings(links=["DB:Base", "second"])}
    asker = msgspec.structs.replace(WEB, endpoint_settings=settings)
    assert INDEX.addresses(asker, "base") == at("10.2.0.3")
    assert INDEX.addresses(asker, "second") == at("10.2.0.4")
    assert INDEX.addresses(WEB, "base") is None


def test_a_link_leads_to_the_place_in_its_own_network() -> None:
    both = member("both", front="10.1.0.9", back="10.2.0.9")
    index = NameIndex([WEB, both])
    settings = {"front": EndpointSettings(), "back": EndpointSettings(links=["both:near"])}
    asker = msgspec.structs.replace(WEB, endpoint_settings=settings)
    assert index.addresses(asker, "near") == at("10.2.0.9")
    assert index.addresses(asker, "both") == at("10.1.0.9")


def test_who_is_asked_from_where() -> None:
    host = ("127.0.0.53", "192.0.2.1", "2001:db8::1", "fe80::1%eth0x", "rubbish")
    assert route_servers((), host, has_ipv6=False) == (
        Server("127.0.0.53", from_host=True),
        Server("192.0.2.1", from_host=False),
        Server("2001:db8::1", from_host=True),
        Server("fe80::1%eth0x", from_host=True),
    )
    assert route_servers((), host[2:3], has_ipv6=True) == (Server("2001:db8::1", from_host=False),)
    assert route_servers(["127.0.0.1"], host, has_ipv6=True) == (
        Server("127.0.0.1", from_host=False),
    )


def test_the_hosts_servers_are_those_of_this_moment(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    servers = HostServers(file)
    assert servers.current() == ()
    file.write_text("nameserver 192.0.2.1\n")
    assert servers.current() == ("192.0.2.1",)
    moved = tmp_path / "new"
    moved.write_text("nameserver 192.0.2.2\n")
    os.replace(moved, file)
    assert servers.current() == ("192.0.2.2",)
    file.unlink()
    assert servers.current() == ()


@pytest.mark.parametrize(("oneoff", "found"), [("False", at("10.2.0.3")), ("True", None)])
def test_a_service_of_compose_is_a_name(oneoff: str, found: Addresses | None) -> None:
    labels = {"com.docker.compose.service": "Store", "com.docker.compose.oneoff": oneoff}
    config = ContainerConfig(hostname="h", image="busybox", labels=labels)
    made = msgspec.structs.replace(member("shop-store-1", back="10.2.0.3"), config=config)
    assert NameIndex([WEB, made]).addresses(WEB, "store") == found
