"""A container's three standard streams as the shim sees them: pipes or a terminal.

Light: standard library only. Neighbours: `shim.main`.
"""

from __future__ import annotations

import os

from budu.logs.frames import STDERR, STDOUT


class Stdio:
    """The shim's ends, and until the start the container's.

    Pipes keep the kernel's 64 KiB. The input is kept open for engines that come later.
    """

    __slots__ = ("_is_terminal", "input", "outputs", "theirs")

    def __init__(
        self, *, theirs: tuple[int, int, int], outputs: dict[int, int], stdin: int, tty: bool
    ) -> None:
        self.theirs = theirs
        """The descriptors that become 0, 1 and 2 of the container."""
        self.outputs = outputs
        """Descriptors to read, with the log stream that each belongs to."""
        self.input = stdin
        """Where the container's input is written: a pipe's end, a terminal's master, or -1."""
        self._is_terminal = tty

    def started(self, console: int | None) -> None:
        """Close the container's ends; take the master of its terminal over."""
        self._close_theirs()
        if console is not None:
            os.set_blocking(console, False)
            self.outputs[console] = STDOUT
            self.input = console

    def close(self) -> None:
        """Close all of them."""
        self._close_theirs()
        for fd in {*self.outputs, self.input} - {-1}:
            os.close(fd)
        self.outputs.clear()
        self.input = -1

    def _close_theirs(self) -> None:
        for fd in set(self.theirs) - {-1}:
            os.close(fd)
        self.theirs = (-1, -1, -1)

    def close_input(self) -> None:
        """End the container's input. A terminal has no end of input and stays as it is."""
        if self.input >= 0 and not self._is_terminal:
            os.close(self.input)
            self.input = -1

    def end_output(self, fd: int) -> None:
        """Close an output at its end; a terminal's master stays for engines to write to."""
        del self.outputs[fd]
        if fd != self.input:
            os.close(fd)


def open_stdio(*, tty: bool, stdin: bool) -> Stdio:
    """Pipes for stdout, stderr and, when wanted, stdin; with `tty` the launch makes a terminal."""
    if tty:
        theirs = (_null(), _null(), _null())
        return Stdio(theirs=theirs, outputs={}, stdin=-1, tty=True)
    their_input, our_input = os.pipe2(os.O_CLOEXEC) if stdin else (_null(), -1)
    out, their_out = os.pipe2(os.O_CLOEXEC)
    err, their_err = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(out, False)
    os.set_blocking(err, False)
    return Stdio(
        theirs=(their_input, their_out, their_err),
        outputs={out: STDOUT, err: STDERR},
        stdin=our_input,
        tty=False,
    )


def _null() -> int:
    return os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
