"""GELF: JSON documents for Graylog and the like, over UDP in chunks or over TCP.

Over UDP a document is compressed, and cut when it does not fit one datagram:

    1e 0f, id (8 bytes), number, count, then at most 1408 bytes; at most 128 chunks

Over TCP documents are plain, each followed by a zero byte.
Source: Graylog, "GELF Payload Specification" 1.1; Docker, "Graylog Extended Format logging driver".
"""

from __future__ import annotations

import gzip
import logging
import os
import zlib
from collections.abc import Mapping

import msgspec

from budu.base.errors import Internal, InvalidArgument
from budu.logs.entries import Entry
from budu.logs.frames import STDERR
from budu.logs.options import CACHE, COMMON, Address, check_known, read_address, read_number
from budu.logs.senders.sockets import Datagrams, Stream
from budu.logs.source import LogSource

OPTIONS = COMMON | CACHE | {
    "gelf-address", "gelf-compression-level", "gelf-compression-type", "gelf-tcp-max-reconnect",
    "gelf-tcp-reconnect-delay",
}  # fmt: skip
"""What the driver takes. The engine reconnects for as long as it takes."""
CHUNK_BYTES = 1408
"""Bytes of a document in one datagram."""
CHUNKS = 128
"""Datagrams of one document at most."""
_MAGIC = b"\x1e\x0f"
_ERROR, _INFO = 3, 6

log = logging.getLogger(__name__)


def check(options: Mapping[str, str]) -> None:
    """Raises: InvalidArgument for options that are unknown, malformed, or missing."""
    check_known("gelf", options, OPTIONS)
    address = _address(options)
    is_tcp = address.scheme == "tcp"
    for name in options:
        if name.startswith("gelf-compression") and is_tcp:
            raise InvalidArgument("compression is only supported on UDP")
        if name.startswith("gelf-tcp") and not is_tcp:
            raise InvalidArgument(f"{name.removeprefix('gelf-tcp-')} is only supported for TCP")
    _level(options)
    kind = options.get("gelf-compression-type", "gzip")
    if kind not in ("gzip", "zlib", "none"):
        raise _unknown(kind, "gelf-compression-type")
    for name in ("gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"):
        read_number(options, name, 0)


class GelfSender:
    """One container's documents to a GELF input."""

    def __init__(self, source: LogSource) -> None:
        address = _address(source.options)
        self._kind = source.options.get("gelf-compression-type", "gzip")
        self._level = _level(source.options)
        self._target: Datagrams | Stream
        if address.scheme == "tcp":
            self._target = Stream(host=address.host, port=address.port)
        else:
            self._target = Datagrams(host=address.host, port=address.port)
        self._host = source.hostname
        self._place = f"{address.host}:{address.port}"
        self._fixed = {
            "_container_id": source.id,
            "_container_name": source.name,
            "_image_id": source.image_id,
            "_image_name": source.image_name,
            "_command": source.command,
            "_tag": source.tag(),
            "_created": source.created,
            **source.attributes(lambda key: key if key.startswith("_") else f"_{key}"),
        }

    async def connect(self) -> None:
        """Reach the server. Raises: Internal."""
        try:
            await self._target.connect()
        except Internal as error:
            raise Internal(
                f"gelf: cannot connect to GELF endpoint: {self._place} {error.message}"
            ) from None

    async def send(self, entries: list[Entry]) -> None:
        """Deliver; empty lines are left out: GELF has none. Raises: OSError."""
        documents = [self.encode(entry) for entry in entries if entry.line]
        if isinstance(self._target, Stream):
            if documents:
                await self._target.send(b"".join(each + b"\0" for each in documents))
            return
        for document in documents:
            await self._target.send(cut(self._compress(document), os.urandom(8)))

    async def close(self) -> None:
        """Close the connection."""
        await self._target.close()

    def encode(self, entry: Entry) -> bytes:
        """One document."""
        return msgspec.json.encode(
            {
                "version": "1.1",
                "host": self._host,
                "short_message": entry.line.decode("utf-8", "replace"),
                "timestamp": entry.time_ns // 1_000_000 / 1000,
                "level": _ERROR if entry.stream == STDERR else _INFO,
                **self._fixed,
            }
        )

    def _compress(self, document: bytes) -> bytes:
        match self._kind:
            case "gzip":
                return gzip.compress(document, self._level, mtime=0)
            case "zlib":
                return zlib.compress(document, self._level)
        return document


def cut(document: bytes, id_: bytes) -> list[bytes]:
    """The datagrams of one document; none when it is too long for 128 of them."""
    if len(document) <= CHUNK_BYTES + 12:
        return [document]
    count = -(-len(document) // CHUNK_BYTES)
    if count > CHUNKS:
        log.warning("a GELF document of %d bytes is too long for UDP", len(document))
        return []
    return [
        _MAGIC + id_ + bytes((number, count)) + document[number * CHUNK_BYTES :][:CHUNK_BYTES]
        for number in range(count)
    ]


def _level(options: Mapping[str, str]) -> int:
    text = options.get("gelf-compression-level", "1")
    if text not in {str(number) for number in range(-1, 10)}:
        raise _unknown(text, "gelf-compression-level")
    level = int(text)
    return 6 if level < 0 else level


def _address(options: Mapping[str, str]) -> Address:
    text = options.get("gelf-address", "")
    if not text:
        raise InvalidArgument("gelf-address is a required parameter")
    address = read_address(text, option="gelf-address", schemes=frozenset({"udp", "tcp"}))
    if not address.port:
        raise InvalidArgument("gelf: please provide gelf-address as proto://host:port")
    return address


def _unknown(value: str, name: str) -> InvalidArgument:
    return InvalidArgument(f'unknown value "{value}" for log opt "{name}" for gelf log driver')
