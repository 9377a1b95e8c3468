"""Address pools and the choice of a subnet."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import InvalidArgument, PermissionDenied, ResourceExhausted
from budu.network.contract import DEFAULT_BRIDGE_POOL, NETWORK_POOLS
from budu.network.ipam import (
    Pool,
    choose_gateway,
    choose_subnet,
    mac_of,
    parse_subnet,
    pool_subnets,
)

POOLS = (DEFAULT_BRIDGE_POOL, *NETWORK_POOLS)


def make_pool(text: str = "10.9.0.0/29") -> Pool:
    subnet = IPv4Network(text)
    return Pool(subnet, choose_gateway(subnet), network="bridge")


def test_first_address_follows_the_gateway() -> None:
    assert make_pool("172.17.0.0/16").allocate() == IPv4Address("172.17.0.2")


def test_released_address_is_not_given_out_again_at_once() -> None:
    pool = make_pool()
    first = pool.allocate()
    pool.release(first)
    assert pool.allocate() != first


def test_released_address_comes_back_when_the_others_are_taken() -> None:
    pool = make_pool()
    addresses = [pool.allocate() for _ in range(5)]
    pool.release(addresses[1])
    assert pool.allocate() == addresses[1]


def test_full_pool_is_reported_with_the_network() -> None:
    pool = make_pool()
    for _ in range(5):
        pool.allocate()
    with pytest.raises(
        ResourceExhausted,
        match="no available IPv4 addresses on this",
    ):
        pool.allocate()


def test_reserved_address_is_skipped() -> None:
    pool = make_pool()
    pool.reserve(IPv4Address("10.9.0.2"))
    assert pool.allocate() == IPv4Address("10.9.0.3")


def test_taken_address_cannot_be_reserved() -> None:
    pool = make_pool()
    with pytest.raises(PermissionDenied, match="Address already in use"):
        pool.reserve(pool.allocate())


@pytest.mark.parametrize("address", ["10.9.0.0", "10.9.0.7", "10.9.1.1"])
def test_address_outside_the_hosts_of_the_subnet_is_refused(address: str) -> None:
    with pytest.raises(InvalidArgument, match=f"contain the IP address {address}"):
        make_pool().reserve(IPv4Address(address))


def test_gateway_stays_taken_after_a_release() -> None:
    pool = make_pool()
    pool.release(pool.gateway)
    assert pool.gateway not in [pool.allocate() for _ in range(5)]


@given(st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=60))
def test_no_two_endpoints_ever_share_an_address(steps: list[int | None]) -> None:
    pool = make_pool("10.9.0.0/28")
    alive: list[IPv4Address] = []
    for step in steps:
        if step is not None:
            if alive:
                pool.release(alive.pop(step % len(alive)))
        elif len(alive) < 13:
            address = pool.allocate()
            assert address not in alive
            assert address in pool.subnet
            assert address not in (
                pool.gateway,
                pool.subnet.network_address,
                pool.subnet.broadcast_address,
            )
            alive.append(address)
    assert pool.used == len(alive) + 1


def test_default_bridge_takes_dockers_subnet() -> None:
    assert choose_subnet(POOLS, []) == IPv4Network("172.17.0.0/16")


def test_subnet_of_a_host_route_is_passed_over() -> None:
    taken = [IPv4Network("172.17.5.0/24"), IPv4Network("172.16.0.0/15"), IPv4Network("10.0.0.0/8")]
    assert choose_subnet(POOLS, taken) == IPv4Network("172.18.0.0/24")


def test_wide_private_route_leads_to_the_last_pool() -> None:
    taken = [IPv4Network("172.16.0.0/12"), IPv4Network("192.168.1.0/24")]
    assert choose_subnet(POOLS, taken) == IPv4Network("192.168.0.0/24")


def test_default_route_in_two_halves_does_not_count() -> None:
    taken = [IPv4Network("0.0.0.0/1"), IPv4Network("128.0.0.0/1"), IPv4Network("0.0.0.0/0")]
    assert choose_subnet(POOLS, taken) == IPv4Network("172.17.0.0/16")


def test_no_free_subnet_names_the_routes() -> None:
    with pytest.raises(InvalidArgument) as caught:
        choose_subnet(("10.0.0.0/8:16",), [IPv4Network("10.0.0.0/8")])
    assert caught.value.message == "all predefined address pools have been fully subnetted"
    assert caught.value.hint is not None
    assert caught.value.hint.values["routes"] == "10.0.0.0/8"


@given(
    st.lists(
        st.builds(
            lambda value, prefix: IPv4Network((value, prefix), strict=False),
            st.integers(int(IPv4Address("172.16.0.0")), int(IPv4Address("172.31.255.255"))),
            st.integers(14, 32),
        ),
        max_size=8,
    )
)
def test_chosen_subnet_overlaps_no_route(taken: list[IPv4Network]) -> None:
    chosen = choose_subnet(POOLS, taken)
    assert not any(chosen.overlaps(network) for network in taken)


def test_pool_is_cut_into_subnets() -> None:
    assert list(pool_subnets("172.20.0.0/15:16")) == [
        IPv4Network("172.20.0.0/16"),
        IPv4Network("172.21.0.0/16"),
    ]


@pytest.mark.parametrize("text", ["10.0.0.0/8:4", "10.0.0.0/8:31"])
def test_impossible_pool_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid default address pool"):
        pool_subnets(text)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "web", "10.0.0.0/31"])
def test_impossible_subnet_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_subnet(text)


def test_gateway_outside_the_subnet_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no matching subnet for gateway"):
        choose_gateway(IPv4Network("10.9.0.0/24"), "10.8.0.1")


def test_mac_repeats_the_address() -> None:
    assert mac_of(IPv4Address("172.17.0.2")) == "02:42:ac:11:00:02"
