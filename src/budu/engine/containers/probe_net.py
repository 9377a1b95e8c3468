"""HTTP and TCP probes: the engine connects into the container's network namespace by itself.

The image needs no program for it, and no port has to be published. `inside` makes the sockets;
everything after that is done in the event loop.
Source: RFC 9112.
"""

from __future__ import annotations

import asyncio
import os
import socket

from budu.engine.containers.health_config import Address, ProbeKind, ProbeSettings
from budu.engine.containers.inside import socket_inside
from budu.engine.containers.model import Container
from budu.engine.containers.probes import (
    FAILED,
    MAX_OUTPUT,
    ProbeResult,
    shortened,
    timed_out,
)
from budu.engine.containers.start import Running

_LOOPBACK = ("127.0.0.1", "::1")


class ConnectionProbes:
    """Probes by connecting. Implements `probes.ProbeRunner`."""

    async def run(
        self, container: Container, running: Running, settings: ProbeSettings
    ) -> ProbeResult:
        """Connect, and ask for the page of an HTTP probe. Raises: Unavailable."""
        address = settings.address
        assert address is not None, "the settings were read from a test with an address"
        progress = _Progress()
        try:
            async with asyncio.timeout(settings.timeout_ns / 1e9):
                return await _probe(running.shim.pidfd, settings.kind, address, progress)
        except TimeoutError:
            return timed_out(settings, progress.text)


class _Progress:
    """What to tell of a probe that takes too long."""

    text = ""


async def _probe(pidfd: int, kind: ProbeKind, address: Address, progress: _Progress) -> ProbeResult:
    refused = ""
    for host in (address.host,) if address.host else _LOOPBACK:
        where = _where(host, address.port)
        progress.text = f"connecting to {where}"
        try:
            connection = await _connect(pidfd, host, address.port)
        except OSError as error:
            refused = refused or f"connect to {where}: {_words(error)}"
            continue
        with connection:
            if kind is ProbeKind.TCP:
                return ProbeResult(exit_code=0, output=f"connected to {where}")
            return await _fetch(connection, where, address.path, progress)
    return ProbeResult(exit_code=FAILED, output=refused)


async def _connect(pidfd: int, host: str, port: int) -> socket.socket:
    """A connection inside the namespace. Raises: OSError."""
    made = await socket_inside(pidfd, socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        await asyncio.get_running_loop().sock_connect(made, (host, port))
    except BaseException:
        made.close()
        raise
    return made


async def _fetch(
    connection: socket.socket, where: str, path: str, progress: _Progress
) -> ProbeResult:
    """Ask for a page: 200 to 399 is healthy."""
    loop = asyncio.get_running_loop()
    progress.text = f"waiting for http://{where}{path}"
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {where}\r\nUser-Agent: budu-health\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n"
    )
    try:
        await loop.sock_sendall(connection, request.encode("ascii"))
        data = b""
        while len(data) <= MAX_OUTPUT and (more := await loop.sock_recv(connection, MAX_OUTPUT)):
            data += more
            if _is_complete(data):
                break
    except OSError as error:
        return ProbeResult(exit_code=FAILED, output=f"http://{where}{path}: {_words(error)}")
    return read_answer(data, url=f"http://{where}{path}")


def _is_complete(data: bytes) -> bool:
    """Whether more is not needed: the head is there, and a body of known length too."""
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        return False
    for line in head.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return len(body) >= int(value)
    return False


def read_answer(data: bytes, *, url: str) -> ProbeResult:
    """What the beginning of an HTTP answer means."""
    head, _, body = data.partition(b"\r\n\r\n")
    status_line = head.partition(b"\r\n")[0].decode("latin-1")
    version, _, rest = status_line.partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/") or not (code.isascii() and code.isdigit()):
        return ProbeResult(exit_code=FAILED, output=f"{url}: no answer that is HTTP")
    text = shortened(body)
    output = f"{url}: {rest}\n{text}" if text else f"{url}: {rest}"
    return ProbeResult(exit_code=0 if 200 <= int(code) < 400 else FAILED, output=output)


def _where(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _words(error: OSError) -> str:
    """The reason as Go and Docker write it."""
    if error.errno is not None:
        return os.strerror(error.errno).lower()
    return str(error)
