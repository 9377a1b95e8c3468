"""One HTTP request to a plugin and its answer, over a connection of its own.

The answer's head and body are bounded, redirects are not followed, and the caller sets the time
limit. httptools parses, as it does for the engine's own API.
"""

from __future__ import annotations

import asyncio
import ssl

import httptools
import msgspec

from budu.plugin.discovery import Address, TlsFiles

MEDIA_TYPE = "application/vnd.docker.plugins.v1.2+json"
"""What is asked for and sent. Source: moby 28.3, pkg/plugins/transport."""

LARGEST_HEAD = 64 << 10
LARGEST_BODY = 8 << 20
_READ_BYTES = 64 << 10


class BadAnswer(Exception):
    """The plugin's answer is no HTTP, or too large, or ends in the middle."""


class Unreached(Exception):
    """The plugin was not there, or hung up before its answer; `reason` in Go's words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Answer(msgspec.Struct, frozen=True):
    """An HTTP status and a body."""

    status: int
    body: bytes


async def post(address: Address, method: str, body: bytes) -> Answer:
    """Send `body` to `/method` and read the answer.

    Bound it with a timeout: nothing here does. Raises: Unreached, BadAnswer.
    """
    try:
        reader, writer = await _connect(address)
    except ssl.SSLError as error:
        raise Unreached(f"dial {address}: tls: {error.reason or error}") from error
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        step = "lookup" if not error.errno or error.errno < 0 else "connect"
        raise Unreached(f"dial {address}: {step}: {words}") from error
    try:
        writer.write(_request(address, method, body))
        return await _read_answer(reader)
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        raise Unreached(f"read {address}: {words}") from error
    finally:
        writer.transport.abort()


async def _connect(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.scheme == "unix":
        return await asyncio.open_unix_connection(address.path)
    if address.scheme != "https":
        return await asyncio.open_connection(address.host, address.port)
    context = await asyncio.to_thread(tls_context, address.tls)
    return await asyncio.open_connection(
        address.host, address.port, ssl=context, server_hostname=address.host
    )


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """The client side of TLS. Raises: OSError (also ssl.SSLError) for files that cannot be used."""
    context = ssl.create_default_context(cafile=files.ca_file or None)
    if not files.verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if files.cert_file:
        context.load_cert_chain(files.cert_file, files.key_file or None)
    return context


def _request(address: Address, method: str, body: bytes) -> bytes:
    host = address.host or "plugin"
    head = (
        f"POST /{method} HTTP/1.1\r\nHost: {host}\r\nAccept: {MEDIA_TYPE}\r\n"
        f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


class _Receiver:
    """Callbacks of httptools."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.head_done = False
        self.is_complete = False
        self.has_length = False

    def on_header(self, name: bytes, _: bytes) -> None:
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self.has_length = True

    def on_headers_complete(self) -> None:
        self.head_done = True

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.is_complete = True


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    receiver = _Receiver()
    parser = httptools.HttpResponseParser(receiver)
    received = 0
    while not receiver.is_complete:
        data = await reader.read(_READ_BYTES)
        if not data:
            _check_end(receiver, received)
            break
        received += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise BadAnswer(f"malformed HTTP response: {error}") from error
        if received > LARGEST_BODY + LARGEST_HEAD:
            raise BadAnswer(f"answer of more than {LARGEST_BODY} bytes")
        if not receiver.head_done and received > LARGEST_HEAD:
            raise BadAnswer(f"header of more than {LARGEST_HEAD} bytes")
        if receiver.head_done and 100 <= parser.get_status_code() < 200:
            raise BadAnswer(f"unexpected status {parser.get_status_code()}")
    return Answer(parser.get_status_code(), bytes(receiver.body))


def _check_end(receiver: _Receiver, received: int) -> None:
    """The peer closed: the end of a body without a length, or of a peer that died."""
    if not received:
        raise Unreached("EOF")
    if not receiver.head_done or receiver.has_length:
        raise BadAnswer("unexpected EOF")
