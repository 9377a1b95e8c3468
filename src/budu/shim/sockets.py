"""Unix sockets at paths of any length, and who is at the other end.

The kernel takes at most 107 bytes of path; `/proc/self/fd/N/name` with an open folder is shorter.
Light: standard library only.
"""

from __future__ import annotations

import _socket
import os
import struct


def listen_at(path: str) -> _socket.socket:
    """A non-blocking SEQPACKET socket that listens at `path` and that only its owner may use.

    A stale socket file is replaced. Raises: OSError.
    """
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    directory, name = _open_directory(path)
    mask = os.umask(0o177)
    try:
        try:
            os.unlink(name, dir_fd=directory)
        except FileNotFoundError:
            pass
        sock.bind(f"/proc/self/fd/{directory}/{name}")
    finally:
        os.umask(mask)
        os.close(directory)
    sock.listen(16)
    sock.setblocking(False)
    return sock


def connect_to(path: str) -> _socket.socket:
    """A socket connected to whoever listens at `path`; connecting does not block.

    Raises: FileNotFoundError, ConnectionRefusedError when nobody does.
    """
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    sock.setblocking(False)
    directory, name = _open_directory(path)
    try:
        sock.connect(f"/proc/self/fd/{directory}/{name}")
    except OSError:
        sock.close()
        raise
    finally:
        os.close(directory)
    return sock


def accept(listener: _socket.socket) -> _socket.socket | None:
    """The next connection, non-blocking; None when it is not the same user or root."""
    fd, _ = listener._accept()  # type: ignore[attr-defined]  # _socket has it, typeshed not
    sock = _socket.socket(fileno=fd)
    sock.setblocking(False)
    credentials = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
    if struct.unpack("3i", credentials)[1] in (0, os.geteuid()):
        return sock
    sock.close()
    return None


def _open_directory(path: str) -> tuple[int, str]:
    directory, _, name = path.rpartition("/")
    return os.open(directory or "/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), name
