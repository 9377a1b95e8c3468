"""HTTP over a real unix socket."""

from __future__ import annotations

import socket

import pytest
from tests.fakes.scripted_http import ScriptedServer, answer, close_after, hang_up, raw

from budu.base.errors import DataLoss
from budu.client.endpoint import Endpoint
from budu.client.transport import Connection

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def connect(server: ScriptedServer) -> Connection:
    return Connection(Endpoint(f"unix://{server.path}", path=server.path))


def test_counted_body_in_many_pieces() -> None:
    with ScriptedServer(answer(b"x" * 1000, pieces=200)) as server:
        response = connect(server).request("GET", "/a")
        assert (response.status, response.read()) == (200, b"x" * 1000)


def test_connection_is_used_again_after_the_whole_body() -> None:
    with ScriptedServer(answer(b"one"), answer(b"two")) as server:
        connection = connect(server)
        assert connection.request("GET", "/1").read() == b"one"
        assert connection.request("GET", "/2").read() == b"two"
        assert server.connections == 1


def test_chunked_body() -> None:
    data = CHUNKED + b"3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n"
    with ScriptedServer(raw(data), answer(b"next")) as server:
        connection = connect(server)
        response = connection.request("GET", "/")
        assert response.read() == b"abcdefg"
        assert response.is_complete
        assert connection.request("GET", "/").read() == b"next"


def test_lines_come_whole_across_chunks() -> None:
    data = CHUNKED + b'5\r\n{"a":\r\n6\r\n1}\n{"b\r\n6\r\n":2}\n\n\r\n2\r\nzz\r\n0\r\n\r\n'
    with ScriptedServer(raw(data)) as server:
        lines = list(connect(server).request("GET", "/").lines())
        assert lines == [b'{"a":1}', b'{"b":2}', b"zz"]


def test_body_until_close() -> None:
    with ScriptedServer(close_after) as server:
        assert connect(server).request("GET", "/").read() == b"until the end"


def test_no_content_has_no_body() -> None:
    head = b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"
    with ScriptedServer(raw(head), answer(b"next")) as server:
        connection = connect(server)
        assert connection.request("POST", "/").read() == b""
        assert connection.request("GET", "/").read() == b"next"


def test_informational_answer_is_skipped() -> None:
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with ScriptedServer(raw(data)) as server:
        assert connect(server).request("GET", "/").read() == b"ok"


def test_request_carries_headers_and_body() -> None:
    with ScriptedServer(answer()) as server:
        connect(server).request("POST", "/x?y=1", headers={"X-A": "b"}, body=b"{}").read()
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /x?y=1 HTTP/1.1\r\nHost: localhost\r\n")
        assert b"\r\nX-A: b" in head
        assert b"\r\nContent-Length: 2" in head
        assert body == b"{}"


def test_post_without_a_body_says_so() -> None:
    with ScriptedServer(answer()) as server:
        connect(server).request("POST", "/x").read()
        assert b"\r\nContent-Length: 0\r\n" in server.requests[0]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nshort",
        CHUNKED + b"ff\r\nshort",
    ],
)
def test_a_body_that_ends_early_is_data_loss(data: bytes) -> None:
    def cut(connection: socket.socket, request: bytes) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    with ScriptedServer(cut) as server, pytest.raises(DataLoss):
        connect(server).request("GET", "/").read()


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_an_answer_that_is_not_http_is_refused(data: bytes) -> None:
    with ScriptedServer(raw(data)) as server, pytest.raises(DataLoss, match="malformed"):
        connect(server).request("GET", "/")


def test_a_kept_connection_that_died_is_opened_again() -> None:
    with ScriptedServer(answer(b"one"), hang_up, answer(b"two")) as server:
        connection = connect(server)
        connection.request("GET", "/1").read()
        assert connection.request("GET", "/2").read() == b"two"
        assert server.connections == 2


def test_a_new_connection_that_dies_is_an_error() -> None:
    with ScriptedServer(hang_up) as server, pytest.raises((DataLoss, ConnectionError)):
        connect(server).request("GET", "/")


def test_hijack_keeps_early_bytes_and_half_closes() -> None:
    received: list[bytes] = []

    def upgrade(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nearly")
        while data := connection.recv(100):
            received.append(data)
        connection.sendall(b"late")
        connection.shutdown(socket.SHUT_RDWR)

    with ScriptedServer(upgrade) as server:
        response, taken, early = connect(server).hijack("POST", "/attach")
        assert taken is not None
        while len(early) < 5:
            early += taken.recv(100)
        taken.sendall(b"typed")
        taken.shutdown(socket.SHUT_WR)
        assert (response.status, early, taken.recv(100)) == (101, b"early", b"late")
        taken.close()
    assert b"".join(received) == b"typed"
    assert b"Upgrade: tcp" in server.requests[0]


def test_refused_hijack_leaves_a_readable_answer() -> None:
    with ScriptedServer(answer(b"no", status="404 Not Found")) as server:
        response, taken, _ = connect(server).hijack("POST", "/attach")
        assert taken is None
        assert (response.status, response.read()) == (404, b"no")
