"""Wishes for published ports."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.network.contract import PortRequest
from budu.network.port_requests import parse_exposed, parse_port_key, parse_requests


def test_port_and_protocol_are_read() -> None:
    assert parse_port_key("53/UDP") == (53, "udp")
    assert parse_port_key("80") == (80, "tcp")


@pytest.mark.parametrize("key", ["", "web", "0/tcp", "65536/tcp", "80-81/tcp", "-80", "8 0", "٣"])
def test_wrong_container_port_is_refused(key: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid port specification"):
        parse_port_key(key)


def test_unknown_protocol_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="invalid proto: icmp"):
        parse_port_key("80/icmp")


def test_binding_with_port_and_address() -> None:
    assert parse_requests({"80/tcp": [("127.0.0.1", "8080")]}) == (
        PortRequest(container_port=80, host_address="127.0.0.1", host_first=8080, host_last=8080),
    )


def test_range_of_host_ports() -> None:
    (request,) = parse_requests({"80/tcp": [("", "8000-8010")]})
    assert (request.host_first, request.host_last) == (8000, 8010)


@pytest.mark.parametrize("host_port", ["", "0"])
def test_no_host_port_means_any(host_port: str) -> None:
    assert parse_requests({"80/tcp": [("", host_port)]}) == (PortRequest(container_port=80),)


def test_binding_without_wishes_means_any_port() -> None:
    assert parse_requests({"80/tcp": []}) == (PortRequest(container_port=80),)


@pytest.mark.parametrize("host_port", ["x", "70000", "9-8", "0-9", "1-2-3", "80-"])
def test_wrong_host_port_is_refused(host_port: str) -> None:
    with pytest.raises(InvalidArgument, match=f'invalid port specification: "{host_port}"'):
        parse_requests({"80/tcp": [("", host_port)]})


def test_wrong_host_address_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="invalid IP address: "):
        parse_requests({"80/tcp": [("1.2.3", "80")]})


def test_ipv6_host_address_may_stand_in_brackets() -> None:
    (request,) = parse_requests({"80/tcp": [("[::1]", "80")]})
    assert request.host_address == "::1"


def test_publish_all_skips_what_is_bound() -> None:
    requests = parse_requests(
        {"80/tcp": [("", "8080")]}, publish_all=["80/tcp", "443/tcp", "53/udp"]
    )
    assert [(r.container_port, r.protocol, r.host_first) for r in requests] == [
        (80, "tcp", 8080),
        (53, "udp", 0),
        (443, "tcp", 0),
    ]


def test_exposed_ranges_are_spelled_out_once() -> None:
    assert parse_exposed(["8000-8002/tcp", "8001", "53/udp"]) == (
        "53/udp",
        "8000/tcp",
        "8001/tcp",
        "8002/tcp",
    )


def test_a_reach_stands_in_an_addresss_place() -> None:
    (request,) = parse_requests({"80/tcp": [("me", "8080")]})
    assert (request.reach, request.host_address, request.host_first) == ("me", "", 8080)
