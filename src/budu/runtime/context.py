"""What the steps of one container's init hand to each other.

Standard library only. One `Context` lives in the cloned child until execve.
"""

from __future__ import annotations

import os

from budu.linux.fds import send_fds
from budu.linux.libc import AT_FDCWD

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket


class Context:
    """Descriptors and findings of the set-up.

    `root` is a descriptor of the container's root once it is entered (AT_FDCWD before), `trees`
    detached mounts by key, `empty_tree` one that hides directories, `uid`, `gid`, `groups` and
    `home` who the process becomes, `warnings` what was skipped because the kernel refused it.
    """

    __slots__ = (
        "empty_tree",
        "fds",
        "gid",
        "groups",
        "home",
        "root",
        "stdio",
        "sync",
        "trees",
        "uid",
        "warnings",
    )

    def __init__(
        self, sync: _socket.socket, stdio: tuple[int, int, int], fds: dict[str, int]
    ) -> None:
        self.sync = sync
        self.stdio = stdio
        self.fds = fds
        self.root = AT_FDCWD
        self.trees: dict[str, int] = {}
        self.empty_tree = -1
        self.uid = 0
        self.gid = 0
        self.groups: tuple[int, ...] = ()
        self.home = ""
        self.warnings: list[str] = []

    def tree(self, key: str) -> int:
        """Return a detached mount: `fd:NAME` was passed in, other keys were opened by a step."""
        return self.fds[key[3:]] if key.startswith("fd:") else self.trees[key]

    def open(self, reference: str) -> int:
        """Return a descriptor of `fd:NAME` (passed in) or of a path."""
        if reference.startswith("fd:"):
            return self.fds[reference[3:]]
        return os.open(reference, os.O_RDONLY | os.O_CLOEXEC)

    def send(self, message: bytes, fds: tuple[int, ...] = ()) -> None:
        """Tell the parent something (see `launch`)."""
        send_fds(self.sync, message, fds)
