"""`budu port`. Light."""

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
)
