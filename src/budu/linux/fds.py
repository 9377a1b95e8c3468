"""File descriptors: passing them over sockets, memfd, inotify.

Built on `_socket`, because importing `socket` costs milliseconds in a small process.
Source: man 3 cmsg, man 2 memfd_create, man 7 inotify.
"""

from __future__ import annotations

import _socket
import os
import struct
from ctypes import c_char_p, c_int, c_uint

from budu.linux.libc import bind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MFD_CLOEXEC = 1  # <linux/memfd.h>

IN_MODIFY = 0x2  # <linux/inotify.h>
IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_IGNORED = 0x8000
IN_ONLYDIR = 0x01000000

_EVENT = struct.Struct("iIII")  # struct inotify_event: wd, mask, cookie, len

_inotify_init1 = bind("inotify_init1", c_int)
_inotify_add_watch = bind("inotify_add_watch", c_int, c_char_p, c_uint)
_inotify_rm_watch = bind("inotify_rm_watch", c_int, c_int)


def socketpair_seqpacket() -> tuple[_socket.socket, _socket.socket]:
    """Return two connected sockets that keep message boundaries; both are close-on-exec."""
    return _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)


def send_fds(sock: _socket.socket, data: bytes, fds: Sequence[int]) -> int:
    """Send `data` (at least one byte) with descriptors; return the number of bytes sent."""
    if not fds:
        return sock.send(data)
    packed = struct.pack(f"{len(fds)}i", *fds)
    return sock.sendmsg([data], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed)])


def recv_fds(sock: _socket.socket, size: int, max_fds: int) -> tuple[bytes, list[int]]:
    """Receive up to `size` bytes with up to `max_fds` descriptors, which the caller closes.

    The descriptors are close-on-exec. Empty data means that the other end is closed.
    """
    data, ancillary, _flags, _address = sock.recvmsg(
        size, _socket.CMSG_SPACE(max_fds * 4), _socket.MSG_CMSG_CLOEXEC
    )
    fds: list[int] = []
    for level, kind, packed in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            fds.extend(struct.unpack(f"{len(packed) // 4}i", packed[: len(packed) // 4 * 4]))
    return data, fds


def memfd_create(name: str, flags: int = MFD_CLOEXEC) -> int:
    """Return an anonymous file in memory."""
    return os.memfd_create(name, flags)


def inotify_init(flags: int = os.O_CLOEXEC | os.O_NONBLOCK) -> int:
    """Return a descriptor that reports changes of watched files."""
    return _inotify_init1(flags)


def inotify_add_watch(fd: int, path: str, mask: int) -> int:
    """Watch `path` for `mask` (IN_*); return the watch number."""
    return _inotify_add_watch(fd, os.fsencode(path), mask)


def inotify_rm_watch(fd: int, watch: int) -> None:
    """Stop a watch; the kernel then reports IN_IGNORED for it."""
    _inotify_rm_watch(fd, watch)


def inotify_read(fd: int) -> list[tuple[int, int, int, str]]:
    """Return waiting events as (watch, mask, cookie, name); empty when there are none."""
    try:
        return parse_inotify(os.read(fd, 65536))
    except BlockingIOError:
        return []


def parse_inotify(data: bytes) -> list[tuple[int, int, int, str]]:
    """Split what an inotify descriptor delivered into (watch, mask, cookie, name)."""
    events, offset = [], 0
    while offset < len(data):
        watch, mask, cookie, length = _EVENT.unpack_from(data, offset)
        offset += _EVENT.size
        name = data[offset : offset + length].rstrip(b"\0")
        events.append((watch, mask, cookie, os.fsdecode(name)))
        offset += length
    return events
