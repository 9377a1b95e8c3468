"""Bodies that come in pieces: chunked, ended early by an answer, never passed for whole."""

from __future__ import annotations

import _socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from budu.client.endpoint import Choice, choose_endpoint
from budu.client.transport import Connection

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"

Serve = Callable[[Callable[[_socket.socket], None]], Connection]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """A connection to one use of a function that talks over the accepted socket."""
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "s"))
    listener.listen(1)
    threads: list[threading.Thread] = []

    def start(talk: Callable[[_socket.socket], None]) -> Connection:
        def run() -> None:
            fd, _ = listener._accept()
            accepted = _socket.socket(fileno=fd)
            talk(accepted)
            accepted.close()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        choice = Choice({}, config_folder=str(tmp_path), host=f"unix://{tmp_path}/s")
        return Connection(choose_endpoint(choice))

    yield start
    for thread in threads:
        thread.join(20)
    listener.close()


def read_until(sock: _socket.socket, end: bytes) -> bytes:
    """What was received when `end` was in it, or the other side was done."""
    data = b""
    while end not in data and (more := sock.recv(65536)):
        data += more
    return data


def test_pieces_become_chunks(serve: Serve) -> None:
    seen: list[bytes] = []

    def talk(sock: _socket.socket) -> None:
        seen.append(read_until(sock, b"\r\n0\r\n\r\n"))
        sock.send(ANSWER)

    connection = serve(talk)
    response = connection.upload("PUT", "/x", iter([b"abc", b"", b"d" * 17]))
    assert (response.status, response.read()) == (200, b"ok")
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PUT /x HTTP/1.1\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert b"Content-Length" not in head
    assert body == b"3\r\nabc\r\n11\r\n" + b"d" * 17 + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize("hangs_up", [True, False])
def test_an_early_answer_ends_the_body(serve: Serve, hangs_up: bool) -> None:
    done = threading.Event()

    def talk(sock: _socket.socket) -> None:
        read_until(sock, b"\r\n\r\n")
        sock.send(REFUSED)
        if not hangs_up:
            done.wait(20)

    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(4096)

    connection = serve(talk)
    response = connection.upload("PUT", "/x", endless())
    assert (response.status, response.read()) == (403, b"no")
    assert connection.fileno() == -1
    done.set()


def test_a_body_that_fails_is_not_ended(serve: Serve) -> None:
    seen: list[bytes] = []
    done = threading.Event()

    def talk(sock: _socket.socket) -> None:
        seen.append(read_until(sock, b"never"))
        done.set()

    def breaks() -> Iterator[bytes]:
        yield b"abc"
        raise ValueError("unreadable")

    connection = serve(talk)
    with pytest.raises(ValueError, match="unreadable"):
        connection.upload("PUT", "/x", breaks())
    assert connection.fileno() == -1
    assert done.wait(20)
    assert seen[0].endswith(b"3\r\nabc\r\n")
