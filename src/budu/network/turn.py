"""Engines that start at once choose their subnets one after the other.

The lock is a name in the abstract socket space: it belongs to the network namespace, as subnets
do, and the kernel frees it when its holder dies.
Source: man 7 unix, "Abstract sockets".
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from budu.base.errors import DeadlineExceeded

_NAME = b"\0budu/subnet-choice"
_DEADLINE_S = 10.0
_RETRY_S = 0.01


@contextmanager
def subnet_turn() -> Iterator[None]:
    """Hold the turn inside the block; waits for another engine up to ten seconds.

    Raises: DeadlineExceeded when the turn does not come.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as turn:
        deadline = time.monotonic() + _DEADLINE_S
        while not _take(turn):
            if time.monotonic() > deadline:
                raise DeadlineExceeded("another engine is choosing its subnet and does not finish")
            time.sleep(_RETRY_S)
        yield


def _take(turn: socket.socket) -> bool:
    try:
        turn.bind(_NAME)
    except OSError:
        return False
    return True
