"""Which engine to talk to: flags, environment, contexts, or the default socket. Light.

Order: `--host`, `--context`, BUDU_HOST, DOCKER_HOST, DOCKER_CONTEXT, `currentContext` of
config.json, the default socket. Docker's context store is read as it is on disk.
Source: docker/cli, `cli/command/cli.go` (resolveContextName) and `opts/hosts.go`.
"""

from __future__ import annotations

import posix

from budu.base.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_CONTEXT = "default"
PORT = 2375
TLS_PORT = 2376


class TlsFiles:
    """Where the certificates of a TLS endpoint are; an empty path means none is used."""

    __slots__ = ("ca", "cert", "key", "verify")

    def __init__(self, ca: str, cert: str, key: str, *, verify: bool) -> None:
        self.ca = ca
        self.cert = cert
        self.key = key
        self.verify = verify


class Endpoint:
    """An engine's address. `source` tells a person who chose it; empty for the default."""

    __slots__ = ("address", "host", "path", "port", "source", "ssh_socket", "tls")

    def __init__(
        self,
        address: str,
        source: str = "",
        *,
        path: str = "",
        host: str = "",
        port: int = 0,
        tls: TlsFiles | None = None,
        ssh_socket: str = "",
    ) -> None:
        self.address = address
        self.source = source
        self.path = path
        self.host = host
        self.port = port
        self.tls = tls
        self.ssh_socket = ssh_socket
        """The socket on the far side of `ssh://`; empty or `/` for its default."""

    @property
    def is_ssh(self) -> bool:
        """Whether a program on the far side is spoken to through ssh."""
        return self.address.startswith("ssh://")

    @property
    def is_unix(self) -> bool:
        """Whether it is a unix socket (of this machine)."""
        return bool(self.path)

    @property
    def is_default(self) -> bool:
        """Whether nobody asked for another: then a missing engine may be started."""
        return not self.source


class Choice:
    """What the command line and the environment say about the engine to use."""

    __slots__ = ("config_folder", "context", "current_context", "environ", "host", "tls")

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        config_folder: str,
        host: str = "",
        context: str = "",
        current_context: str = "",
        tls: TlsFiles | None = None,
    ) -> None:
        self.environ = environ
        self.config_folder = config_folder
        self.host = host
        self.context = context
        self.current_context = current_context
        self.tls = tls


def default_socket(environ: Mapping[str, str], uid: int | None = None) -> str:
    """The socket of the system's engine for root, of one's own engine for anyone else."""
    user = posix.getuid() if uid is None else uid
    if user == 0:
        return "/run/budu/budu.sock"
    runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{user}"
    return f"{runtime}/budu/budu.sock"


def choose_endpoint(choice: Choice) -> Endpoint:
    """The endpoint that the rules of this module select.

    Raises: InvalidArgument for an address that cannot be read; NotFound for a missing context.
    """
    environ = choice.environ
    if choice.host and choice.context:
        raise InvalidArgument("conflicting options: cannot specify both --host and --context")
    if choice.host:
        return parse_host(choice.host, "--host", tls=_tls(choice))
    if choice.context:
        return _from_context(choice, choice.context, "--context")
    for name in ("BUDU_HOST", "DOCKER_HOST"):
        if environ.get(name):
            return parse_host(environ[name], name, tls=_tls(choice))
    for context, source in (
        (environ.get("DOCKER_CONTEXT", ""), "DOCKER_CONTEXT"),
        (choice.current_context, f"currentContext ({choice.config_folder}/config.json)"),
    ):
        if context and context != DEFAULT_CONTEXT:
            return _from_context(choice, context, source)
    return default_endpoint(environ)


def default_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """The endpoint when nothing was chosen."""
    path = default_socket(environ)
    return Endpoint(f"unix://{path}", path=path)


def parse_host(text: str, source: str, *, tls: TlsFiles | None = None) -> Endpoint:
    """Read `unix:///path`, `tcp://host:port`, `host:port`, `:port`, `ssh://[user@]host[:port][/path]`.

    Raises: InvalidArgument.
    """
    text = text.strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "tcp", text
    if scheme == "unix":
        path = rest or "/var/run/docker.sock"
        return Endpoint(f"unix://{path}", source, path=path)
    if scheme == "ssh":
        return _parse_ssh(text, rest, source)
    if scheme not in ("tcp", "http", "https"):
        raise InvalidArgument(f"invalid bind address format: {text}")
    host, port = _split_port(rest.rstrip("/"), text, TLS_PORT if tls else PORT)
    shown = f"[{host}]" if ":" in host else host
    return Endpoint(f"tcp://{shown}:{port}", source, host=host, port=port, tls=tls)


def _parse_ssh(text: str, rest: str, source: str) -> Endpoint:
    """Source: docker/cli, cli/connhelper/ssh (ParseURL)."""
    destination, slash, path = rest.partition("/")
    user, at, place = destination.rpartition("@")
    if not place or ":" in user:
        raise InvalidArgument(f"invalid ssh URL: {text}")
    host, port = _split_port(place, text, 0)
    return Endpoint(text, source, host=f"{user}{at}{host}", port=port, ssh_socket=slash + path)


def _split_port(text: str, whole: str, default: int) -> tuple[str, int]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        digits = rest.removeprefix(":")
    else:
        host, _, digits = text.partition(":")
    if digits and (not digits.isdecimal() or not 0 < int(digits) < 65536):
        raise InvalidArgument(f"invalid bind address format: {whole}")
    if "/" in host or "/" in digits:
        raise InvalidArgument(f"invalid bind address format: {whole}")
    return host or "localhost", int(digits) if digits else default


def _tls(choice: Choice) -> TlsFiles | None:
    if choice.tls is not None:
        return choice.tls
    environ = choice.environ
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    if not verify and not environ.get("DOCKER_TLS"):
        return None
    folder = environ.get("DOCKER_CERT_PATH") or choice.config_folder
    return TlsFiles(f"{folder}/ca.pem", f"{folder}/cert.pem", f"{folder}/key.pem", verify=verify)


def _from_context(choice: Choice, name: str, source: str) -> Endpoint:
    if name == DEFAULT_CONTEXT:
        return default_endpoint(choice.environ)
    from budu.client.contexts import ContextStore

    store = ContextStore(choice.config_folder)
    docker = store.read(name)["Endpoints"].get("docker")
    if not isinstance(docker, dict) or not docker.get("Host"):
        return default_endpoint(choice.environ)
    tls = _context_tls(f"{store.paths(name)[1]}/docker", skip=bool(docker.get("SkipTLSVerify")))
    return parse_host(str(docker["Host"]), source, tls=tls)


def _context_tls(folder: str, *, skip: bool) -> TlsFiles | None:
    import os

    if not skip and not os.path.isdir(folder):
        return None

    def existing(name: str) -> str:
        path = f"{folder}/{name}.pem"
        return path if os.path.exists(path) else ""

    return TlsFiles(existing("ca"), existing("cert"), existing("key"), verify=not skip)
