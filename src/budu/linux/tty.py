"""Terminals: pseudo terminals, window size.

Source: man 4 tty_ioctl, man 7 pty.
"""

from __future__ import annotations

import fcntl
import os
import struct

TIOCSCTTY = 0x540E  # <asm-generic/ioctls.h>
TIOCSWINSZ = 0x5414
TIOCSPTLCK = 0x40045431
TIOCGPTPEER = 0x5441

_WINSIZE = struct.Struct("HHHH")  # struct winsize: rows, columns, two unused pixel sizes
_IFLAG, _OFLAG, _CFLAG, _LFLAG, _CC = 0, 1, 2, 3, 6


def open_ptmx(path: str = "/dev/ptmx") -> int:
    """Return the master of a new pseudo terminal whose slave may be opened."""
    master = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(master, TIOCSPTLCK, struct.pack("i", 0))
    return master


def open_slave(master: int) -> int:
    """Return the slave side, found through the master and not by a path."""
    return fcntl.ioctl(master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


def set_controlling(fd: int) -> None:
    """Make the terminal the controlling one of this session leader."""
    fcntl.ioctl(fd, TIOCSCTTY, 0)


def set_size(fd: int, rows: int, columns: int) -> None:
    """Set the window size; the foreground processes get SIGWINCH."""
    fcntl.ioctl(fd, TIOCSWINSZ, _WINSIZE.pack(rows, columns, 0, 0))
