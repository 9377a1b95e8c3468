"""A connection to an engine through ssh: the far side's `system dial-stdio` is spoken to. Light.

The ssh program of this machine does the rest (keys, known hosts, its config), as docker has it.
On the far side budu answers, or docker where there is no budu.
Source: docker/cli, cli/connhelper.
"""

from __future__ import annotations

import _socket
import posix

from budu.base.environment import environment
from budu.base.errors import Hint, NotFound
from budu.base.resident import needs_own_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.client.endpoint import Endpoint

_CONNECT_S = 30


def open_ssh(endpoint: Endpoint) -> _socket.socket:
    """A socket whose other end is the far engine.

    Raises: NotFound without an ssh program. What ssh itself has to say goes to standard error.
    """
    needs_own_process()
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    dup = [(posix.POSIX_SPAWN_DUP2, theirs.fileno(), fd) for fd in (0, 1)]
    try:
        posix.posix_spawn(_program("ssh"), ssh_command(endpoint), environment(), file_actions=dup)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    return ours


def ssh_command(endpoint: Endpoint) -> list[str]:
    """The words of the ssh command line."""
    words = ["ssh", "-o", f"ConnectTimeout={_CONNECT_S}", "-T"]
    if endpoint.port:
        words += ["-p", str(endpoint.port)]
    return [*words, "--", endpoint.host, remote_command(endpoint.ssh_socket)]


def remote_command(socket: str) -> str:
    """What the far side's shell runs: budu, else docker; with the socket when it is named."""
    host = f" --host unix://{_quoted(socket)}" if socket.strip("/") else ""
    return (
        f"if command -v budu >/dev/null 2>&1; then exec budu{host} system dial-stdio; "
        f"else exec docker{host} system dial-stdio; fi"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _program(name: str) -> str:
    """The program on PATH."""
    for folder in environment().get("PATH", "/usr/bin:/bin").split(":"):
        path = f"{folder or '.'}/{name}"
        if posix.access(path, 1):
            return path
    raise NotFound(
        f'exec: "{name}": executable file not found in $PATH', hint=Hint("client.no-ssh")
    )
