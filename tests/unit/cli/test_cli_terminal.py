"""Detach keys, widths, and the pump between a terminal and a container."""

from __future__ import annotations

import os
import pty
import signal
import socket
import termios
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import InvalidArgument
from budu.cli.pump import Pump
from budu.cli.signals import SignalPipe
from budu.cli.terminal import (
    DEFAULT_DETACH_KEYS,
    DetachWatcher,
    RawMode,
    display_width,
    parse_detach_keys,
    size,
)
from budu.client.session import Hijacked


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (DEFAULT_DETACH_KEYS, b"\x10\x11"),
        ("a", b"a"),
        ("ctrl-a,z,Ctrl-[", b"\x01z\x1b"),
        ("ctrl-@,ctrl-\\,ctrl-],ctrl-^,ctrl-_", b"\x00\x1c\x1d\x1e\x1f"),
    ],
)
def test_detach_keys_are_read(text: str, keys: bytes) -> None:
    assert parse_detach_keys(text) == keys


@pytest.mark.parametrize("text", ["", "ctrl-", "ctrl-ab", "foo", "a,,b", "ctrl-1"])
def test_unknown_detach_keys_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid detach keys"):
        parse_detach_keys(text)


def test_keys_of_an_unfinished_sequence_are_passed_later() -> None:
    watcher = DetachWatcher(b"\x10\x11")
    assert watcher.feed(b"ab\x10") == b"ab"
    assert watcher.feed(b"c") == b"\x10c"
    assert watcher.feed(b"\x10\x10") == b"\x10"
    assert not watcher.detached
    assert watcher.feed(b"\x11rest") == b""
    assert watcher.detached


@given(st.lists(st.binary(max_size=6), max_size=6))
def test_what_is_typed_without_the_keys_arrives_unchanged(typed: list[bytes]) -> None:
    watcher = DetachWatcher(b"\x00\x01\x02")
    passed = b"".join(watcher.feed(piece) for piece in typed)
    whole = b"".join(typed)
    if not watcher.detached:
        assert whole.startswith(passed)
        assert len(whole) - len(passed) <= 2
    else:
        assert passed == whole.partition(b"\x00\x01\x02")[0]


def test_widths_of_letters() -> None:
    assert display_width("abc") == 3
    assert display_width("부두") == 4
    assert display_width("e\u0301") == 1


def test_size_of_what_is_no_terminal() -> None:
    read_end, write_end = os.pipe()
    assert size(read_end) == (0, 0)
    os.close(read_end)
    os.close(write_end)


def test_raw_mode_is_undone() -> None:
    leader, follower = pty.openpty()
    before = termios.tcgetattr(follower)
    with RawMode(follower):
        inside = termios.tcgetattr(follower)
        assert not inside[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert termios.tcgetattr(follower) == before
    os.close(leader)
    os.close(follower)


class Rig:
    """A pump whose four ends are pipes and a socket pair of the test."""

    def __init__(self, *, tty: bool = False, stdin: bool = True, detach: bytes = b"") -> None:
        self.engine, ours = socket.socketpair()
        self._raw = ours
        self.stdin_read, self.stdin_write = os.pipe()
        self.stdout_read, stdout_write = os.pipe()
        self.stderr_read, stderr_write = os.pipe()
        self._write_ends = (stdout_write, stderr_write)
        self.pump = Pump(
            Hijacked(ours, b"", tty=tty),
            tty=tty,
            stdin=self.stdin_read if stdin else None,
            stdout=stdout_write,
            stderr=stderr_write,
            detach=DetachWatcher(detach) if detach else None,
        )

    def run(self) -> tuple[bytes, bytes]:
        """Run to the end; what came out on stdout and stderr."""
        with SignalPipe((signal.SIGUSR1, signal.SIGWINCH)) as signals:
            self.pump.run(signals)
        for fd in self._write_ends:
            os.close(fd)
        return _drain(self.stdout_read), _drain(self.stderr_read)

    def close(self) -> None:
        self.engine.close()
        for fd in (self.stdin_read, self.stdout_read, self.stderr_read):
            os.close(fd)


def _drain(fd: int) -> bytes:
    data = b""
    while piece := os.read(fd, 65536):
        data += piece
    return data


@pytest.fixture
def rig_of():
    rigs: list[Rig] = []

    def make(**how) -> Rig:
        rigs.append(Rig(**how))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


def test_streams_go_where_they_belong(rig_of) -> None:
    rig = rig_of(stdin=False)
    rig.engine.sendall(frame(1, b"out") + frame(2, b"err") + frame(1, b"!"))
    rig.engine.shutdown(socket.SHUT_WR)
    assert rig.run() == (b"out!", b"err")


def test_a_terminal_is_raw(rig_of) -> None:
    rig = rig_of(tty=True, stdin=False)
    rig.engine.sendall(b"\x01\x00raw")
    rig.engine.shutdown(socket.SHUT_WR)
    assert rig.run() == (b"\x01\x00raw", b"")


def test_the_end_of_input_half_closes_and_output_goes_on(rig_of) -> None:
    rig = rig_of()
    os.write(rig.stdin_write, b"typed")
    os.close(rig.stdin_write)
    received: list[bytes] = []

    def container() -> None:
        while data := rig.engine.recv(100):
            received.append(data)
        rig.engine.sendall(frame(1, b"done"))
        rig.engine.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=container)
    thread.start()
    assert rig.run() == (b"done", b"")
    thread.join()
    assert b"".join(received) == b"typed"


def test_a_container_that_reads_nothing_still_shows_its_output(rig_of) -> None:
    rig = rig_of()
    flood = threading.Thread(target=_write_all, args=(rig.stdin_write, b"x" * 3_000_000))
    flood.start()

    def container() -> None:
        for _ in range(200):
            rig.engine.sendall(frame(1, b"y" * 100))
        rig.engine.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=container)
    thread.start()
    out, _ = rig.run()
    thread.join()
    assert out == b"y" * 20_000
    os.set_blocking(rig.stdin_read, False)
    while flood.is_alive():
        try:
            os.read(rig.stdin_read, 1 << 20)
        except BlockingIOError:
            flood.join(0.01)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.close(fd)


def test_detach_keys_end_it(rig_of) -> None:
    rig = rig_of(tty=True, detach=b"\x10\x11")
    os.write(rig.stdin_write, b"ls\n\x10\x11never")
    rig.run()
    assert rig.pump.detached
    assert rig.engine.recv(100) == b"ls\n"
    os.close(rig.stdin_write)


def test_signals_are_handed_on(rig_of) -> None:
    rig = rig_of(stdin=False)
    seen: list[str] = []
    resized: list[bool] = []

    def note(name: str) -> None:
        seen.append(name)
        os.kill(os.getpid(), signal.SIGWINCH)

    def resize() -> None:
        resized.append(True)
        rig.engine.shutdown(socket.SHUT_WR)

    rig.pump.on_signal = note
    rig.pump.on_resize = resize
    rig.pump.on_quiet = lambda: os.kill(os.getpid(), signal.SIGUSR1)
    rig.run()
    assert (seen, resized) == (["USR1"], [True])


def test_signal_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with SignalPipe((signal.SIGUSR1,)):
        assert signal.getsignal(signal.SIGUSR1) is not before
    assert signal.getsignal(signal.SIGUSR1) == before
