"""One client that makes events and one that follows them. Run inside a room."""

from __future__ import annotations

import json
import socket
import threading
import time

from bench.load import exchange

_WAIT_S = 20.0


def rate(path: str, count: int) -> float:
    """Events per second, from the first request that makes one until the follower has them all.

    A container called `one` gets `count` names in a row and its own back.
    Raises: ConnectionError when an event is lost.
    """
    with socket.socket(socket.AF_UNIX) as events, socket.socket(socket.AF_UNIX) as requests:
        events.settimeout(_WAIT_S)
        events.connect(path)
        wanted = "%7B%22event%22%3A%5B%22rename%22%5D%7D"
        events.sendall(f"GET /v1.41/events?filters={wanted} HTTP/1.1\r\nHost: b\r\n\r\n".encode())
        requests.connect(path)
        time.sleep(0.2)  # dockerd may still be about to subscribe
        began = time.perf_counter()
        maker = threading.Thread(target=_rename, args=(requests, count), name="maker")
        maker.start()
        names = _follow(events, count)
        took = time.perf_counter() - began
        maker.join()
    if names != [f"event-{number}" for number in range(count - 1)] + ["one"]:
        raise ConnectionError("events came in another order")
    return count / took


def _rename(connection: socket.socket, count: int) -> None:
    """Gives the container one name after the other, its own at last."""
    old = "one"
    for number in range(count):
        new = "one" if number == count - 1 else f"event-{number}"
        target = f"/v1.41/containers/{old}/rename?name={new}"
        exchange(connection, f"POST {target} HTTP/1.1\r\nHost: b\r\n\r\n".encode())
        old = new


def _follow(connection: socket.socket, count: int) -> list[str]:
    """The names that `count` events tell. Raises: ConnectionError when they do not come."""
    names: list[str] = []
    rest = b""
    while len(names) < count:
        try:
            data = connection.recv(262144)
        except TimeoutError as error:
            raise ConnectionError(f"{count - len(names)} of {count} events are lost") from error
        if not data:
            raise ConnectionResetError("the stream of events ended")
        *lines, rest = (rest + data).split(b"\n")
        found = [json.loads(line) for line in lines if line.startswith(b"{")]
        names += [one["Actor"]["Attributes"]["name"].lstrip("/") for one in found]
    return names
