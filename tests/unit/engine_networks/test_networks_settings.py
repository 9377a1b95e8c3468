"""What a container may ask of a network, and which of its networks leads out."""

import pytest
from tests.support.records import a_running_container

from budu.base.errors import InvalidArgument, NotFound
from budu.engine.networks.endpoints import joining_order, requests_for
from budu.engine.networks.model import NetworkRecord
from budu.engine.networks.ports import closed_bindings, with_ports, without_ports
from budu.engine.networks.settings import check_company, check_settings, dns_names
from budu.engine.networks.ways import Way, Ways, choose_ways
from budu.network.contract import NetworkSpec, PortBinding
from budu.spec.api.host_config import HostConfig
from budu.spec.api.host_config import PortBinding as Wish
from budu.spec.api.network import EndpointIPAMConfig, EndpointSettings


def a_record(name: str, *, asked: tuple[str, ...] = (), **spec: object) -> NetworkRecord:
    made = NetworkSpec(id=f"id of {name}", name=name, **spec)
    return NetworkRecord(spec=made, created_ns=1, asked=asked)


def refusal(record: NetworkRecord, **settings: object) -> str:
    with pytest.raises(InvalidArgument) as error:
        check_settings(record, EndpointSettings(**settings))
    return error.value.message


def address(v4: str = "", v6: str = "", link_local: list[str] | None = None) -> EndpointIPAMConfig:
    return EndpointIPAMConfig(ipv4_address=v4, ipv6_address=v6, link_local_ips=link_local)


def test_only_wishes_are_kept() -> None:
    record = a_record("backend", asked=("10.9.0.0/24",))
    given = EndpointSettings(
        ipam_config=address("10.9.0.7"), aliases=["db"], ip_address="1.2.3.4", endpoint_id="x",
        mac_address="02-42-AC-11-00-02", gw_priority=3,
    )  # fmt: skip
    assert check_settings(record, given) == EndpointSettings(
        ipam_config=address("10.9.0.7"), aliases=["db"], mac_address="02:42:ac:11:00:02",
        gw_priority=3, network_id="id of backend",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ipam_config": address("10.8.0.1")},
         "no configured subnet or ip-range contain the IP address 10.8.0.1"),
        ({"ipam_config": address("ten")}, "invalid IPv4 address: ten"),
        ({"ipam_config": address("0.0.0.0")}, "invalid IPv4 address: 0.0.0.0"),
        ({"ipam_config": address(v6="10.9.0.1")}, "invalid IPv6 address: 10.9.0.1"),
        ({"ipam_config": address(v6="fd00::1")},
         "user specified IP address is supported only when connecting to networks with user "
         "configured subnets"),
        ({"ipam_config": address(link_local=["x"])}, "invalid link-local IP address: x"),
        ({"driver_opts": {"com.docker.network.endpoint.sysctls": "net.ipv4.conf.eth0.log=1"}},
         "unrecognised network interface sysctl 'net.ipv4.conf.eth0.log=1'; represent "
         "'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'"),
    ],
)  # fmt: skip
def test_wrong_wishes_are_named(settings: dict[str, object], words: str) -> None:
    record = a_record("backend", asked=("10.9.0.0/24",))
    assert refusal(record, **settings) == f"invalid endpoint settings:\n{words}"


def test_a_wrong_mac_address_is_named() -> None:
    assert refusal(a_record("backend"), mac_address="nope") == "invalid MAC address nope"


def test_addresses_need_a_subnet_of_the_users_own() -> None:
    assert "user configured subnets" in refusal(a_record("b"), ipam_config=address("10.9.0.7"))
    assert refusal(a_record("bridge"), ipam_config=address("172.17.0.9")) == (
        "invalid endpoint settings:\nuser specified IP address is supported on user defined "
        "networks only"
    )


def test_a_container_in_the_hosts_network_is_in_no_other() -> None:
    with pytest.raises(InvalidArgument, match="container must be created in host network mode"):
        check_company(["bridge"], a_record("host"))
    with pytest.raises(InvalidArgument, match="sharing network namespace"):
        check_company(["host"], a_record("backend"))
    with pytest.raises(InvalidArgument, match=r"private \(none\) mode"):
        check_company(["none"], a_record("backend"))
    check_company(["bridge"], a_record("backend"))


def test_names_of_a_container() -> None:
    web = a_running_container("web")
    assert dns_names(web, EndpointSettings(aliases=["db", "web"])) == ["web", "db", web.short_id]


# Ways out


def a_way(priority: int = 0, **spec: object) -> Way:
    return Way(spec=NetworkSpec(id="x", name="x", **spec), priority=priority)


@pytest.mark.parametrize(
    ("networks", "ways"),
    [
        ({}, Ways()),
        ({"b": a_way(), "a": a_way()}, Ways(v4="a", ports="a")),
        ({"a": a_way(), "b": a_way(1)}, Ways(v4="b", ports="b")),
        ({"a": a_way(internal=True), "b": a_way()}, Ways(v4="b", ports="b")),
        ({"a": a_way(9, internal=True), "b": a_way()}, Ways(v4="b", ports="b")),
        ({"a": a_way(internal=True)}, Ways()),
        ({"a": a_way(), "b": a_way(enable_ipv6=True)}, Ways(v4="b", v6="b", ports="b")),
        ({"a": a_way(1), "b": a_way(enable_ipv6=True)}, Ways(v4="a", v6="b", ports="a")),
        ({"a": a_way(driver="macvlan"), "b": a_way()}, Ways(v4="a", ports="b")),
        ({"a": a_way(enable_ipv4=False, enable_ipv6=True), "b": a_way()},
         Ways(v4="b", v6="a", ports="a")),
    ],
)  # fmt: skip
def test_ways_out(networks: dict[str, Way], ways: Ways) -> None:
    assert choose_ways(networks) == ways


def test_the_network_of_the_mode_is_joined_first() -> None:
    web = a_running_container(
        "web",
        host_config=HostConfig(network_mode="b"),
        endpoint_settings={"a": EndpointSettings(), "b": EndpointSettings()},
    )
    assert joining_order(web) == ["b", "a"]


def test_links_are_numbered_and_one_network_leads_out() -> None:
    records = {"b": a_record("b"), "a": a_record("a"), "c": a_record("c")}
    named = EndpointSettings(driver_opts={"com.docker.network.endpoint.ifname": "wan"})
    web = a_running_container(
        "web",
        host_config=HostConfig(network_mode="b", port_bindings={"80/tcp": [Wish(host_port="81")]}),
        endpoint_settings={"b": EndpointSettings(), "a": named, "c": EndpointSettings()},
    )
    asked = requests_for(web, records)
    assert [(each.link_name, each.link_index) for each in asked.values()] == [
        ("eth0", 2), ("", 3), ("eth1", 4),
    ]  # fmt: skip
    assert [name for name, each in asked.items() if each.default_route] == ["a"]
    assert [name for name, each in asked.items() if each.ports] == ["a"]
    assert [name for name, each in asked.items() if each.fresh] == ["b"]


def test_a_network_names_the_links_of_its_own() -> None:
    prefix = {"com.docker.network.container_iface_prefix": "wan"}
    records = {"a": a_record("a", options=prefix), "b": a_record("b")}
    web = a_running_container(
        "web",
        host_config=HostConfig(network_mode="a"),
        endpoint_settings={"a": EndpointSettings(), "b": EndpointSettings()},
    )
    asked = requests_for(web, records)
    assert [each.link_name for each in asked.values()] == ["", "eth0"]


# Ports


def test_ports_are_added_to_the_wishes() -> None:
    host = HostConfig(port_bindings={"80/tcp": [Wish(host_port="81")]})
    more = with_ports(host, {"80/tcp": [Wish(host_port="81"), Wish(host_port="82")], "9/udp": None})
    assert more.port_bindings == {
        "80/tcp": [Wish(host_port="81"), Wish(host_port="82")],
        "9/udp": [Wish()],
    }


def test_ports_are_taken_out_of_the_wishes() -> None:
    both = {"80/tcp": [Wish(host_port="81"), Wish(host_port="82")]}
    web = a_running_container("web", host_config=HostConfig(port_bindings=both))
    assert without_ports(web, {"80/tcp": [Wish(host_port="82")]}).port_bindings == {
        "80/tcp": [Wish(host_port="81")]
    }
    assert without_ports(web, {"80/tcp": None}).port_bindings == {}
    with pytest.raises(NotFound):
        without_ports(web, {"443/tcp": None})


def test_open_ports_are_found_by_any_part_of_them() -> None:
    opened = [
        PortBinding(container_port=80, host_port=81),
        PortBinding(container_port=80, host_port=82, host_address="127.0.0.1"),
        PortBinding(container_port=81, host_port=83),
    ]
    assert closed_bindings(opened, {"80/tcp": None}) == tuple(opened[:2])
    assert closed_bindings(opened, {"80/tcp": [Wish(host_port="82")]}) == (opened[1],)
    assert closed_bindings(opened, {"80/tcp": [Wish(host_ip="127.0.0.1")]}) == (opened[1],)
    assert closed_bindings(opened, {"80/udp": None}) == ()
