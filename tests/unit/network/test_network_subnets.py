"""Subnets that were asked for, and those that are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from ipaddress import ip_network

import pytest

from budu.base.errors import InvalidArgument, PermissionDenied, ResourceExhausted
from budu.network.book import AddressBook
from budu.network.contract import NetworkSpec, Subnet
from budu.network.subnets import Choice, check_subnets, choose_subnets

POOLS = ("10.1.0.0/16:24",)
POOLS6 = ("fd00:1::/48:64",)


def spec(*subnets: Subnet, name: str = "n", **more: bool | str) -> NetworkSpec:
    return NetworkSpec(id=name * 64, name=name, subnets=subnets, **more)  # type: ignore[arg-type]


def choice(*others: NetworkSpec, taken: Sequence[str] = (), gateway: bool = True) -> Choice:
    return Choice(
        taken=[ip_network(each) for each in taken],
        others=others,
        pools=POOLS,
        pools6=POOLS6,
        gateway4=gateway,
        gateway6=gateway,
    )


def chosen(asked: NetworkSpec, given: Choice) -> list[tuple[str, str]]:
    return [(each.subnet, each.gateway) for each in choose_subnets(asked, given)]


@pytest.mark.parametrize(
    ("subnet", "line"),
    [
        (Subnet(subnet="10.0.0.0"), "invalid subnet 10.0.0.0: invalid CIDR block notation"),
        (Subnet(subnet="10.0.0.1/24"), "invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24"),
        (
            Subnet(subnet="10.0.0.0/24", gateway="10.0.1.1"),
            "invalid gateway 10.0.1.1: parent subnet 10.0.0.0/24 doesn't contain this address",
        ),
        (
            Subnet(subnet="10.0.0.0/24", ip_range="10.0.0.0/16"),
            "invalid ip-range 10.0.0.0/16: CIDR block is bigger than its parent subnet 10.0.0.0/24",
        ),
        (
            Subnet(subnet="10.0.0.0/24", auxiliary={"nas": "fd00::1"}),
            "invalid auxiliary address nas: parent subnet is an IPv4 block",
        ),
    ],
)
def test_mistake_is_named(subnet: Subnet, line: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_subnets(spec(subnet))
    assert caught.value.message == f"invalid network config:\n{line}"


def test_network_needs_a_family() -> None:
    with pytest.raises(InvalidArgument, match="IPv4 or IPv6 must be enabled"):
        check_subnets(spec(enable_ipv4=False))


def test_bridge_has_one_subnet_of_a_family() -> None:
    two = (Subnet(subnet="10.0.0.0/24"), Subnet(subnet="10.0.1.0/24"))
    with pytest.raises(PermissionDenied, match="doesn't support multiple subnets"):
        check_subnets(spec(*two))
    check_subnets(spec(*two, driver="macvlan"))


def test_both_families_are_chosen_with_gateways() -> None:
    assert chosen(spec(enable_ipv6=True), choice()) == [
        ("10.1.0.0/24", "10.1.0.1"),
        ("fd00:1::/64", "fd00:1::1"),
    ]


def test_subnets_of_the_host_and_of_other_networks_are_passed_over() -> None:
    other = spec(Subnet(subnet="10.1.1.0/24"), name="o")
    assert chosen(spec(), choice(other, taken=["10.1.0.0/25"]))[0][0] == "10.1.2.0/24"


def test_wanted_subnet_may_overlap_the_host_but_no_network() -> None:
    wish = spec(Subnet(subnet="10.1.0.0/24"))
    assert chosen(wish, choice(taken=["10.1.0.0/16"]))[0][0] == "10.1.0.0/24"
    with pytest.raises(PermissionDenied, match="Pool overlaps"):
        chosen(wish, choice(spec(Subnet(subnet="10.1.0.0/16"), name="o")))


def test_gateway_begins_the_range_and_is_left_out_where_none_is_wanted() -> None:
    wish = spec(Subnet(subnet="10.1.0.0/24", ip_range="10.1.0.128/25"))
    assert chosen(wish, choice())[0][1] == "10.1.0.128"
    assert chosen(spec(), choice(gateway=False))[0][1] == ""


def test_book_gives_addresses_of_the_next_subnet_when_one_is_full() -> None:
    subnets = (Subnet(subnet="10.1.0.0/30", gateway="10.1.0.1"), Subnet(subnet="10.1.1.0/30"))
    book = AddressBook(spec(*subnets, driver="macvlan"))
    with ExitStack() as undo:
        found = [book.take(4, "", undo).address for _ in range(3)]
        assert found == ["10.1.0.2", "10.1.1.1", "10.1.1.2"]
        with pytest.raises(ResourceExhausted):
            book.take(4, "", undo)
    assert book.take(4, "10.1.1.1", ExitStack()).gateway == ""


def test_book_refuses_a_family_that_the_network_has_not() -> None:
    with pytest.raises(InvalidArgument, match="no configured subnet"):
        AddressBook(spec(Subnet(subnet="10.1.0.0/24"))).take(6, "fd00::5", ExitStack())


def test_other_gateway_can_be_named() -> None:
    subnet = Subnet(
        subnet="10.1.0.0/24", gateway="10.1.0.1", auxiliary={"DefaultGatewayIPv4": "10.1.0.9"}
    )
    assert AddressBook(spec(subnet)).take(4, "", ExitStack()).gateway == "10.1.0.9"
