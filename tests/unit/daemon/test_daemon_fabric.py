"""Settings of networks: from Docker's words to the fabric's."""

import json
import re
from pathlib import Path

import pytest

from budu.base.errors import InvalidArgument
from budu.daemon.fabric import fabric_config, network_defaults
from budu.daemon.settings import read_options
from budu.engine.networks.defaults import NetworkDefaults
from budu.network.contract import DEFAULT_BRIDGE_POOL, NETWORK_POOLS, FabricConfig, Subnet


def config_of(*words: str, file: object = None, folder: Path | None = None) -> FabricConfig:
    if folder is not None:
        path = folder / "daemon.json"
        path.write_text(json.dumps(file))
        words = (*words, "--config-file", str(path))
    return fabric_config(read_options(words), "engine")


def test_defaults() -> None:
    config = config_of()
    assert (config.pools, config.default_pools) == (NETWORK_POOLS, (DEFAULT_BRIDGE_POOL,))
    assert (config.default.link, config.table, config.relay) == ("budu0", "budu", True)
    assert (config.default.subnets, config.default.options, config.reach) == ((), {}, "")


def test_engines_on_one_host_have_names_of_their_own() -> None:
    one, two = (config_of("--data-root", f"/tmp/{name}") for name in "ab")
    assert one.table != two.table
    assert one.default.link != two.default.link


def test_flags() -> None:
    config = config_of(
        "--bip", "10.9.0.9/24", "--fixed-cidr", "10.9.0.128/25", "--ipv6", "--icc=false",
        "--ip-masq=false", "--mtu", "1400", "--ip", "127.0.0.1", "--reach", "me",
        "--userland-proxy=false", "--default-address-pool", "base=10.10.0.0/16,size=24",
    )  # fmt: skip
    assert config.default.subnets == (
        Subnet(subnet="10.9.0.0/24", gateway="10.9.0.9", ip_range="10.9.0.128/25"),
    )
    assert config.default.enable_ipv6
    assert set(config.default.options.values()) == {"false"}
    assert (config.mtu, config.host_address, config.reach) == (1400, "127.0.0.1", "me")
    assert (config.relay, config.pools, config.default_pools) == (
        False, ("10.10.0.0/16:24",), (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "families"),
    [
        ((), (4, 6)),
        (("--iptables=false",), (6,)),
        (("--ip6tables=false",), (4,)),
        (("--iptables=false", "--ip6tables=false"), ()),
    ],
)
def test_families_with_rules(words: tuple[str, ...], families: tuple[int, ...]) -> None:
    assert config_of(*words).families == families


def test_how_the_host_forwards(tmp_path: Path) -> None:
    default, off = config_of(), config_of("--ip-forward=false")
    open_to_all = config_of(file={"ip-forward-no-drop": True}, folder=tmp_path)
    assert (default.make_router, default.guard_forwarding) == (True, True)
    assert (off.make_router, open_to_all.guard_forwarding) == (False, False)


def test_direct_routing_and_the_old_name_of_host_gateways(tmp_path: Path) -> None:
    settings = {"allow-direct-routing": True, "host-gateway-ip": "192.0.2.1"}
    assert config_of(file=settings, folder=tmp_path).direct_routing
    options = read_options(["--config-file", str(tmp_path / "daemon.json")])
    assert network_defaults(options).host_gateways == ("192.0.2.1",)
    assert not config_of().direct_routing


def test_other_gateways(tmp_path: Path) -> None:
    settings = {
        "bip": "10.9.0.9/24", "default-gateway": "10.9.0.1",
        "fixed-cidr-v6": "fd00:9::/64", "default-gateway-v6": "fd00:9::fe",
        "userland-proxy-path": "/usr/bin/docker-proxy",
    }  # fmt: skip
    four, six = config_of(file=settings, folder=tmp_path).default.subnets
    assert four.auxiliary == {"DefaultGatewayIPv4": "10.9.0.1"}
    assert six.auxiliary == {"DefaultGatewayIPv6": "fd00:9::fe"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"iptables": False, "icc": False},
            "You specified --iptables=false with --icc=false. ICC=false uses iptables to function. "
            "Please set --icc or --iptables to true",
        ),
        (
            {"ip6tables": False, "icc": False, "ipv6": True},
            "You specified --ip6tables=false with --icc=false. ICC=false uses ip6tables to "
            "function. Please set --icc or --ip6tables to true",
        ),
        ({"reach": "lan", "iptables": False}, "reach lan needs the firewall rules that"),
        ({"reach": "lan", "ip6tables": False}, "reach lan needs the firewall rules that"),
        ({"default-gateway": "10.9.0.1"}, "10.9.0.1 is not in the bridge's subnet"),
        ({"default-gateway": "10.9.0.1", "bip": "10.8.0.1/24"}, "not in the bridge's subnet"),
        ({"default-gateway": "ten", "bip": "10.8.0.1/24"}, "invalid value of default-gateway: ten"),
    ],
)
def test_settings_that_cannot_be_together(settings: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(words)):
        config_of(file=settings, folder=tmp_path)


def test_isolation_without_ipv6_does_not_need_its_rules(tmp_path: Path) -> None:
    config = config_of(file={"ip6tables": False, "icc": False}, folder=tmp_path)
    assert config.families == (4,)


def test_the_default_bridge_has_both_families_as_asked() -> None:
    config = config_of(
        "--bip", "10.9.0.9/24", "--bip6", "fd00:9::1/64", "--fixed-cidr-v6", "fd00:9::100/120"
    )  # fmt: skip
    assert config.default.subnets == (
        Subnet(subnet="10.9.0.0/24", gateway="10.9.0.9"),
        Subnet(subnet="fd00:9::/64", gateway="fd00:9::1", ip_range="fd00:9::100/120"),
    )


def test_defaults_of_containers_and_networks(tmp_path: Path) -> None:
    mtu = {"bridge": {"com.docker.network.driver.mtu": "1400"}}
    by_flags = network_defaults(
        read_options(
            ["--dns", "192.0.2.53", "--dns", "192.0.2.54", "--dns-search", "test", "--dns-opt",
             "ndots:2", "--host-gateway-ip", "192.0.2.1", "--default-network-opt",
             "bridge=com.docker.network.driver.mtu=1400"]
        )
    )  # fmt: skip
    file = tmp_path / "daemon.json"
    file.write_text(
        json.dumps(
            {
                "dns": ["192.0.2.53", "192.0.2.54"],
                "dns-search": ["test"],
                "dns-opts": ["ndots:2"],
                "host-gateway-ips": ["192.0.2.1"],
                "default-network-opts": mtu,
            }
        )
    )
    assert network_defaults(read_options(["--config-file", str(file)])) == by_flags
    assert by_flags == NetworkDefaults(
        servers=("192.0.2.53", "192.0.2.54"),
        search=("test",),
        options=("ndots:2",),
        host_gateways=("192.0.2.1",),
        driver_options=mtu,
    )


def test_a_file(tmp_path: Path) -> None:
    settings = {
        "reach": "lan",
        "default-address-pools": [{"base": "10.10.0.0/16", "size": 24}],
        "ipv6": True,
    }
    config = config_of(file=settings, folder=tmp_path)
    assert (config.reach, config.pools, config.default.enable_ipv6) == (
        "lan", ("10.10.0.0/16:24",), True,
    )  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {"reach": "moon"},
        {"bip": "ten"},
        {"ip": "ten"},
        {"dns": ["ten"]},
        {"host-gateway-ips": ["ten"]},
        {"bip": "fd00::1/64"},
        {"fixed-cidr-v6": "10.9.0.0/24"},
        {"mtu": 5},
        {"default-address-pools": [{"base": "10.10.0.0/16", "size": 8}]},
        {"default-address-pools": [{"base": "10.10.0.0/33", "size": 24}]},
    ],
)
def test_wrong_settings(settings: object, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        config_of(file=settings, folder=tmp_path)


def test_a_wrong_option_of_networks_on_the_command_line() -> None:
    with pytest.raises(InvalidArgument, match="invalid default network option: bridge=mtu"):
        read_options(["--default-network-opt", "bridge=mtu"])


def test_a_wrong_pool_on_the_command_line() -> None:
    with pytest.raises(InvalidArgument, match="invalid argument for default-address-pool: x"):
        config_of("--default-address-pool", "x")
