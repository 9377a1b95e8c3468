"""Syslog: RFC 3164 and RFC 5424 messages over unix sockets, UDP, TCP and TLS.

Source: RFC 3164, RFC 5424, RFC 5425 (length before each message); Docker, "Syslog logging driver".
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Mapping
from pathlib import Path

from budu.base.errors import Internal, InvalidArgument
from budu.logs.entries import Entry
from budu.logs.frames import STDERR
from budu.logs.options import CACHE, COMMON, Address, check_known, read_address
from budu.logs.senders.sockets import Datagrams, Stream
from budu.logs.source import LogSource

OPTIONS = COMMON | CACHE | {
    "syslog-address", "syslog-facility", "syslog-format", "syslog-tls-ca-cert",
    "syslog-tls-cert", "syslog-tls-key", "syslog-tls-skip-verify",
}  # fmt: skip
"""What the driver takes."""
_FACILITIES: tuple[str, ...] = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"),
    *("authpriv", "ftp", "12", "13", "14", "15"),
    *(f"local{number}" for number in range(8)),
)
_FORMATS = ("", "rfc3164", "rfc5424", "rfc5424micro")
_SCHEMES = frozenset({"unix", "unixgram", "udp", "tcp", "tcp+tls"})
_LOCAL = ("/dev/log", "/var/run/syslog", "/var/run/log")
_ERROR, _INFO = 3, 6


def check(options: Mapping[str, str]) -> None:
    """Raises: InvalidArgument for options that are unknown or malformed."""
    check_known("syslog", options, OPTIONS)
    _address(options)
    _facility(options)
    if options.get("syslog-format", "") not in _FORMATS:
        raise InvalidArgument("Invalid syslog format")


class SyslogSender:
    """One container's messages to a syslog server."""

    def __init__(self, source: LogSource) -> None:
        options = source.options
        address = _address(options)
        self._format = options.get("syslog-format", "")
        self._facility = _facility(options)
        self._tag = source.tag()
        self._host = source.hostname
        self._has_lengths = self._format.startswith("rfc5424") and address.scheme == "tcp+tls"
        self._is_local = not address.scheme
        self._target = _connection(address, options)

    async def connect(self) -> None:
        """Reach the server. Raises: Internal."""
        try:
            await self._target.connect()
        except Internal:
            if self._is_local:
                raise Internal("Unix syslog delivery error") from None
            raise

    async def send(self, entries: list[Entry]) -> None:
        """Deliver; empty lines are left out, as Docker does. Raises: OSError."""
        messages = [self.encode(entry) for entry in entries if entry.line]
        if isinstance(self._target, Datagrams):
            await self._target.send(messages)
        elif messages:
            await self._target.send(b"".join(messages))

    async def close(self) -> None:
        """Close the connection."""
        await self._target.close()

    def encode(self, entry: Entry) -> bytes:
        """One message with its newline."""
        priority = self._facility << 3 | (_ERROR if entry.stream == STDERR else _INFO)
        text = f"<{priority}>{self._head(entry.time_ns)}".encode() + entry.line + b"\n"
        return b"%d " % len(text) + text if self._has_lengths else text

    def _head(self, time_ns: int) -> str:
        tag, pid = self._tag, os.getpid()
        if self._format.startswith("rfc5424"):
            moment = _rfc3339(time_ns, micro=self._format == "rfc5424micro")
            return f"1 {moment} {self._host} {tag} {pid} {tag} - "
        moment = _stamp(time_ns)
        host = f"{self._host} " if self._format == "rfc3164" else ""
        return f"{moment} {host}{tag}[{pid}]: "


def _stamp(time_ns: int) -> str:
    """`Jan  2 15:04:05`, local time."""
    moment = time.localtime(time_ns // 1_000_000_000)
    return f"{_MONTHS[moment.tm_mon - 1]} {moment.tm_mday:2d} {time.strftime('%H:%M:%S', moment)}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _rfc3339(time_ns: int, *, micro: bool) -> str:
    moment = time.localtime(time_ns // 1_000_000_000)
    minutes = moment.tm_gmtoff // 60
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}" if minutes else "Z"
    fraction = f".{time_ns // 1000 % 1_000_000:06d}" if micro else ""
    return time.strftime("%Y-%m-%dT%H:%M:%S", moment) + fraction + zone


def _facility(options: Mapping[str, str]) -> int:
    text = options.get("syslog-facility", "") or "daemon"
    if text in _FACILITIES:
        return _FACILITIES.index(text)
    if text.isdecimal() and int(text) < len(_FACILITIES):
        return int(text)
    raise InvalidArgument("invalid syslog facility")


def _address(options: Mapping[str, str]) -> Address:
    text = options.get("syslog-address", "")
    if not text:
        return Address(scheme="")
    return read_address(text, option="syslog-address", schemes=_SCHEMES)


def _connection(address: Address, options: Mapping[str, str]) -> Datagrams | Stream:
    if not address.scheme:
        return Datagrams(paths=_LOCAL)
    port = address.port or 514
    match address.scheme:
        case "unixgram":
            return Datagrams(paths=(address.path,))
        case "unix":
            return _unix(address.path)
        case "udp":
            return Datagrams(host=address.host, port=port)
        case "tcp":
            return Stream(host=address.host, port=port)
    return Stream(host=address.host, port=port, tls=_tls(options))


def _unix(path: str) -> Datagrams | Stream:
    """A unix address may be of either kind: /proc/net/unix tells which, datagrams being usual."""
    try:
        rows = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()]
    except OSError:
        rows = []
    is_stream = any(row[-1] == path and row[4] == "0001" for row in rows if len(row) > 5)
    return Stream(path=path) if is_stream else Datagrams(paths=(path,))


def _tls(options: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.get("syslog-tls-ca-cert") or None)
        if "syslog-tls-skip-verify" in options:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if options.get("syslog-tls-cert"):
            context.load_cert_chain(options["syslog-tls-cert"], options.get("syslog-tls-key"))
    except OSError as error:
        raise InvalidArgument(f"failed to initialize logging driver: {error}") from None
    return context
