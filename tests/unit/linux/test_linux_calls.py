"""System calls that need no privileges."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from budu.linux import fds, limits, memory, process, system, tty
from budu.linux.libc import bind
from budu.linux.paths import make_directories, make_file, open_in_root, read_file


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    """A descriptor of an empty directory `root` beside a directory `outside`."""
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    fd = os.open(tmp_path / "root", os.O_RDONLY)
    yield fd
    os.close(fd)


def _path(fd: int) -> Path:
    path = Path(f"/proc/self/fd/{fd}").readlink()
    os.close(fd)
    return path


def test_errno_is_raised_with_the_label() -> None:
    close = bind("close", __import__("ctypes").c_int, label="closing")
    with pytest.raises(OSError) as failure:
        close(-1)
    assert (failure.value.errno, failure.value.filename) == (errno.EBADF, "closing")


def test_clone_reports_exit_code_and_signal() -> None:
    pid, pidfd = process.clone3(0)
    if pid == 0:
        os._exit(5)
    assert process.wait_pidfd(pidfd) == (5, None)
    os.close(pidfd)
    pid, pidfd = process.clone3(0)
    if pid == 0:
        signal.pause()
    assert process.wait_pidfd(pidfd, block=False) is None
    process.pidfd_send_signal(pidfd, signal.SIGTERM)
    assert process.wait_pidfd(pidfd) == (143, 15)
    with pytest.raises(ProcessLookupError):
        process.pidfd_send_signal(pidfd, 0)
    os.close(pidfd)


def test_descriptors_cross_a_socket() -> None:
    left, right = fds.socketpair_seqpacket()
    read, write = os.pipe()
    fds.send_fds(left, b"take", (read, write))
    data, received = fds.recv_fds(right, 100, 2)
    os.write(received[1], b"x")
    assert (data, os.read(read, 1)) == (b"take", b"x")
    assert not any(os.get_inheritable(fd) for fd in received)
    left.close()
    assert fds.recv_fds(right, 100, 2) == (b"", [])
    for fd in (read, write, *received):
        os.close(fd)


def test_inotify_reports_names(tmp_path: Path) -> None:
    fd = fds.inotify_init()
    watch = fds.inotify_add_watch(fd, str(tmp_path), fds.IN_CREATE)
    assert fds.inotify_read(fd) == []
    (tmp_path / "new").touch()
    assert fds.inotify_read(fd) == [(watch, fds.IN_CREATE, 0, "new")]
    os.close(fd)


def test_directories_are_made_below_the_root(root: int, tmp_path: Path) -> None:
    assert _path(make_directories(root, "/a/b/./c")) == tmp_path / "root/a/b/c"
    assert _path(make_directories(root, "a/../../x")) == tmp_path / "root/x"


@pytest.mark.parametrize("form", ["{outside}", "../../../../../../../../..{outside}"])
def test_links_do_not_lead_out(root: int, tmp_path: Path, form: str) -> None:
    outside = tmp_path / "outside"
    (tmp_path / "root/link").symlink_to(form.format(outside=outside))
    inside = tmp_path / "root" / str(outside).lstrip("/")
    assert _path(make_directories(root, "/link/d")) == inside / "d"
    assert _path(make_file(root, "/link/f")) == inside / "f"
    assert list(outside.iterdir()) == []


def test_link_loops_fail(root: int, tmp_path: Path) -> None:
    (tmp_path / "root/a").symlink_to("b")
    (tmp_path / "root/b").symlink_to("a")
    with pytest.raises(OSError) as failure:
        make_directories(root, "/a/x")
    assert failure.value.errno == errno.ELOOP


def test_magic_links_are_refused(root: int) -> None:
    proc = os.open("/", os.O_RDONLY)
    with pytest.raises(OSError) as failure:
        open_in_root(proc, "/proc/self/root/etc")
    os.close(proc)
    assert failure.value.errno == errno.ELOOP


def test_file_is_kept_and_directory_is_refused(root: int, tmp_path: Path) -> None:
    (tmp_path / "root/f").write_text("old")
    os.close(make_file(root, "/f"))
    assert (tmp_path / "root/f").read_text() == "old"
    with pytest.raises(IsADirectoryError):
        make_file(root, "/")
    with pytest.raises(NotADirectoryError):
        make_directories(root, "/f/d")


def test_read_file(root: int, tmp_path: Path) -> None:
    (tmp_path / "root/f").write_bytes(b"ab\xff")
    (tmp_path / "root/l").symlink_to("f")
    os.mkfifo(tmp_path / "root/pipe")
    assert read_file(root, "l") == "ab\udcff"
    assert read_file(root, "f", limit=1) == "a"
    assert read_file(root, "none") is None
    assert read_file(root, "pipe") is None


def test_terminal_has_a_size() -> None:
    master = tty.open_ptmx()
    slave = tty.open_slave(master)
    assert os.ttyname(slave).startswith("/dev/pts/")
    tty.set_size(master, 40, 120)
    assert os.get_terminal_size(slave) == (120, 40)
    os.close(slave)
    os.close(master)


def test_limits_read_back() -> None:
    soft, hard = limits.getrlimit(limits.NUMBERS["RLIMIT_CORE"])
    limits.setrlimit(limits.NUMBERS["RLIMIT_CORE"], 0, hard)
    assert limits.getrlimit(limits.NUMBERS["RLIMIT_CORE"]) == (0, hard)
    limits.setrlimit(limits.NUMBERS["RLIMIT_CORE"], soft, hard)


def test_machine_facts() -> None:
    assert len(system.boot_id()) == 36


def test_freed_memory_goes_back_to_the_kernel() -> None:
    pieces = [bytes([n % 255 + 1]) * 4096 for n in range(8192)]
    kept = pieces[::512]  # so that the heap cannot shrink from its end
    full = memory.resident_bytes()
    pieces.clear()
    memory.trim()
    assert memory.resident_bytes() < full - (16 << 20)
    assert len(kept) == 16
