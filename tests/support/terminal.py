"""A program on a terminal of its own: what a person would type and see."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

TIMEOUT_S = 30


class Terminal:
    """A process whose stdio is a pseudo terminal. Use it in a `with` block."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, rows: int, columns: int
    ) -> None:
        self._master, slave = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        os.close(self._master)

    def resize(self, rows: int, columns: int) -> None:
        """Change the window; the program hears of it with `tell_resize`."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def tell_resize(self) -> None:
        self.process.send_signal(signal.SIGWINCH)

    def type(self, text: str) -> None:
        """Type on the keyboard."""
        os.write(self._master, text.encode())

    def read_until(self, wanted: str) -> str:
        """What came on the screen up to `wanted`, which is used up."""
        deadline = time.monotonic() + TIMEOUT_S
        while wanted.encode() not in self.seen:
            assert self._read(deadline), f"{wanted!r} did not come: {self.seen!r}"
        before, _, self.seen = self.seen.partition(wanted.encode())
        return before.decode(errors="replace")

    def wait(self) -> int:
        """Read to the end; the exit status."""
        deadline = time.monotonic() + TIMEOUT_S
        while self._read(deadline):
            pass
        return self.process.wait(max(deadline - time.monotonic(), 0.1))

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(deadline - time.monotonic(), 0))
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:  # EIO: the program has let go of the terminal
            return False
        self.seen += data
        return bool(data)
