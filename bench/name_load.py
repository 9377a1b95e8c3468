"""A small load of name look-ups, sent from within a container's network namespace.

`python -m bench.name_load NAME SECONDS` asks 127.0.0.11 there and prints the answers per second.
"""

from __future__ import annotations

import select
import socket
import struct
import subprocess
import sys
import time

SERVER = ("127.0.0.11", 53)
"""Where a container on a network of its own finds its name server."""
WINDOW = 32
"""Questions under way at a time."""


def rate(pid: int, name: str, seconds: float) -> float:
    """Answers per second to questions for `name` from the sandbox of process `pid`."""
    command = ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-m", "bench.name_load"]
    done = subprocess.run(
        [*command, name, str(seconds)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def question(number: int, name: str) -> bytes:
    """A question for the IPv4 address of a name. Source: RFC 1035, section 4."""
    labels = b"".join(bytes((len(part),)) + part.encode() for part in name.split("."))
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + b"\0\1\0\1"


def ask(name: str, seconds: float) -> float:
    """Keeps `WINDOW` questions under way; answers per second.

    Raises: ConnectionError for an answer without an address, TimeoutError for silence.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(SERVER)
        for number in range(WINDOW):
            sender.send(question(number, name))
        count, began = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - began) < seconds:
            if not select.select([sender], [], [], 2)[0]:
                raise TimeoutError("the name server is silent")
            answer = sender.recv(1500)
            if answer[3] & 0x0F or not struct.unpack(">H", answer[6:8])[0]:
                raise ConnectionError(f"no address for {name}")
            count += 1
            sender.send(question((count + WINDOW) & 0xFFFF, name))
        return count / elapsed


if __name__ == "__main__":
    print(ask(sys.argv[1], float(sys.argv[2])))
