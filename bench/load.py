"""A small closed-loop HTTP client: requests per second over kept-alive connections.

It knows just enough HTTP/1.1 to find the end of an answer, because what is measured is the
server. Runs inside a room.
"""

from __future__ import annotations

import select
import socket
import subprocess
import time


def unix_rate(path: str, target: str, seconds: float) -> float:
    """Requests per second of one connection to a unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        request, count = _request(target), 0
        began = time.perf_counter()
        while (elapsed := time.perf_counter() - began) < seconds:
            _exchange(connection, request)
            count += 1
        return count / elapsed


def tcp_rate(port: int, target: str, seconds: float, connections: int) -> float:
    """Requests per second of several connections to 127.0.0.1.

    A connection is kept until the server wants it closed, and then opened anew.
    """
    request, poll = _request(target), select.epoll()
    sockets: dict[int, socket.socket] = {}

    def ask_anew() -> None:
        one = socket.create_connection(("127.0.0.1", port), timeout=10)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[one.fileno()] = one
        poll.register(one, select.EPOLLIN)
        one.sendall(request)

    began, count = time.perf_counter(), 0
    parts: dict[int, bytes] = {}
    try:
        for _ in range(connections):
            ask_anew()
        while (elapsed := time.perf_counter() - began) < seconds:
            for fd, _ in poll.poll(1):
                answer = parts.pop(fd, b"") + _receive(sockets[fd])
                if not _is_complete(answer):
                    parts[fd] = answer
                    continue
                count += 1
                if b"\r\nConnection: close" in answer:
                    sockets.pop(fd).close()
                    ask_anew()
                else:
                    sockets[fd].sendall(request)
        return count / elapsed
    finally:
        for one in sockets.values():
            one.close()
        poll.close()


def create_containers(path: str, count: int) -> None:
    """Containers of busybox that are never started, `idle-0` and on.

    Raises: ConnectionError when one is refused.
    """
    body = b'{"Image": "busybox", "Cmd": ["true"]}'
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        for number in range(count):
            head = (
                f"POST /v1.41/containers/create?name=idle-{number} HTTP/1.1\r\nHost: bench\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            _exchange(connection, head.encode() + body)


def wrk_rate(port: int, target: str, seconds: int, connections: int) -> float:
    """The same, by wrk."""
    url = f"http://127.0.0.1:{port}{target}"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(next(line.split()[1] for line in output.splitlines() if "Requests/sec" in line))


def wait_for_unix(path: str, seconds: float) -> float:
    """Wait until `GET /_ping` is answered; the seconds that took."""
    began = time.perf_counter()
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(path)
                _exchange(connection, _request("/_ping"))
                return time.perf_counter() - began
        except OSError:
            if time.perf_counter() - began > seconds:
                raise
            time.sleep(0.01)


def wait_for_tcp(port: int, target: str, seconds: float) -> None:
    """Wait until a page is served on 127.0.0.1."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                _exchange(connection, _request(target))
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def _exchange(connection: socket.socket, request: bytes) -> None:
    connection.sendall(request)
    answer = _receive(connection)
    while not _is_complete(answer):
        answer += _receive(connection)


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(262144)
    if not data:
        raise ConnectionResetError("the server closed the connection")
    return data


def _is_complete(answer: bytes) -> bool:
    """Whether an answer is whole.

    Raises: ConnectionError for any status but 200 and 201.
    """
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    if answer[9:12] not in (b"200", b"201"):
        raise ConnectionError(answer[:200].decode(errors="replace"))
    head = answer[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        return answer.endswith(b"0\r\n\r\n")
    length = int(head[at + 15 :].split(b"\r", 1)[0])
    return len(answer) - end - 4 >= length
