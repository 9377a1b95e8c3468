"""Files and standard input as pieces of bytes. Light."""

from __future__ import annotations

import os

from budu.cli.failures import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_READ_SIZE = 1 << 16
"""More than malloc's 128 KiB would come in pages that are new, and slow, each time."""


def open_file(path: str) -> int:
    """A descriptor to read from. Raises: CommandFailed with Docker's sentence."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise CommandFailed(f"open {path}: {(error.strerror or '').lower()}") from None


def pieces_of(fd: int) -> Iterator[bytes]:
    """What is read from `fd`, to its end."""
    while piece := os.read(fd, _READ_SIZE):
        yield piece
