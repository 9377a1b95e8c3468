"""A part of a detached mount becomes a mount of its own, on every kernel."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from budu.linux import subtree
from budu.linux.libc import AT_FDCWD
from budu.linux.mount import open_tree
from budu.linux.paths import open_in_root

pytestmark = pytest.mark.host


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[int]:
    """A detached mount of a folder."""
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "file").write_text("inside")
    (tmp_path / "beside").write_text("outside")
    fd = open_tree(AT_FDCWD, str(tmp_path))
    yield fd
    os.close(fd)


def copied(fd: int) -> list[str]:
    """What the copy shows, through its own descriptor alone."""
    opened = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
    try:
        return sorted(os.listdir(opened))
    finally:
        os.close(opened)


@pytest.mark.parametrize("copy", [subtree.copy_subtree, subtree._in_thread])
def test_a_folder_of_a_detached_mount(tree: int, copy: object) -> None:
    before = os.readlink("/proc/self/ns/mnt")
    place = open_in_root(tree, "a", os.O_PATH)
    try:
        fd = copy(tree, place)  # type: ignore[operator]  # either way
    finally:
        os.close(place)
    try:
        assert copied(fd) == ["deep"]
        above = open_in_root(fd, "/../../..", os.O_PATH)
        assert copied(above) == ["deep"]
        os.close(above)
    finally:
        os.close(fd)
    assert os.readlink("/proc/self/ns/mnt") == before


def test_what_is_no_mount_is_refused(tmp_path: Path, tree: int) -> None:
    reading, writing = os.pipe()
    with pytest.raises(OSError, match="Invalid argument"):
        subtree.copy_subtree(tree, reading)
    os.close(reading)
    os.close(writing)
