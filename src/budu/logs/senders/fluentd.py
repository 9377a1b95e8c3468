"""fluentd and fluent-bit: the forward protocol, in its forward mode.

    [tag, [[time, record], …], {"chunk": id, "size": n}]      msgpack

With `fluentd-request-ack` a batch counts as delivered when the server names its chunk id.
Source: Fluentd, "Forward Protocol Specification v1"; Docker, "Fluentd logging driver".
"""

from __future__ import annotations

import base64
import errno
import os
import struct
from collections.abc import Mapping

import msgspec

from budu.base.errors import InvalidArgument
from budu.base.units import parse_duration
from budu.logs.entries import Entry
from budu.logs.frames import STDERR
from budu.logs.options import (
    CACHE,
    COMMON,
    Address,
    check_known,
    read_address,
    read_flag,
    read_number,
    read_size,
)
from budu.logs.senders.sockets import Stream
from budu.logs.source import LogSource

PORT = 24224
"""Where fluentd listens."""
OPTIONS = COMMON | CACHE | {
    "fluentd-address", "fluentd-async", "fluentd-async-connect", "fluentd-async-reconnect-interval",
    "fluentd-buffer-limit", "fluentd-max-retries", "fluentd-read-timeout", "fluentd-request-ack",
    "fluentd-retry-wait", "fluentd-sub-second-precision", "fluentd-write-timeout",
}  # fmt: skip
"""What the driver takes. Buffers and retries are the engine's: the log itself is the buffer."""
_DURATIONS = (
    "fluentd-retry-wait",
    "fluentd-async-reconnect-interval",
    "fluentd-read-timeout",
    "fluentd-write-timeout",
)
_SCHEMES = frozenset({"tcp", "unix"})


def check(options: Mapping[str, str]) -> None:
    """Raises: InvalidArgument for options that are unknown or malformed."""
    check_known("fluentd", options, OPTIONS)
    if options.get("fluentd-async") and options.get("fluentd-async-connect"):
        raise InvalidArgument(
            "conflicting options: cannot specify both 'fluentd-async' and 'fluentd-async-connect'"
        )
    for name in ("fluentd-async", "fluentd-async-connect", "fluentd-sub-second-precision"):
        read_flag(options, name, default=False)
    read_flag(options, "fluentd-request-ack", default=False)
    read_number(options, "fluentd-max-retries", 0)
    read_size(options, "fluentd-buffer-limit", 0)
    for name in _DURATIONS:
        if options.get(name):
            parse_duration(options[name])
    _address(options)


class FluentdSender:
    """One container's records to a fluentd."""

    def __init__(self, source: LogSource) -> None:
        address = _address(source.options)
        self._stream = Stream(host=address.host, port=address.port, path=address.path)
        self._is_async = any(
            read_flag(source.options, name, default=False)
            for name in ("fluentd-async", "fluentd-async-connect")
        )
        self._tag = source.tag()
        self._wants_ack = read_flag(source.options, "fluentd-request-ack", default=False)
        self._is_precise = read_flag(source.options, "fluentd-sub-second-precision", default=False)
        self._fixed = {
            "container_id": source.id,
            "container_name": f"/{source.name}",
            **source.attributes(),
        }

    async def connect(self) -> None:
        """Reach the server unless that may happen later. Raises: Internal."""
        if not self._is_async:
            await self._stream.connect()

    async def send(self, entries: list[Entry]) -> None:
        """Deliver one batch, and wait for its acknowledgement when wanted. Raises: OSError."""
        if not entries:
            return
        chunk = base64.b64encode(os.urandom(16)).decode() if self._wants_ack else ""
        await self._stream.send(self.encode(entries, chunk=chunk))
        if chunk:
            await self._await_ack(chunk)

    async def close(self) -> None:
        """Close the connection."""
        await self._stream.close()

    def encode(self, entries: list[Entry], *, chunk: str = "") -> bytes:
        """One message with all entries."""
        events = [[self._time(entry.time_ns), self._record(entry)] for entry in entries]
        option: dict[str, object] = {"size": len(events)}
        if chunk:
            option["chunk"] = chunk
        return msgspec.msgpack.encode([self._tag, events, option])

    def _time(self, time_ns: int) -> int | msgspec.msgpack.Ext:
        seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
        if not self._is_precise:
            return seconds
        return msgspec.msgpack.Ext(0, struct.pack(">II", seconds, nanoseconds))

    def _record(self, entry: Entry) -> dict[str, str | bytes]:
        record: dict[str, str | bytes] = {
            **self._fixed,
            "source": "stderr" if entry.stream == STDERR else "stdout",
            "log": _text(entry.line),
        }
        if entry.partial is not None:
            record["partial_message"] = "true"
            record["partial_id"] = entry.partial.id
            record["partial_ordinal"] = str(entry.partial.ordinal)
            record["partial_last"] = "true" if entry.partial.last else "false"
        return record

    async def _await_ack(self, chunk: str) -> None:
        answer = b""
        while True:
            answer += await self._stream.read(4096)
            try:
                document = msgspec.msgpack.decode(answer, type=dict[str, object])
            except msgspec.DecodeError:
                if len(answer) < 4096:
                    continue
                document = {}
            if document.get("ack") == chunk:
                return
            await self._stream.close()
            raise OSError(errno.EPROTO, "fluentd acknowledged something else")


def _text(line: bytes) -> str | bytes:
    """Text where it is text; bytes stay what they are."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line


def _address(options: Mapping[str, str]) -> Address:
    text = options.get("fluentd-address", "") or "127.0.0.1"
    if "://" not in text:
        text = f"tcp://{text}"
    address = read_address(text, option="fluentd-address", schemes=_SCHEMES)
    return address if address.path else msgspec.structs.replace(address, port=address.port or PORT)
