"""Where plugins are: sockets and spec files in known folders.

A socket `NAME.sock` goes before a file `NAME.spec` (one line, an address) and that before
`NAME.json`; each may also lie in a folder of its name.
Source: Docker docs, "Docker Plugin API", Plugin discovery; moby 28.3, pkg/plugins/discovery.go.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from budu.base.errors import Hint, InvalidArgument, NotFound

SOCKET_FOLDER = "/run/docker/plugins"
SPEC_FOLDERS = ("/etc/docker/plugins", "/usr/lib/docker/plugins")
SCHEMES = ("unix", "tcp", "http", "https")
_LARGEST_SPEC = 64 << 10
_LONGEST_NAME = 255


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What a json spec says of TLS: paths of PEM files. Without `ca_file` nobody is verified, as
    Docker has it."""

    insecure_skip_verify: bool = msgspec.field(name="InsecureSkipVerify", default=False)
    ca_file: str = msgspec.field(name="CAFile", default="")
    cert_file: str = msgspec.field(name="CertFile", default="")
    key_file: str = msgspec.field(name="KeyFile", default="")

    @property
    def verifies(self) -> bool:
        """Whether the plugin's certificate is checked."""
        return bool(self.ca_file) and not self.insecure_skip_verify


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a plugin listens: a socket's path, or a host and port."""

    scheme: str
    path: str = ""
    host: str = ""
    port: int = 0
    tls: TlsFiles = TlsFiles()

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix {self.path}"
        return f"tcp {self.host}:{self.port}"


class PluginFolders(msgspec.Struct, frozen=True, kw_only=True):
    """The folders that are looked in, in order."""

    sockets: Path = Path(SOCKET_FOLDER)
    specs: tuple[Path, ...] = tuple(map(Path, SPEC_FOLDERS))


class _JsonSpec(msgspec.Struct, frozen=True):
    addr: str = msgspec.field(name="Addr")
    tls: TlsFiles | None = msgspec.field(name="TLSConfig", default=None)


def find(folders: PluginFolders, name: str) -> Address:
    """The address of the plugin `name`.

    Raises: NotFound; InvalidArgument for a spec file that is none.
    """
    if _is_plain(name):
        for path in _paths(folders.sockets, name, ".sock"):
            if _is_socket(path):
                return Address(scheme="unix", path=str(path))
        for folder in folders.specs:
            for suffix in (".spec", ".json"):
                for path in _paths(folder, name, suffix):
                    if path.exists():
                        return read_spec(path)
    raise plugin_missing(name, folders)


def plugin_missing(name: str, folders: PluginFolders) -> NotFound:
    """Docker's sentence for a plugin that is nowhere."""
    places = ", ".join(map(str, (folders.sockets, *folders.specs)))
    return NotFound(
        f'plugin "{name}" not found',
        reference=name,
        hint=Hint("plugin.missing", name=name, places=places),
    )


def scan(folders: PluginFolders) -> list[str]:
    """The names of all plugins that are somewhere, sorted."""
    found = set()
    for folder in (folders.sockets, *folders.specs):
        for path in _entries(folder):
            is_meant = path.suffix in (".spec", ".json") or _is_socket(path)
            if is_meant and path.stem and _is_plain(path.stem):
                found.add(path.stem)
    return sorted(found)


def read_spec(path: Path) -> Address:
    """What a spec file says. Raises: InvalidArgument when it says nothing of use."""
    try:
        content = _read(path)
        if path.suffix == ".json":
            spec = msgspec.json.decode(content, type=_JsonSpec)
            return parse_address(spec.addr, tls=spec.tls or TlsFiles())
        return parse_address(content.decode().strip())
    except OSError as error:
        raise _bad_spec(path, (error.strerror or "").lower()) from error
    except (ValueError, msgspec.MsgspecError) as error:
        raise _bad_spec(path, str(error)) from error


def parse_address(text: str, *, tls: TlsFiles | None = None) -> Address:
    """Read `unix:///path` or `tcp://host:port`. Raises: ValueError."""
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES:
        raise ValueError("Unknown protocol")
    tls = tls or TlsFiles()
    if parts.scheme == "unix":
        path = parts.path if not parts.netloc else f"{parts.netloc}{parts.path}"
        if not path.startswith("/"):
            raise ValueError(f"not the path of a socket: {text}")
        return Address(scheme="unix", path=path, tls=tls)
    if not parts.hostname:
        raise ValueError(f"no host in {text}")
    default = 443 if parts.scheme == "https" else 80
    return Address(scheme=parts.scheme, host=parts.hostname, port=parts.port or default, tls=tls)


def _bad_spec(path: Path, reason: str) -> InvalidArgument:
    return InvalidArgument(
        f"invalid plugin spec {path}: {reason}", hint=Hint("plugin.bad-spec", path=path)
    )


def _read(path: Path) -> bytes:
    """The file's first bytes; a pipe that nobody writes must not stop the engine."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError("not a regular file")
        return os.read(fd, _LARGEST_SPEC)
    finally:
        os.close(fd)


def _is_plain(name: str) -> bool:
    """Whether it may be the name of a file and is no way out of the folder."""
    return 0 < len(name) <= _LONGEST_NAME and name[0] != "." and not set(name) & {"/", "\0"}


def _paths(folder: Path, name: str, suffix: str) -> tuple[Path, Path]:
    return folder / f"{name}{suffix}", folder / name / f"{name}{suffix}"


def _entries(folder: Path) -> Iterator[Path]:
    """The files of a folder and of the folders in it."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for path in entries:
        if path.is_dir():
            inner = path / path.name
            yield from filter(Path.exists, map(inner.with_suffix, (".sock", ".spec", ".json")))
        else:
            yield path


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
