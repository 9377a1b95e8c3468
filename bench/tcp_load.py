"""Small TCP clients: a stream as fast as it comes, and one connection after another.

Run inside a room.
"""

from __future__ import annotations

import socket
import statistics
import time

_PIECE = 1 << 20
_WARM_UP_S = 0.2


def bulk_rate(address: str, port: int, seconds: float) -> float:
    """MiB per second of one connection whose server sends without end."""
    with socket.create_connection((address, port), timeout=10) as connection:
        buffer = bytearray(_PIECE)
        _receive_for(connection, buffer, _WARM_UP_S)
        began = time.perf_counter()
        size = _receive_for(connection, buffer, seconds)
        return size / (1 << 20) / (time.perf_counter() - began)


def visit_s(address: str, port: int, seconds: float) -> float:
    """Median seconds of a connection that asks for one page and ends with its last byte."""
    request = b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
    samples = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        with socket.create_connection((address, port), timeout=10) as connection:
            connection.sendall(request)
            while connection.recv(65536):
                pass
        samples.append(time.perf_counter() - began)
    return statistics.median(samples)


def _receive_for(connection: socket.socket, buffer: bytearray, seconds: float) -> int:
    """Bytes received in so many seconds. Raises: ConnectionError when the server ends."""
    end = time.perf_counter() + seconds
    size = 0
    while time.perf_counter() < end:
        count = connection.recv_into(buffer)
        if not count:
            raise ConnectionResetError("the stream ended")
        size += count
    return size
