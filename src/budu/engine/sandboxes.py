"""Network namespaces made by the engine, one per container, held by a descriptor.

A namespace belongs to the thread that unshares it, so a thread of its own makes each and goes back.
It lives as long as the container's processes or this descriptor.
Source: man 7 network_namespaces; man 2 setns.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from budu.linux.namespaces import CLONE_NEWNET, setns, unshare

_HERE = "/proc/thread-self/ns/net"


def _make() -> int:
    home = os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        unshare(CLONE_NEWNET)
        try:
            return os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            setns(home, CLONE_NEWNET)
    finally:
        os.close(home)


class SandboxFactory:
    """Makes network namespaces. Close it at the end."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="netns")

    def make(self) -> int:
        """A descriptor of a fresh network namespace, the caller's to close. Blocks some 0.5 ms.

        Raises: OSError without CAP_SYS_ADMIN.
        """
        return self._thread.submit(_make).result()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()
