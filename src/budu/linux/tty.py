"""Terminals: pseudo terminals, window size, raw mode.

Source: man 4 tty_ioctl, man 7 pty, man 3 termios.
"""

from __future__ import annotations

import fcntl
import os
import struct
import termios

TIOCSCTTY = 0x540E  # <asm-generic/ioctls.h>
TIOCGWINSZ = 0x5413
TIOCSWINSZ = 0x5414
TIOCGPTN = 0x80045430
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


def slave_number(master: int) -> int:
    """Return N of the slave's path /dev/pts/N."""
    number: int = struct.unpack("i", fcntl.ioctl(master, TIOCGPTN, b"\0\0\0\0"))[0]
    return number


def set_controlling(fd: int) -> None:
    """Make the terminal the controlling one of this session leader."""
    fcntl.ioctl(fd, TIOCSCTTY, 0)


def get_size(fd: int) -> tuple[int, int]:
    """Return (rows, columns)."""
    rows, columns, _x, _y = _WINSIZE.unpack(fcntl.ioctl(fd, TIOCGWINSZ, bytes(8)))
    return rows, columns


def set_size(fd: int, rows: int, columns: int) -> None:
    """Set the window size; the foreground processes get SIGWINCH."""
    fcntl.ioctl(fd, TIOCSWINSZ, _WINSIZE.pack(rows, columns, 0, 0))


def make_raw(fd: int) -> list[object]:
    """Switch to raw mode (man 3 cfmakeraw); return the old attributes for `restore`."""
    old = termios.tcgetattr(fd)
    raw = list(old)
    raw[_IFLAG] &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    raw[_OFLAG] &= ~termios.OPOST
    raw[_LFLAG] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    raw[_CFLAG] = raw[_CFLAG] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    raw[_CC] = [*old[_CC]]
    raw[_CC][termios.VMIN], raw[_CC][termios.VTIME] = 1, 0
    termios.tcsetattr(fd, termios.TCSANOW, raw)
    return old


def restore(fd: int, attributes: list[object]) -> None:
    """Put back what `make_raw` returned, once written output is out."""
    termios.tcsetattr(fd, termios.TCSADRAIN, attributes)  # type: ignore[arg-type]  # as tcgetattr
