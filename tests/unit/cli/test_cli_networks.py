"""`network create` and its relatives, `port add` and `rm`, `network audit`: words in, calls out."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from budu.base.errors import InvalidArgument
from budu.cli.ipam import ipam_config
from budu.cli.main import find_command, main
from budu.cli.ports import close_words, parse_publish
from budu.cli.tables.containers import print_containers
from budu.cli.tables.ports import print_ports
from budu.client.session import Session


class Calls(list[tuple[str, str, Any]]):
    """What a command asked of the engine."""

    answer: Any = None


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """The engine's end of the line: what comes is kept, nothing is sent."""
    kept = Calls()

    def fetch(
        self: Session,
        path: str,
        *,
        method: str = "GET",
        query: Any = None,
        body: Any = None,
        headers: Any = None,
    ) -> Any:
        kept.append((method, path, body))
        return kept.answer

    def do(
        self: Session, path: str, *, method: str = "POST", query: Any = None, body: Any = None
    ) -> bool:
        kept.append((method, path, body))
        return True

    monkeypatch.setattr(Session, "fetch", fetch)
    monkeypatch.setattr(Session, "do", do)
    yield kept


def budu(*words: str) -> int:
    return main(list(words), {"BUDU_HOST": "unix:///no/such.sock"})


# network create


def test_a_plain_creation_is_dockers(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    calls.answer = {"Id": "c0ffee"}
    assert budu("network", "create", "backend") == 0
    assert capsys.readouterr().out == "c0ffee\n"
    [(method, path, body)] = calls
    assert (method, path) == ("POST", "/networks/create")
    assert body == {
        "Name": "backend",
        "Driver": "bridge",
        "Scope": "",
        "IPAM": {"Driver": "default", "Options": {}, "Config": []},
        "Internal": False,
        "Attachable": False,
        "Ingress": False,
        "ConfigOnly": False,
        "ConfigFrom": None,
        "Options": {},
        "Labels": {},
    }


def test_a_creation_with_everything(calls: Calls) -> None:
    calls.answer = {"Id": "c0ffee"}
    words = (
        "--attachable --internal --ingress --config-only --config-from plan -d macvlan "
        "--scope local -o parent=eth0 --label a=b --ipam-driver odd --ipam-opt c=d "
        "--ipv4=false --ipv6 --subnet 10.9.0.0/24,fd00:9::/64 --gateway 10.9.0.1 "
        "--gateway fd00:9::1 --ip-range 10.9.0.128/25 --aux-address router=10.9.0.5 n"
    )
    assert budu("network", "create", *words.split()) == 0
    [(_, _, body)] = calls
    assert body["IPAM"] == {
        "Driver": "odd",
        "Options": {"c": "d"},
        "Config": [
            {
                "Subnet": "10.9.0.0/24",
                "IPRange": "10.9.0.128/25",
                "Gateway": "10.9.0.1",
                "AuxiliaryAddresses": {"router": "10.9.0.5"},
            },
            {"Subnet": "fd00:9::/64", "Gateway": "fd00:9::1"},
        ],
    }
    assert (body["EnableIPv4"], body["EnableIPv6"], body["ConfigFrom"]) == (
        False, True, {"Network": "plan"},
    )  # fmt: skip
    assert all(body[name] for name in ("Internal", "Attachable", "Ingress", "ConfigOnly"))


def pools(subnets: list[str], **given: Any) -> Any:
    wishes = {"ranges": [], "gateways": [], "auxiliary": {}, **given}
    return ipam_config(subnets, **wishes)


@pytest.mark.parametrize(
    ("subnets", "given", "words"),
    [
        ([], {"gateways": ["10.9.0.1"]},
         "every ip-range or gateway must have a corresponding subnet"),
        (["10.9.0.0/33"], {}, "invalid subnet: invalid CIDR address: 10.9.0.0/33"),
        (["10.9.0.0/16", "10.9.1.0/24"], {},
         "multiple overlapping subnet configuration is not supported"),
        (["10.9.0.0/24"], {"gateways": ["10.8.0.1"]}, "no matching subnet for gateway 10.8.0.1"),
        (["10.9.0.0/24"], {"ranges": ["10.8.0.0/25"]}, "no matching subnet for range 10.8.0.0/25"),
        (["10.9.0.0/24"], {"auxiliary": {"a": "10.8.0.1"}},
         "no matching subnet for aux-address 10.8.0.1"),
        (["10.9.0.0/24", "10.8.0.0/24"], {"gateways": ["10.9.0.1", "10.9.0.2"]},
         "cannot configure multiple gateways (10.9.0.2, 10.9.0.1) for the same subnet "
         "(10.9.0.0/24)"),
        (["10.9.0.0/24", "10.8.0.0/24"], {"ranges": ["10.9.0.0/25", "10.9.0.128/25"]},
         "cannot configure multiple ranges (10.9.0.128/25, 10.9.0.0/25) on the same subnet "
         "(10.9.0.0/24)"),
    ],
)  # fmt: skip
def test_pools_that_do_not_fit(subnets: list[str], given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        pools(subnets, **given)
    assert refusal.value.message == words


# The others


def test_connect_and_disconnect(calls: Calls) -> None:
    words = (
        "--alias a --alias b --ip 10.9.0.7 --ip6 fd00::7 --link db:store "
        "--link-local-ip 169.254.1.1 --driver-opt k=v --gw-priority 3 net web"
    )
    assert budu("network", "connect", *words.split()) == 0
    assert budu("network", "disconnect", "-f", "net", "web") == 0
    assert calls == [
        (
            "POST",
            "/networks/net/connect",
            {
                "Container": "web",
                "EndpointConfig": {
                    "IPAMConfig": {
                        "IPv4Address": "10.9.0.7",
                        "IPv6Address": "fd00::7",
                        "LinkLocalIPs": ["169.254.1.1"],
                    },
                    "Links": ["db:store"],
                    "Aliases": ["a", "b"],
                    "DriverOpts": {"k": "v"},
                    "GwPriority": 3,
                },
            },
        ),
        ("POST", "/networks/net/disconnect", {"Container": "web", "Force": True}),
    ]


def test_rm_says_what_went(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert budu("network", "rm", "one", "two") == 0
    assert capsys.readouterr().out == "one\ntwo\n"
    assert [path for _, path, _ in calls] == ["/networks/one", "/networks/two"]


def test_ports_are_added_and_taken_away(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    ports = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}
    calls.answer = {"NetworkSettings": {"Ports": ports}}
    assert budu("port", "add", "web", "me:8080:80") == 0
    assert capsys.readouterr().out == "80/tcp -> 127.0.0.1:8080\n"
    assert budu("port", "rm", "web", "8080:80", "53/udp") == 0
    assert [(path, body) for method, path, body in calls if method == "POST"] == [
        (
            "/budu/containers/web/ports/open",
            {"PortBindings": {"80/tcp": [{"HostIp": "me", "HostPort": "8080"}]}},
        ),
        (
            "/budu/containers/web/ports/close",
            {"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "53/udp": []}},
        ),
    ]


def test_a_container_may_be_called_add() -> None:
    assert find_command(["port", "add"])[2] == 1
    assert find_command(["port", "add", "80"])[2] == 1
    assert find_command(["port", "add", "web", "80"])[1:] == ("budu port add", 2)
    assert find_command(["port", "rm", "--help"])[1:] == ("budu port rm", 2)


def test_reach_words_stand_in_an_addresss_place() -> None:
    assert parse_publish("lan:8080:80") == [("80/tcp", {"HostIp": "lan", "HostPort": "8080"})]
    assert close_words("80") == [("80/tcp", None)]
    with pytest.raises(InvalidArgument, match="invalid IP address: all"):
        parse_publish("all:8080:80")


# Tables


def a_port(reach: str, port: int, **fields: Any) -> dict[str, Any]:
    return {
        "Reach": reach, "HostIP": "0.0.0.0", "HostPort": port, "Protocol": "tcp",
        "Container": "web", "ContainerID": "ab" * 32, "ContainerPort": 80,
        "Address": "10.9.0.2", "Relayed": False, **fields,
    }  # fmt: skip


def test_an_audit_shows_the_widest_first() -> None:
    out = io.StringIO()
    rows = [a_port("me", 1), a_port("world", 9, HostIP="::"), a_port("lan", 5)]
    print_ports(rows, {}, out)
    assert [line.split()[:2] for line in out.getvalue().splitlines()] == [
        ["REACH", "ADDRESS"], ["world", "[::]:9/tcp"], ["lan", "0.0.0.0:5/tcp"],
        ["me", "0.0.0.0:1/tcp"],
    ]  # fmt: skip


def test_a_routed_port_is_shown_at_the_containers_address() -> None:
    out = io.StringIO()
    print_ports([a_port("world", 0, HostIP="")], {"format": "{{.Address}}"}, out)
    assert out.getvalue() == "10.9.0.2:80/tcp\n"


def test_an_audit_leaves_out_what_only_this_host_reaches(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    calls.answer = [a_port("me", 1), a_port("world", 9)]
    assert budu("network", "audit", "--format", "{{.Reach}}") == 0
    assert capsys.readouterr().out == "world\n"
    assert budu("network", "audit", "-a", "--format", "{{.Reach}}") == 0
    assert capsys.readouterr().out == "world\nme\n"


def test_ps_has_a_column_for_reach_where_ports_are_published() -> None:
    row = json.loads(json.dumps({
        "Id": "ab" * 32, "Names": ["/web"], "Image": "busybox", "Command": "sh", "Created": 1,
        "State": "running", "Status": "Up", "Ports": [
            {"IP": "127.0.0.1", "PrivatePort": 80, "PublicPort": 80, "Type": "tcp", "Reach": "me"},
            {"IP": "0.0.0.0", "PrivatePort": 81, "PublicPort": 81, "Type": "tcp", "Reach": "lan"},
        ],
    }))  # fmt: skip
    out = io.StringIO()
    print_containers([row], {}, out)
    head, line = out.getvalue().splitlines()
    assert head.split()[-2:] == ["REACH", "NAMES"]
    assert line.split()[-2:] == ["lan", "web"]
    out = io.StringIO()
    print_containers([row], {"format": "{{.Reach}}"}, out)
    assert out.getvalue() == "lan\n"


def test_the_doctor_names_the_first_that_fails(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [
        {"Name": name, "Outcome": outcome, "Finding": f"{name} is {outcome}."}
        for name, outcome in (("name", "ok"), ("route", "failed"), ("nat", "failed"))
    ]
    calls.answer = {"Container": "web", "Steps": steps, "Problems": None}
    assert budu("doctor", "network", "web") == 1
    assert capsys.readouterr().out == (
        "From inside web:\n  ✓ name   name is ok.\n  ✗ route  route is failed.\n"
        "  ✗ nat    nat is failed.\nThe first that fails: route.\n"
    )
    calls.answer = {"Container": "", "Steps": [], "Problems": None}
    assert budu("doctor", "network") == 0
