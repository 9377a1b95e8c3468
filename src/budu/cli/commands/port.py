"""`budu port`, `port add`, `port rm`. Light."""

from __future__ import annotations

from budu.cli.declare import Call, Command
from budu.cli.failures import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.cli.context import Context

    Ports = dict[str, list[dict[str, str]] | None]


def run_port(context: Context, call: Call) -> int:
    """Print published ports: all, or those of one port of the container."""
    container = context.session.inspect_container(call.args[0])
    ports: Ports = (container.get("NetworkSettings") or {}).get("Ports") or {}
    if len(call.args) == 1:
        context.out.write("".join(f"{line}\n" for line in all_lines(ports)))
        return 0
    number, _, protocol = call.args[1].partition("/")
    wanted = f"{number}/{protocol or 'tcp'}"
    bindings = ports.get(wanted)
    if not number.isdecimal() or not bindings:
        raise CommandFailed(f"no public port '{call.args[1]}' published for {call.args[0]}")
    context.out.write("".join(f"{address(binding)}\n" for binding in bindings))
    return 0


def run_port_add(context: Context, call: Call) -> int:
    """Publish more ports of a container, at once when it runs, and say where they are."""
    from budu.cli.ports import parse_publish

    name, *words = call.args
    ports: dict[str, list[dict[str, str]]] = {}
    for word in words:
        for port, binding in parse_publish(word):
            ports.setdefault(port, []).append(binding)
    context.session.open_ports(name, ports)
    _print_added(context, name, ports)
    return 0


def run_port_rm(context: Context, call: Call) -> int:
    """Close ports of a container: `8080:80` one of them, `80` all that lead there."""
    from budu.cli.ports import close_words

    name, *words = call.args
    ports: dict[str, list[dict[str, str]]] = {}
    for word in words:
        for port, binding in close_words(word):
            ports.setdefault(port, []).extend([binding] if binding else [])
    context.session.close_ports(name, ports)
    return 0


def _print_added(context: Context, name: str, ports: dict[str, list[dict[str, str]]]) -> None:
    """Where the new ports are, because the engine may have chosen."""
    container = context.session.inspect_container(name)
    known: Ports = (container.get("NetworkSettings") or {}).get("Ports") or {}
    found: Ports = {port: known[port] for port in ports if known.get(port)}
    context.out.write("".join(f"{line}\n" for line in all_lines(found)))


def all_lines(ports: Ports) -> list[str]:
    """`80/tcp -> 0.0.0.0:8080`, by port."""

    def order(port: str) -> tuple[int, str]:
        number, _, protocol = port.partition("/")
        return (int(number), protocol)

    return [
        f"{port} -> {address(binding)}"
        for port in sorted(ports, key=order)
        for binding in ports[port] or []
    ]


def address(binding: dict[str, str]) -> str:
    """`0.0.0.0:8080`, `[::]:8080`."""
    host = binding.get("HostIp", "")
    return f"[{host}]:{binding['HostPort']}" if ":" in host else f"{host}:{binding['HostPort']}"


PORT = Command(
    run_port,
    usage="CONTAINER [PRIVATE_PORT[/PROTO]]",
    help=("Show the published ports of a container", "컨테이너가 공개한 포트를 봅니다"),
    least=1,
    most=2,
    examples=("port web", "port add web 8080:80", "port rm web 8080:80"),
)
PORT_ADD = Command(
    run_port_add,
    usage="CONTAINER PORT [PORT...]",
    help=("Publish more ports of a container", "컨테이너의 포트를 더 공개합니다"),
    least=2,
    examples=("port add web 8080:80", "port add web me:8443:443 53:53/udp"),
)
PORT_RM = Command(
    run_port_rm,
    usage="CONTAINER PORT [PORT...]",
    help=("Close published ports of a container", "컨테이너가 공개한 포트를 닫습니다"),
    least=2,
    examples=("port rm web 8080:80", "port rm web 80"),
)
