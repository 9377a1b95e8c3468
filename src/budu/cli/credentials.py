"""Credentials of registries: in config.json or with a credential helper. Light.

A helper is a program `docker-credential-NAME` that gets its order as the argument (`get`, `store`,
`erase`, `list`) and its input on standard input. Source: docker/docker-credential-helpers, README
"Development"; docker/cli `cli/config/credentials/`.
"""

from __future__ import annotations

import posix
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

from budu.base.environment import environment
from budu.base.errors import DataLoss, Internal, NotFound
from budu.client.json import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from budu.cli.config import ConfigFile

HUB = "https://index.docker.io/v1/"
"""The key of Docker Hub's credentials, for old times' sake."""
_HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")
_NOT_FOUND = "credentials not found in native keychain"
_TOKEN_USER = "<token>"


class Credentials:
    """What is known for one registry."""

    __slots__ = ("identity_token", "password", "server", "username")

    def __init__(
        self, server: str, username: str = "", password: str = "", *, identity_token: str = ""
    ) -> None:
        self.server = server
        self.username = username
        self.password = password
        self.identity_token = identity_token

    @property
    def is_known(self) -> bool:
        """Whether there is anything to log in with."""
        return bool(self.username or self.identity_token)

    def as_document(self) -> dict[str, str]:
        """AuthConfig of the Engine API."""
        document = {
            "username": self.username,
            "password": self.password,
            "identitytoken": self.identity_token,
            "serveraddress": self.server,
        }
        return {name: value for name, value in document.items() if value}


def registry_of(name: str) -> str:
    """The registry of an image name, `docker.io` when it names none."""
    first, slash, _ = name.partition("/")
    is_registry = slash and ("." in first or ":" in first or first == "localhost")
    return first if is_registry else "docker.io"


def server_key(registry: str) -> str:
    """Under which name a registry's credentials are kept."""
    bare = registry.removeprefix("https://").removeprefix("http://").rstrip("/")
    return HUB if bare.partition("/")[0] in _HUB_NAMES else bare


def registry_auth(config: ConfigFile, name: str) -> str:
    """The X-Registry-Auth header for an image name; empty when nothing is known."""
    found = find(config, server_key(registry_of(name)))
    if not found.is_known:
        return ""
    return url_base64(dumps(found.as_document()))


def registry_config(config: ConfigFile, report: Callable[[str], object]) -> str:
    """The X-Registry-Config header: all that is known, by server key; empty for nothing.

    A build tells only while it runs which registries it needs, so a helper that fails for one of
    them is told to `report` and does not end it.
    """
    known = {}
    for server in _servers(config, report):
        try:
            found = find(config, server)
        except Internal as error:
            report(error.message)
            continue
        if found.is_known:
            known[server] = found.as_document()
    return url_base64(dumps(known)) if known else ""


def _servers(config: ConfigFile, report: Callable[[str], object]) -> list[str]:
    """Keys of everything that is kept, in the file and with helpers."""
    servers = dict.fromkeys((*config.mapping("auths"), *config.mapping("credHelpers")))
    store = config.text("credsStore")
    try:
        listed = loads(_run_helper(store, "list", b"")) if store else {}
    except (Internal, NotFound, DataLoss) as error:
        report(error.message)
        listed = {}
    return [*servers, *(server for server in listed or () if server not in servers)]


def url_base64(data: bytes) -> str:
    """Base64 for URLs and headers (RFC 4648, section 5), with padding."""
    encoded = b2a_base64(data, newline=False).decode()
    return encoded.replace("+", "-").replace("/", "_")


def find(config: ConfigFile, server: str) -> Credentials:
    """What is kept for a server key, from the helper in charge or from the file.

    Raises: Internal when the helper fails.
    """
    helper = _helper(config, server)
    if helper:
        return _ask_helper(helper, server)
    entries = config.mapping("auths")
    entry = entries.get(server) or _same_host(entries, server)
    return _from_entry(server, entry) if isinstance(entry, dict) else Credentials(server)


def keep(config: ConfigFile, credentials: Credentials) -> bool:
    """Store credentials; True when they stand unencrypted in the file."""
    helper = _helper(config, credentials.server)
    auths = config.document.setdefault("auths", {})
    if helper:
        token = credentials.identity_token
        order = {
            "ServerURL": credentials.server,
            "Username": _TOKEN_USER if token else credentials.username,
            "Secret": token or credentials.password,
        }
        _run_helper(helper, "store", dumps(order))
        auths[credentials.server] = {}
    else:
        auths[credentials.server] = _to_entry(credentials)
    config.save()
    return not helper


def forget(config: ConfigFile, server: str) -> bool:
    """Erase credentials; False when there were none."""
    helper = _helper(config, server)
    known = server in config.mapping("auths")
    if helper:
        known = _ask_helper(helper, server).is_known or known
        if known:
            _run_helper(helper, "erase", server.encode())
    if server in config.mapping("auths"):
        del config.document["auths"][server]
        config.save()
    return known


def _helper(config: ConfigFile, server: str) -> str:
    chosen = config.mapping("credHelpers").get(server)
    return str(chosen) if chosen else config.text("credsStore")


def _same_host(entries: dict[str, object], server: str) -> object:
    """Older entries carry a scheme or a path: `https://host/v1/`."""
    for key, entry in entries.items():
        if server_key(key).partition("/")[0] == server.partition("/")[0]:
            return entry
    return None


def _from_entry(server: str, entry: dict[str, object]) -> Credentials:
    encoded = entry.get("auth")
    try:
        plain = a2b_base64(encoded).decode() if isinstance(encoded, str) and encoded else ""
    except (Base64Error, UnicodeDecodeError):
        plain = ""
    username, _, password = plain.partition(":")
    return Credentials(
        server,
        username or str(entry.get("username") or ""),
        password.rstrip("\0") or str(entry.get("password") or ""),
        identity_token=str(entry.get("identitytoken") or ""),
    )


def _to_entry(credentials: Credentials) -> dict[str, str]:
    plain = f"{credentials.username}:{credentials.password}".encode()
    entry = {"auth": b2a_base64(plain, newline=False).decode()}
    if credentials.identity_token:
        entry["identitytoken"] = credentials.identity_token
    return entry


def _ask_helper(helper: str, server: str) -> Credentials:
    try:
        answer = loads(_run_helper(helper, "get", server.encode()))
    except NotFound:
        return Credentials(server)
    username, secret = str(answer.get("Username", "")), str(answer.get("Secret", ""))
    if username == _TOKEN_USER:
        return Credentials(server, identity_token=secret)
    return Credentials(server, username, secret)


def _run_helper(helper: str, order: str, data: bytes) -> bytes:
    """Run a helper and return what it printed.

    Raises: NotFound when it knows nothing of the server; Internal when it fails or is absent.
    """
    program = f"docker-credential-{helper}"
    in_read, in_write = posix.pipe()
    out_read, out_write = posix.pipe()
    actions = [
        (posix.POSIX_SPAWN_DUP2, in_read, 0),
        (posix.POSIX_SPAWN_DUP2, out_write, 1),
    ]
    try:
        pid = posix.posix_spawnp(program, [program, order], environment(), file_actions=actions)
    except OSError as error:
        posix.close(in_write)
        posix.close(out_read)
        raise Internal(
            f"error getting credentials - err: exec: {program!r}: {error.strerror}"
        ) from None
    finally:
        posix.close(in_read)
        posix.close(out_write)
    _feed(in_write, data)
    with open(out_read, "rb") as pipe:  # noqa: PTH123
        answer = pipe.read()
    _, status = posix.waitpid(pid, 0)
    if status == 0:
        return answer
    text = answer.decode("utf-8", "replace").strip()
    if text == _NOT_FOUND:
        raise NotFound(text)
    raise Internal(f"error {order} credentials - err: exit status {status >> 8}, out: `{text}`")


def _feed(fd: int, data: bytes) -> None:
    """Write a helper's input; a helper that fails early reads nothing."""
    try:
        posix.write(fd, data)
    except BrokenPipeError:
        pass
    finally:
        posix.close(fd)
