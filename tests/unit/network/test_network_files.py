"""/etc/hosts, /etc/hostname and /etc/resolv.conf."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.network.files import (
    ResolverMode,
    host_mode_hosts_file,
    hostname_file,
    hosts_file,
    is_stub_only,
    resolv_conf,
    split_extra_host,
)


def settings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_hosts_file_ends_with_the_container() -> None:
    lines = hosts_file("web", addresses=["172.17.0.2"]).splitlines()
    assert lines[0] == "127.0.0.1\tlocalhost"
    assert lines[1] == "::1\tlocalhost ip6-localhost ip6-loopback"
    assert lines[-1] == "172.17.0.2\tweb"


def test_hosts_file_has_the_full_name_first() -> None:
    text = hosts_file("web", addresses=["172.17.0.2"], domain="example.org")
    assert text.endswith("172.17.0.2\tweb.example.org web\n")


def test_extra_hosts_stand_before_the_container() -> None:
    text = hosts_file(
        "web",
        addresses=["172.17.0.2"],
        extra_hosts=["db:10.0.0.9", "host.docker.internal:host-gateway", "six:[2001:db8::1]"],
        host_gateways=["172.17.0.1"],
    )
    assert text.splitlines()[-4:] == [
        "10.0.0.9\tdb",
        "172.17.0.1\thost.docker.internal",
        "2001:db8::1\tsix",
        "172.17.0.2\tweb",
    ]


def test_the_host_may_have_several_addresses() -> None:
    both = ["192.0.2.1", "2001:db8::1"]
    text = hosts_file("web", addresses=[], extra_hosts=["h:host-gateway"], host_gateways=both)
    assert text.splitlines()[-2:] == ["192.0.2.1\th", "2001:db8::1\th"]


def test_hosts_file_of_mode_none_has_no_own_address() -> None:
    assert "web" not in hosts_file("web", addresses=[])


def test_hosts_file_of_mode_host_is_the_hosts_with_extras() -> None:
    text = host_mode_hosts_file("127.0.0.1 localhost", extra_hosts=["db=10.0.0.9"])
    assert text == "127.0.0.1 localhost\n10.0.0.9\tdb\n"


def test_hostname_file_is_one_line() -> None:
    assert hostname_file("web") == "web\n"


@pytest.mark.parametrize("entry", ["db", "db:", ":10.0.0.1"])
def test_malformed_extra_host_is_refused(entry: str) -> None:
    with pytest.raises(InvalidArgument, match=f'bad format for add-host: "{entry}"'):
        split_extra_host(entry)


def test_extra_host_with_a_wrong_address_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="invalid IP address in add-host"):
        split_extra_host("db:10.0.0.256")


def test_extra_host_keeps_an_ipv6_address_whole() -> None:
    assert split_extra_host("db:2001:db8::1") == ("db", "2001:db8::1")


def test_host_gateway_without_a_gateway_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="host-gateway"):
        hosts_file("web", addresses=[], extra_hosts=["h:host-gateway"])


def test_host_resolver_is_inherited() -> None:
    text = resolv_conf("nameserver 192.0.2.53\nsearch lan office\noptions ndots:2 rotate\n")
    assert settings(text) == [
        "nameserver 192.0.2.53",
        "search lan office",
        "options ndots:2 rotate",
    ]


def test_loopback_and_ipv6_servers_are_left_out() -> None:
    text = resolv_conf("nameserver 127.0.0.53\nnameserver fe80::1%eth0\nnameserver 192.0.2.53\n")
    assert settings(text) == ["nameserver 192.0.2.53"]


@pytest.mark.parametrize("host", ["", "nameserver 127.0.0.1\n", "nameserver ::1\n"])
def test_public_servers_stand_in_when_none_is_left(host: str) -> None:
    assert settings(resolv_conf(host)) == ["nameserver 8.8.8.8", "nameserver 8.8.4.4"]


def test_the_users_settings_replace_the_hosts() -> None:
    text = resolv_conf(
        "nameserver 192.0.2.53\nsearch lan\noptions rotate\n",
        servers=["127.0.0.1", "2001:db8::53"],
        search=["example.org"],
        options=["ndots:3"],
    )
    assert settings(text) == [
        "nameserver 127.0.0.1",
        "nameserver 2001:db8::53",
        "search example.org",
        "options ndots:3",
    ]
    assert text.endswith("# Overrides: [nameservers search options]\n")


def test_search_of_a_dot_means_none() -> None:
    assert settings(resolv_conf("nameserver 192.0.2.53\nsearch lan\n", search=["."])) == [
        "nameserver 192.0.2.53"
    ]


def test_with_names_the_resolver_of_the_sandbox_is_asked() -> None:
    text = resolv_conf(
        "nameserver 127.0.0.53\nsearch lan\noptions edns0\n",
        servers=["10.0.0.1"],
        mode=ResolverMode.NAMES,
    )
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == ["nameserver 127.0.0.11", "search lan", "options edns0 ndots:0"]
    assert "(internal resolver)" in text
    assert "Overrides: [nameservers]" in text


def test_options_for_dots_are_kept() -> None:
    text = resolv_conf("", options=["ndots:5"], mode=ResolverMode.NAMES)
    assert "options ndots:5\n" in text


def test_host_mode_keeps_loopback_servers() -> None:
    text = resolv_conf("nameserver 127.0.0.53 # stub\n", mode=ResolverMode.HOST)
    assert settings(text) == ["nameserver 127.0.0.53"]


def test_last_search_line_counts() -> None:
    text = resolv_conf("nameserver 192.0.2.53\ndomain a\nsearch b c\n")
    assert settings(text)[1:] == ["search b c"]


def test_stub_of_systemd_is_recognised() -> None:
    assert is_stub_only("# x\nnameserver 127.0.0.53\noptions edns0\n")
    assert not is_stub_only("nameserver 127.0.0.53\nnameserver 192.0.2.53\n")
