"""The drivers' options."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.network.contract import NetworkSpec
from budu.network.options import bridge_options, iface_prefix, parent_options

PREFIX = "com.docker.network."


def spec(driver: str = "bridge", *, internal: bool = False, **options: str) -> NetworkSpec:
    return NetworkSpec(id="a" * 64, name="n", driver=driver, internal=internal, options=options)


def test_bridge_defaults_are_dockers() -> None:
    options = bridge_options(spec())
    assert (options.icc, options.masquerade, options.mode4, options.mode6) == (
        True,
        True,
        "nat",
        "nat",
    )
    assert iface_prefix(spec()) == "eth"


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        (
            "bridge.enable_icc",
            "maybe",
            "failed to parse com.docker.network.bridge.enable_icc value: maybe (strconv.ParseBool: "
            'parsing "maybe": invalid syntax)',
        ),
        (
            "bridge.gateway_mode_ipv4",
            "fast",
            "failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: fast "
            "(unknown gateway mode fast)",
        ),
        (
            "bridge.host_binding_ipv4",
            "here",
            "failed to parse com.docker.network.bridge.host_binding_ipv4 value: here (nil ip)",
        ),
        ("bridge.name", "a/b", "invalid interface name: a/b"),
        ("bridge.name", "x" * 16, f"invalid interface name: {'x' * 16}"),
        ("driver.mtu", "-1", "invalid MTU number: -1"),
        (
            "driver.mtu",
            "big",
            "failed to parse com.docker.network.driver.mtu value: big "
            '(strconv.Atoi: parsing "big": invalid syntax)',
        ),
    ],
)
def test_unreadable_option_is_named(key: str, value: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        bridge_options(spec(**{PREFIX + key: value}))
    assert caught.value.message == sentence


def test_isolated_mode_is_for_internal_networks() -> None:
    key = f"{PREFIX}bridge.gateway_mode_ipv6"
    assert bridge_options(spec(internal=True, **{key: "isolated"})).mode6 == "isolated"
    with pytest.raises(InvalidArgument, match="only be used for an internal network"):
        bridge_options(spec(**{key: "isolated"}))


def test_unknown_options_are_ignored() -> None:
    assert bridge_options(spec(colour="red")) == bridge_options(spec())


def test_parents_have_modes() -> None:
    assert parent_options(spec("macvlan")).mode == "bridge"
    ipvlan = parent_options(spec("ipvlan", parent="eth0", ipvlan_mode="l3s", ipvlan_flag="vepa"))
    assert (ipvlan.parent, ipvlan.mode, ipvlan.flag) == ("eth0", "l3s", "vepa")


@pytest.mark.parametrize(
    ("driver", "options", "sentence"),
    [
        ("macvlan", {"macvlan_mode": "l2"}, "requested macvlan mode 'l2' is not valid"),
        ("ipvlan", {"ipvlan_mode": "l4"}, "requested ipvlan mode 'l4' is not valid"),
        ("ipvlan", {"ipvlan_flag": "x"}, "requested ipvlan flag 'x' is not valid"),
        ("ipvlan", {"parent": "lo"}, "loopback interface is not a valid ipvlan parent link"),
    ],
)
def test_wrong_parent_option_is_refused(
    driver: str, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        parent_options(spec(driver, **options))
