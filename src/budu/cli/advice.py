"""Hints for people who run their first containers; only on a terminal, only on standard error.

They look at the container that was just started and speak only of what they found. Light.
"""

from __future__ import annotations

from budu.base.errors import BuduError, Hint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.context import Context
    from budu.cli.declare import Call

_SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh"))
_HIGHER_PORT = {80: 8080, 443: 8443, 8080: 8080}
_OFFSET = 8000


def advise_after_start(context: Context, call: Call, identity: str, *, detached: bool) -> None:
    """Speak of a port nobody can reach, and of a shell without a terminal."""
    try:
        container = context.session.inspect_container(identity)
    except BuduError:
        return
    if detached and _is_idle_shell(container):
        context.hint(Hint("cli.shell-without-terminal", image=call.args[0]))
        return
    port = 0 if _has_own_command(call) else unpublished_port(container)
    if port:
        host = _HIGHER_PORT.get(port, port if port >= 1024 else _OFFSET + port)
        context.hint(Hint("cli.port-not-published", image=call.args[0], port=port, host=host))


def advise_foreground(context: Context, call: Call, identity: str) -> None:
    """The container still runs after a moment, and the prompt does not come back."""
    context.hint(Hint("cli.foreground"))
    advise_after_start(context, call, identity, detached=False)


def unpublished_port(container: dict[str, Any]) -> int:
    """The lowest TCP port that the image exposes while none is published; 0 when there is none."""
    host_config = container.get("HostConfig") or {}
    mode = host_config.get("NetworkMode", "default")
    published = host_config.get("PortBindings") or host_config.get("PublishAllPorts")
    if published or mode not in ("default", "bridge"):
        return 0
    exposed = (container.get("Config") or {}).get("ExposedPorts") or {}
    ports = [int(port.partition("/")[0]) for port in exposed if port.endswith("/tcp")]
    return min(ports, default=0)


def _has_own_command(call: Call) -> bool:
    """Whether another program runs than the image's, which may listen on nothing."""
    return len(call.args) > 1 or "entrypoint" in call.given


def _is_idle_shell(container: dict[str, Any]) -> bool:
    config = container.get("Config") or {}
    program = str(container.get("Path", "")).rpartition("/")[2]
    alone = not container.get("Args")
    return program in _SHELLS and alone and not config.get("Tty") and not config.get("OpenStdin")
