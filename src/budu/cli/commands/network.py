"""`budu network create`, `rm`, `connect`, `disconnect`, `audit`. Light."""

from __future__ import annotations

from budu.base.errors import BuduError, InvalidArgument, NotFound
from budu.cli.addresses import normal_ip
from budu.cli.declare import Call, Command, Flag
from budu.cli.networks import read_link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.context import Context


def run_network_create(context: Context, call: Call) -> int:
    """Make a network and print its id."""
    from budu.cli.ipam import ipam_config

    source = call.text("config-from")
    body: dict[str, Any] = {
        "Name": call.args[0],
        "Driver": call.text("driver"),
        "Scope": call.text("scope"),
        "IPAM": {
            "Driver": call.text("ipam-driver"),
            "Options": _pairs(call.texts("ipam-opt")),
            "Config": ipam_config(
                _split(call.texts("subnet")),
                ranges=_split(call.texts("ip-range")),
                gateways=_split(call.texts("gateway")),
                auxiliary=_pairs(call.texts("aux-address")),
            ),
        },
        "Internal": call.on("internal"),
        "Attachable": call.on("attachable"),
        "Ingress": call.on("ingress"),
        "ConfigOnly": call.on("config-only"),
        "ConfigFrom": {"Network": source} if source else None,
        "Options": _pairs(call.texts("opt")),
        "Labels": _pairs(call.texts("label")),
    }
    for flag, field in (("ipv4", "EnableIPv4"), ("ipv6", "EnableIPv6")):
        if flag in call.given:
            body[field] = call.on(flag)
    context.out.write(context.session.create_network(body)["Id"] + "\n")
    return 0


def _pairs(texts: list[str]) -> dict[str, str]:
    """`key=value` each; a key alone has an empty value."""
    pairs = (text.partition("=") for text in texts)
    return {key: value for key, _, value in pairs}


def _split(texts: list[str]) -> list[str]:
    """Values of a flag that may be repeated or have several with commas between them."""
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def run_network_rm(context: Context, call: Call) -> int:
    """Delete networks; with `--force` a missing one is no error."""
    status = 0
    for name in call.args:
        try:
            context.session.remove_network(name)
        except BuduError as error:
            if call.on("force") and isinstance(error, NotFound):
                continue
            context.out.flush()
            context.report(error)
            status = 1
        else:
            context.out.write(name + "\n")
    return status


def run_network_connect(context: Context, call: Call) -> int:
    """Bring a container into a network, at once when it runs."""
    addresses = {
        "IPv4Address": call.text("ip"),
        "IPv6Address": call.text("ip6"),
        "LinkLocalIPs": call.texts("link-local-ip"),
    }
    settings = {
        "IPAMConfig": {name: value for name, value in addresses.items() if value},
        "Links": call.texts("link") or None,
        "Aliases": call.texts("alias") or None,
        "DriverOpts": _driver_options(call.texts("driver-opt")),
        "GwPriority": call.number("gw-priority"),
    }
    context.session.connect_network(call.args[0], call.args[1], settings)
    return 0


def _driver_options(texts: list[str]) -> dict[str, str] | None:
    for text in texts:
        if not text.partition("=")[1] or not text.partition("=")[0]:
            raise InvalidArgument(f"invalid key/value pair format in driver options: {text}")
    return _pairs(texts) or None


def run_network_disconnect(context: Context, call: Call) -> int:
    """Take a container out of a network."""
    context.session.disconnect_network(*call.args, force=call.on("force"))
    return 0


def run_network_audit(context: Context, call: Call) -> int:
    """List the ports that others than this host can reach; with `--all` every one."""
    ports = context.session.list_ports()
    if not call.on("all"):
        ports = [port for port in ports if port["Reach"] != "me"]
    from budu.cli.tables.ports import print_ports

    print_ports(ports, call.values, context.out)
    return 0


def _read_address(text: str) -> str:
    address = normal_ip(text.strip())
    if address is None:
        raise InvalidArgument(f"invalid string being parsed as an IP address: {text}")
    return address


NETWORK_CREATE = Command(
    run_network_create,
    usage="[OPTIONS] NETWORK",
    help=("Make a network", "네트워크를 만듭니다"),
    flags=(
        Flag("attachable", help=("Let containers be attached by hand",
                                 "컨테이너를 직접 연결할 수 있게 합니다")),
        Flag("aux-address", "list", help=("Addresses that are never given out (name=address)",
                                          "나눠 주지 않을 주소 (이름=주소)")),
        Flag("config-from", "string", help=("Take the configuration of this network",
                                            "이 네트워크의 설정을 가져옵니다")),
        Flag("config-only", help=("Make a configuration only", "설정만 만듭니다")),
        Flag("driver", "string", short="d", default="bridge",
             help=("Driver: bridge, macvlan, ipvlan", "드라이버: bridge, macvlan, ipvlan")),
        Flag("gateway", "list", help=("Gateway of a subnet", "서브넷의 게이트웨이")),
        Flag("ingress", help=("Make a swarm's routing mesh", "스웜의 라우팅 메시를 만듭니다")),
        Flag("internal", help=("Without a way to the outside", "바깥으로 나가는 길을 막습니다")),
        Flag("ip-range", "list", help=("Give out addresses of this part only",
                                       "이 범위의 주소만 나눠 줍니다")),
        Flag("ipam-driver", "string", default="default",
             help=("Driver that manages addresses", "주소 관리 드라이버")),
        Flag("ipam-opt", "list", help=("Option of the address driver", "주소 드라이버 옵션")),
        Flag("ipv4", default=True, help=("Give out IPv4 addresses", "IPv4 주소를 나눠 줍니다")),
        Flag("ipv6", help=("Give out IPv6 addresses", "IPv6 주소를 나눠 줍니다")),
        Flag("label", "list", help=("Label of the network", "네트워크의 라벨")),
        Flag("opt", "list", short="o", help=("Option of the driver", "드라이버 옵션")),
        Flag("scope", "string", help=("Scope of the network", "네트워크의 범위")),
        Flag("subnet", "list", help=("Subnet, such as 10.9.0.0/24", "서브넷, 예: 10.9.0.0/24")),
    ),
    least=1,
    most=1,
    examples=(
        "network create backend",
        "network create --subnet 10.9.0.0/24 --gateway 10.9.0.254 backend",
        "network create --ipv6 --internal database",
    ),
)  # fmt: skip
NETWORK_RM = Command(
    run_network_rm,
    usage="NETWORK [NETWORK...]",
    help=("Remove one or more networks", "네트워크를 지웁니다"),
    flags=(Flag("force", short="f", help=("Do not mind networks that are not there",
                                          "없는 네트워크는 무시합니다")),),
    least=1,
)  # fmt: skip
NETWORK_CONNECT = Command(
    run_network_connect,
    usage="[OPTIONS] NETWORK CONTAINER",
    help=("Bring a container into a network", "컨테이너를 네트워크에 연결합니다"),
    flags=(
        Flag("alias", "list", help=("Another name of the container there",
                                    "그 네트워크에서 쓸 다른 이름")),
        Flag("driver-opt", "list", help=("Option of the driver for this place",
                                         "이 연결의 드라이버 옵션")),
        Flag("gw-priority", "int", help=("The highest one is the way out",
                                         "가장 높은 것이 바깥으로 나가는 길이 됩니다")),
        Flag("ip", "string", read=_read_address, help=("IPv4 address (e.g., 172.30.100.104)",
                                                       "IPv4 주소 (예: 172.30.100.104)")),
        Flag("ip6", "string", read=_read_address, help=("IPv6 address (e.g., 2001:db8::33)",
                                                        "IPv6 주소 (예: 2001:db8::33)")),
        Flag("link", "list", read=read_link, help=("Call another container so there",
                                                   "그곳의 다른 컨테이너를 이 이름으로 부릅니다")),
        Flag("link-local-ip", "list", help=("Link-local address", "링크 로컬 주소")),
    ),
    least=2,
    most=2,
    examples=("network connect --alias db backend postgres",),
)  # fmt: skip
NETWORK_DISCONNECT = Command(
    run_network_disconnect,
    usage="[OPTIONS] NETWORK CONTAINER",
    help=("Take a container out of a network", "컨테이너를 네트워크에서 뺍니다"),
    flags=(Flag("force", short="f", help=("Also out of a network that is gone",
                                          "없어진 네트워크에서도 뺍니다")),),
    least=2,
    most=2,
)  # fmt: skip
NETWORK_AUDIT = Command(
    run_network_audit,
    usage="[OPTIONS]",
    help=("List the ports that others can reach", "밖에서 닿을 수 있는 포트를 봅니다"),
    flags=(
        Flag("all", short="a", help=("Also those that only this host reaches",
                                     "이 호스트만 닿는 포트도 보입니다")),
        Flag("format", "string", help=("table, json, or a Go template",
                                       "table, json 또는 Go 템플릿")),
        Flag("no-trunc", help=("Do not shorten", "줄이지 않습니다")),
    ),
    most=0,
)  # fmt: skip
