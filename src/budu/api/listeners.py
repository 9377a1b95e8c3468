"""Where the API is offered: unix sockets, TCP with or without TLS, sockets made by systemd."""

from __future__ import annotations

import errno
import grp
import logging
import os
import socket
import ssl
from pathlib import Path
from typing import Protocol

import msgspec

from budu.base.errors import AlreadyExists, BuduError, InvalidArgument, PermissionDenied

_KEEP_ALIVE_S = 15
_KEEP_ALIVE_PROBES = 9

log = logging.getLogger(__name__)


class Listener(Protocol):
    """One address of the API."""

    tls: ssl.SSLContext | None
    """Set when clients must speak TLS."""

    def open(self) -> list[socket.socket]:
        """Bound sockets, not listening yet; the caller closes them.

        Raises: InvalidArgument, AlreadyExists or PermissionDenied.
        """

    def describe(self, sock: socket.socket) -> str:
        """The address as a URL."""

    def clean_up(self) -> None:
        """Removes what `open` left in the file system. Idempotent."""


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Docker's `--tlscert`, `--tlskey` and `--tlscacert`."""

    certificate: Path
    """Certificate chain of the server, PEM."""
    key: Path
    """Its private key, PEM."""
    client_ca: Path | None = None
    """Set for `--tlsverify`: only clients whose certificate this authority signed are served."""

    def context(self) -> ssl.SSLContext:
        """A server context for TLS 1.2 or newer.

        Raises: InvalidArgument when a file cannot be read as what it should be.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.client_ca is not None:
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ssl.SSLError) as error:
            raise InvalidArgument(f"could not load X509 key pair: {error}") from error
        return context


class UnixListener:
    """A socket in the file system that its group may use: whoever may, is root."""

    tls: ssl.SSLContext | None = None
    """Never: the file's mode is the protection."""

    def __init__(self, path: Path, *, group: str | None = "docker", mode: int = 0o660) -> None:
        self._path = path
        self._group = group
        self._mode = mode
        self._inode: tuple[int, int] | None = None

    def open(self) -> list[socket.socket]:
        """See `Listener`. Takes over a socket file that nobody answers on."""
        self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._remove_stale()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        before = os.umask(0o777 & ~0o600)  # nobody else connects before owner and mode are right
        try:
            sock.bind(str(self._path))
        except OSError as error:
            sock.close()
            raise _bind_error(f"unix://{self._path}", error) from error
        finally:
            os.umask(before)
        self._set_owner()
        stat = self._path.stat()
        self._inode = (stat.st_dev, stat.st_ino)
        return [sock]

    def describe(self, sock: socket.socket) -> str:
        """See `Listener`."""
        return f"unix://{self._path}"

    def clean_up(self) -> None:
        """See `Listener`. Leaves the file alone when another engine took the path over."""
        if self._inode is None:
            return
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return
        if (stat.st_dev, stat.st_ino) == self._inode:
            self._path.unlink(missing_ok=True)
        self._inode = None

    def _remove_stale(self) -> None:
        if not self._path.is_socket():
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(2)
            try:
                probe.connect(str(self._path))
            except (ConnectionRefusedError, FileNotFoundError):
                self._path.unlink(missing_ok=True)
                return
            except OSError as error:
                raise _bind_error(f"unix://{self._path}", error) from error
        raise AlreadyExists(f"can't create unix socket {self._path}: is in use by another engine")

    def _set_owner(self) -> None:
        if self._group is not None and os.geteuid() == 0:
            try:
                os.chown(self._path, 0, grp.getgrnam(self._group).gr_gid)
            except KeyError:
                log.debug("no group %s: %s belongs to root's group", self._group, self._path)
        self._path.chmod(self._mode)


class TcpListener:
    """A TCP port."""

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self._host = host
        self._port = port
        self.tls = tls
        """Set when clients must speak TLS."""

    def open(self) -> list[socket.socket]:
        """See `Listener`. A name may stand for several addresses: one socket each."""
        where = f"tcp://{self._host}:{self._port}"
        try:
            found = socket.getaddrinfo(
                self._host or None,
                self._port,
                type=socket.SOCK_STREAM,
                flags=socket.AI_PASSIVE,
            )
        except socket.gaierror as error:
            raise InvalidArgument(f"failed to listen on {where}: {error.strerror}") from error
        sockets: list[socket.socket] = []
        try:
            for family, _, _, _, address in dict.fromkeys(found):
                sockets.append(_bind_tcp(family, address))
        except OSError as error:
            for sock in sockets:
                sock.close()
            raise _bind_error(where, error) from error
        return sockets

    def describe(self, sock: socket.socket) -> str:
        """See `Listener`."""
        host, port = sock.getsockname()[:2]
        return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"

    def clean_up(self) -> None:
        """See `Listener`."""


def _bind_tcp(family: int, address: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _keep_alive(sock)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def _keep_alive(sock: socket.socket) -> None:
    """Connections accepted from here notice within three minutes that their peer's machine is gone,
    also while nothing is sent, as those of Go's servers do."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEP_ALIVE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEP_ALIVE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEP_ALIVE_PROBES)


def _bind_error(where: str, error: OSError) -> BuduError:
    message = f"failed to listen on {where}: {error.strerror or error}"
    if error.errno == errno.EADDRINUSE:
        return AlreadyExists(message)
    if error.errno in (errno.EACCES, errno.EPERM):
        return PermissionDenied(message)
    return InvalidArgument(message)
