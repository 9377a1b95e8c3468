"""A small closed-loop HTTP client: requests per second over kept-alive connections.

It knows just enough HTTP/1.1 to find the end of an answer, because what is measured is the
server. Runs inside a room.
"""

from __future__ import annotations

import io
import select
import socket
import subprocess
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor


def unix_rate(path: str, target: str, seconds: float) -> float:
    """Requests per second of one connection to a unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        request, count = _request(target), 0
        began = time.perf_counter()
        while (elapsed := time.perf_counter() - began) < seconds:
            exchange(connection, request)
            count += 1
        return count / elapsed


def tcp_rate(address: str, port: int, target: str, seconds: float, connections: int) -> float:
    """Requests per second of several connections.

    A connection is kept until the server wants it closed, and then opened anew.
    """
    request, poll = _request(target), select.epoll()
    sockets: dict[int, socket.socket] = {}

    def ask_anew() -> None:
        one = socket.create_connection((address, port), timeout=10)
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
            exchange(connection, _post(f"/v1.41/containers/create?name=idle-{number}", body))


def run_containers(path: str, count: int, connections: int) -> float:
    """Makes and starts sleepers of busybox, `crowd-0` and on; wall seconds.

    Raises: ConnectionError when one is refused.
    """
    body = b'{"Image": "busybox", "Cmd": ["sleep", "10000"]}'
    numbers = iter(range(count))

    def work() -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            for number in numbers:
                name = f"crowd-{number}"
                exchange(connection, _post(f"/v1.41/containers/create?name={name}", body))
                exchange(connection, _post(f"/v1.41/containers/{name}/start"))

    began = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        for one in [pool.submit(work) for _ in range(connections)]:
            one.result()
    return time.perf_counter() - began


def import_images(path: str, count: int) -> None:
    """Images of one layer with one small file each, `many:0` and on.

    Raises: ConnectionError when one is refused.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        for number in range(count):
            target = f"/v1.41/images/create?fromSrc=-&repo=many&tag={number}"
            exchange(connection, _post(target, _layer(number), kind="application/x-tar"))


def post_s(path: str, target: str, body: str) -> float:
    """Wall seconds of one request with a JSON body on a connection that is open already."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        exchange(connection, _request("/_ping"))
        request = _post(target, body.encode())
        began = time.perf_counter()
        exchange(connection, request)
        return time.perf_counter() - began


def wrk_rate(address: str, port: int, target: str, seconds: int, connections: int) -> float:
    """The same, by wrk."""
    url = f"http://{address}:{port}{target}"
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
                exchange(connection, _request("/_ping"))
                return time.perf_counter() - began
        except OSError:
            if time.perf_counter() - began > seconds:
                raise
            time.sleep(0.01)


def wait_for_tcp(address: str, port: int, target: str, seconds: float) -> None:
    """Wait until a page is served."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection((address, port), timeout=5) as connection:
                exchange(connection, _request(target))
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def exchange(connection: socket.socket, request: bytes) -> None:
    """One request, and its answer to the end. Raises: ConnectionError when it is refused."""
    connection.sendall(request)
    answer = _receive(connection)
    while not _is_complete(answer):
        answer += _receive(connection)


def _request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def _post(target: str, body: bytes = b"", *, kind: str = "application/json") -> bytes:
    head = (
        f"POST {target} HTTP/1.1\r\nHost: bench\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _layer(number: int) -> bytes:
    """A tar with one file that says which it is."""
    buffer, text = io.BytesIO(), f"{number}\n".encode()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("number")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    return buffer.getvalue()


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(262144)
    if not data:
        raise ConnectionResetError("the server closed the connection")
    return data


def _is_complete(answer: bytes) -> bool:
    """Whether an answer is whole.

    Raises: ConnectionError for any status but 200, 201 and 204.
    """
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    if answer[9:12] == b"204":
        return True
    if answer[9:12] not in (b"200", b"201"):
        raise ConnectionError(answer[:200].decode(errors="replace"))
    head = answer[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        return answer.endswith(b"0\r\n\r\n")
    length = int(head[at + 15 :].split(b"\r", 1)[0])
    return len(answer) - end - 4 >= length
