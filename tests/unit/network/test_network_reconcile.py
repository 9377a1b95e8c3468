"""What an engine repairs when it takes over."""

from __future__ import annotations

import msgspec

from budu.network.contract import EndpointState, PortBinding
from budu.network.reconcile import Facts, plan_repairs


def make_state(link: str, *, port: int = 8080) -> EndpointState:
    return EndpointState(
        endpoint_id="e" * 64,
        container_id="c" * 64,
        name="web",
        address="172.17.0.2",
        prefix_length=16,
        gateway="172.17.0.1",
        mac="02:42:ac:11:00:02",
        host_link=link,
        mtu=1500,
        bindings=(PortBinding(container_port=80, host_port=port),),
    )


def test_link_of_a_live_endpoint_is_left_alone() -> None:
    repairs = plan_repairs(
        [make_state("b-1")], Facts(links=("b-1",), attached=("b-1",)), networks={}
    )
    assert (repairs.remove, repairs.lost) == ((), ())


def test_link_that_fell_off_the_bridge_is_put_back() -> None:
    state = make_state("b-1")
    repairs = plan_repairs([state], Facts(links=("b-1",), attached=()), networks={})
    assert repairs.attach == (state,)


def test_link_that_nobody_owns_is_removed_from_our_bridges_only() -> None:
    facts = Facts(links=("b-1", "b-2", "b-3"), attached=("b-1", "b-2"))
    assert plan_repairs([make_state("b-1")], facts, networks={}).remove == ("b-2",)


def test_bridge_of_a_network_that_is_gone_is_removed() -> None:
    facts = Facts(links=(), attached=(), marked=("bd-1", "bd-2"))
    assert plan_repairs([], facts, networks={"1": "bd-1"}).remove == ("bd-2",)


def test_endpoint_without_its_link_is_lost() -> None:
    state = make_state("b-1")
    repairs = plan_repairs([state], Facts(links=(), attached=()), networks={})
    assert (repairs.lost, repairs.attach) == ((state,), ())


def test_endpoint_without_an_end_on_the_host_is_not_lost() -> None:
    repairs = plan_repairs([make_state("")], Facts(links=(), attached=()), networks={})
    assert (repairs.lost, repairs.attach) == ((), ())


def test_state_survives_json() -> None:
    state = make_state("b-1")
    assert msgspec.json.decode(msgspec.json.encode(state), type=EndpointState) == state
