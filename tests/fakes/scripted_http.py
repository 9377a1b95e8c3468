"""A real server on a unix socket that answers with prepared bytes."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

Turn = Callable[[socket.socket, bytes], None]


class ScriptedServer:
    """Serves one connection after another; each request is handed to the next turn.

    A turn gets the connection and the request's bytes (head, and the body it announced).
    """

    def __init__(self, *turns: Turn) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="srv"))
        self.path = str(self._folder / "s")
        self._turns = list(turns)
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        shutil.rmtree(self._folder)

    def _serve(self) -> None:
        while self._turns:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                self._serve_connection(connection)

    def _serve_connection(self, connection: socket.socket) -> None:
        while self._turns:
            request = _read_request(connection)
            if not request:
                return
            self.requests.append(request)
            turn = self._turns.pop(0)
            turn(connection, request)
            if turn in (hang_up, close_after):
                return


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def hang_up(connection: socket.socket, request: bytes) -> None:
    """Close without an answer."""


def close_after(connection: socket.socket, request: bytes) -> None:
    """Answer without a length and close."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")


def answer(
    body: bytes = b"", *, status: str = "200 OK", pieces: int = 1, headers: str = ""
) -> Turn:
    """Answer with a counted body, sent in pieces."""

    def turn(connection: socket.socket, request: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        whole = head.encode() + body
        step = max(1, len(whole) // pieces)
        for start in range(0, len(whole), step):
            connection.sendall(whole[start : start + step])

    return turn


def raw(data: bytes) -> Turn:
    """Answer with these bytes."""

    def turn(connection: socket.socket, request: bytes) -> None:
        connection.sendall(data)

    return turn
