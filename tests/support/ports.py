"""Ports of this machine that are free right now, and that nobody is given by chance: connections
get theirs from 32768 on, so that one of those could be taken before its server listens, or be
connected to itself by who waits for the server."""

from __future__ import annotations

import random
import socket


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port that nobody holds at any address."""
    for port in random.SystemRandom().sample(range(10_000, 20_000), 1_000):
        if _is_free(port, kind):
            return port
    raise AssertionError("no free port")


def free_port_range(count: int) -> int:
    """The first of `count` free ports in a row."""
    for first in range(20000, 30000, count):
        if all(_is_free(first + offset) for offset in range(count)):
            return first
    raise AssertionError(f"no {count} free ports in a row")


def _is_free(port: int, kind: int = socket.SOCK_STREAM) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
