"""journald: its native protocol, one datagram a message, a sealed memory file when it is long.

Source: systemd, "Native Journal Protocol"; Docker, "Journald logging driver" (field names).
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Mapping

from budu.base.errors import Internal
from budu.logs.entries import Entry
from budu.logs.frames import STDERR
from budu.logs.options import CACHE, COMMON, check_known
from budu.logs.render import rfc3339_nano
from budu.logs.senders.sockets import connect_unix, send_one
from budu.logs.source import LogSource

SOCKET = "/run/systemd/journal/socket"
"""Where journald listens."""
_ALL_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_ERROR, _INFO = b"3", b"6"


def check(options: Mapping[str, str]) -> None:
    """Raises: InvalidArgument for unknown options."""
    check_known("journald", options, COMMON | CACHE)


class JournaldSender:
    """One container's messages to the journal."""

    def __init__(self, source: LogSource, *, path: str = SOCKET) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        tag = source.tag()
        fields = {
            "CONTAINER_ID": source.id[:12],
            "CONTAINER_ID_FULL": source.id,
            "CONTAINER_NAME": source.name,
            "CONTAINER_TAG": tag,
            "IMAGE_NAME": source.image_name,
            "SYSLOG_IDENTIFIER": tag,
            **source.attributes(field_name),
        }
        self._fixed = b"".join(field(key, value.encode()) for key, value in fields.items() if key)

    async def connect(self) -> None:
        """Look whether there is a journal. Raises: Internal."""
        try:
            self._socket = self._socket or connect_unix((self._path,))
        except OSError:
            raise Internal("journald is not enabled on this host") from None

    async def send(self, entries: list[Entry]) -> None:
        """Deliver; empty lines are left out: the journal takes none. Raises: OSError."""
        for entry in entries:
            if not entry.line:
                continue
            try:
                await self._send(self.encode(entry))
            except OSError:
                await self.close()
                raise

    async def _send(self, message: bytes) -> None:
        if self._socket is None:
            self._socket = connect_unix((self._path,))
        try:
            await send_one(self._socket, message)
        except OSError as error:
            if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                raise
            _send_file(self._socket, message)

    async def close(self) -> None:
        """Close the socket."""
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()

    def encode(self, entry: Entry) -> bytes:
        """One message: all of its fields."""
        parts = [
            field("MESSAGE", entry.line),
            field("PRIORITY", _ERROR if entry.stream == STDERR else _INFO),
            field("SYSLOG_TIMESTAMP", rfc3339_nano(entry.time_ns)),
            self._fixed,
        ]
        if entry.partial is not None:
            if not entry.partial.last:
                parts.append(field("CONTAINER_PARTIAL_MESSAGE", b"true"))
            last = b"true" if entry.partial.last else b"false"
            parts.append(field("CONTAINER_PARTIAL_ID", entry.partial.id.encode()))
            parts.append(field("CONTAINER_PARTIAL_ORDINAL", b"%d" % entry.partial.ordinal))
            parts.append(field("CONTAINER_PARTIAL_LAST", last))
        return b"".join(parts)


def field(name: str, value: bytes) -> bytes:
    """`NAME=value` and a newline; with newlines in it: name, length (64 bit, little endian)."""
    if b"\n" not in value:
        return name.encode() + b"=" + value + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"


def field_name(text: str) -> str:
    """A label's name as the journal takes it: capitals, digits, underscores, none in front."""
    kept = (letter if letter.isascii() and letter.isalnum() else "_" for letter in text)
    return "".join(kept).upper().lstrip("_")


def _send_file(sock: socket.socket, message: bytes) -> None:
    fd = os.memfd_create("log", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(message)
        while view:
            view = view[os.write(fd, view) :]
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _ALL_SEALS)
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))
        sock.sendmsg([b""], [rights])
    finally:
        os.close(fd)
