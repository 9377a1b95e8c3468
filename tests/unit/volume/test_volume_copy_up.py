"""Copying an image's directory into a volume."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from budu.volume.copy_up import copy_tree, is_empty


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def copy(source: Path, target: Path) -> None:
    fds = [os.open(each, os.O_RDONLY | os.O_DIRECTORY) for each in (source, target)]
    try:
        copy_tree(*fds)
    finally:
        for fd in fds:
            os.close(fd)


def test_files_are_copied_at_every_depth(source: Path, target: Path) -> None:
    (source / "a" / "b").mkdir(parents=True)
    (source / "a" / "b" / "file").write_bytes(b"x" * 3_000_000)
    copy(source, target)
    assert (target / "a" / "b" / "file").read_bytes() == b"x" * 3_000_000


def test_files_are_copied_from_another_kind_of_file_system(target: Path) -> None:
    source = Path("/dev/shm") / f"budu-copy-{os.getpid()}"
    source.mkdir()
    try:
        (source / "file").write_text("hello")
        copy(source, target)
    finally:
        (source / "file").unlink()
        source.rmdir()
    assert (target / "file").read_text() == "hello"


@pytest.mark.parametrize("mode", [0o600, 0o755, 0o4755, 0o2775])
def test_mode_is_kept(mode: int, source: Path, target: Path) -> None:
    (source / "file").touch()
    (source / "file").chmod(mode)
    copy(source, target)
    assert stat.S_IMODE((target / "file").stat().st_mode) == mode


def test_directorys_own_mode_is_kept(source: Path, target: Path) -> None:
    source.chmod(0o1777)
    copy(source, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o1777


def test_times_are_kept(source: Path, target: Path) -> None:
    (source / "folder").mkdir()
    (source / "folder" / "file").touch()
    for path in (source / "folder" / "file", source / "folder"):
        os.utime(path, ns=(5, 1_000_000_007))
    copy(source, target)
    copied = (target / "folder" / "file", target / "folder")
    assert [each.stat().st_mtime_ns for each in copied] == [1_000_000_007] * 2


def test_link_is_copied_and_not_followed(source: Path, target: Path) -> None:
    (source / "link").symlink_to("/etc/passwd")
    copy(source, target)
    assert os.readlink(target / "link") == "/etc/passwd"


def test_pipe_is_copied(source: Path, target: Path) -> None:
    os.mkfifo(source / "pipe")
    (source / "pipe").chmod(0o620)
    copy(source, target)
    status = (target / "pipe").lstat()
    assert (stat.S_ISFIFO(status.st_mode), stat.S_IMODE(status.st_mode)) == (True, 0o620)


def test_emptiness_is_seen(source: Path) -> None:
    fd = os.open(source, os.O_RDONLY | os.O_DIRECTORY)
    try:
        before = is_empty(fd)
        (source / "file").touch()
        assert (before, is_empty(fd)) == (True, False)
    finally:
        os.close(fd)


def test_names_of_one_file_stay_names_of_one_file(source: Path, target: Path) -> None:
    (source / "first").write_text("same")
    (source / "folder").mkdir()
    os.link(source / "first", source / "folder" / "second")
    os.symlink("first", source / "link")
    os.link(source / "link", source / "link2", follow_symlinks=False)
    copy(source, target)
    assert (target / "first").samefile(target / "folder" / "second")
    assert (target / "first").stat().st_nlink == 2
    assert os.lstat(target / "link").st_ino == os.lstat(target / "link2").st_ino
    assert os.readlink(target / "link2") == "first"


def test_copying_leaves_no_descriptor_open(source: Path, target: Path) -> None:
    (source / "first").touch()
    os.link(source / "first", source / "second")
    before = os.listdir("/proc/self/fd")
    copy(source, target)
    assert os.listdir("/proc/self/fd") == before
