"""Whom containers' questions go to when no container has the name.

The host's own servers are read when a question is asked, so that a laptop may move between
networks. Servers are asked from the container's network, as Docker does, so that a container whose
traffic takes another way (a VPN) asks on that way too; those that only the host can reach, on its
loopback, are asked from the host.
Source: moby 28.3, libnetwork/resolver.go and sandbox_dns_unix.go; man 5 resolv.conf.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from budu.network.dns.directory import Server
from budu.network.files import HOST_FILE, parse_resolv_conf


class HostServers:
    """The servers of a resolv.conf, read again whenever it has changed."""

    def __init__(self, path: Path = Path(HOST_FILE)) -> None:
        self._path = path
        self._version: tuple[int, int, int] | None = None
        self._servers: tuple[str, ...] = ()

    def current(self) -> tuple[str, ...]:
        """The addresses as they stand there; none without the file."""
        try:
            found = self._path.stat()
            version = (found.st_ino, found.st_mtime_ns, found.st_size)
            if version != self._version:
                text = self._path.read_text("utf-8", "replace")
                self._servers = parse_resolv_conf(text).servers
                self._version = version
        except OSError:
            self._version, self._servers = None, ()
        return self._servers


def route_servers(
    given: Sequence[str], of_host: Sequence[str], *, has_ipv6: bool
) -> tuple[Server, ...]:
    """Whom to ask, and from where: the container's own servers, else the host's.

    `given` are asked from the container whatever they are; its loopback is meant then.
    """
    if given:
        return tuple(Server(text, from_host=False) for text in given)
    found = []
    for text in of_host:
        address = _parse(text)
        if address is not None:
            outside_reach = isinstance(address, IPv6Address) and not has_ipv6
            found.append(Server(text, from_host=address.is_loopback or outside_reach))
    return tuple(found)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
