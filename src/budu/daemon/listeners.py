"""From the `--host` settings to listeners."""

from __future__ import annotations

import logging
from pathlib import Path
from ssl import SSLContext

from budu.api.listeners import Listener, TcpListener, TlsFiles, UnixListener
from budu.base.errors import InvalidArgument
from budu.daemon.options import Options

log = logging.getLogger(__name__)


def make_listeners(options: Options) -> list[Listener]:
    """One listener per address.

    Raises: InvalidArgument for an address or certificate that cannot be used.
    """
    tls = _tls(options)
    listeners: list[Listener] = []
    for address in options.hosts:
        scheme, _, rest = address.partition("://")
        if scheme == "unix":
            listeners.append(UnixListener(Path(rest), group=options.group or None))
        else:
            listeners.append(_tcp(rest, tls))
    return listeners


def _tls(options: Options) -> SSLContext | None:
    if not options.tls_cert:
        return None
    return TlsFiles(
        certificate=Path(options.tls_cert),
        key=Path(options.tls_key),
        client_ca=Path(options.tls_ca) if options.tls_verify and options.tls_ca else None,
    ).context()


def _tcp(address: str, tls: SSLContext | None) -> TcpListener:
    host, _, port = address.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise InvalidArgument(f"invalid bind address (tcp://{address}): a port is needed")
    if tls is None:
        log.warning("tcp://%s is not protected by TLS: whoever reaches it is root here", address)
    return TcpListener(host.strip("[]"), int(port), tls=tls)
