"""Clones and snapshots on a disk whose files can share blocks: no room, and lives of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.disks import reflink_disk

from budu.volume.folders import VolumeFolders, clone_folder

pytestmark = [pytest.mark.host, pytest.mark.reflinks]

MIB = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with reflink_disk(tmp_path) as place:
        yield place


def room(disk: Path) -> int:
    """Bytes that are free when everything is written."""
    fd = os.open(disk, os.O_RDONLY)
    os.sync()
    found = os.fstatvfs(fd)
    os.close(fd)
    return found.f_bfree * found.f_bsize


def test_ten_clones_take_no_room(disk: Path) -> None:
    source = disk / "source"
    (source / "in").mkdir(parents=True)
    data = os.urandom(MIB) * 24
    (source / "in/file").write_bytes(data)
    before = room(disk)
    for number in range(10):
        clone_folder(source, disk / f"clone-{number}")
    assert before - room(disk) < 4 * MIB
    assert (disk / "clone-9/in/file").read_bytes() == data


def test_what_is_written_is_seen_in_one_alone(disk: Path) -> None:
    source = disk / "source"
    source.mkdir()
    (source / "file").write_bytes(b"one" * MIB)
    clone_folder(source, disk / "clone")
    with (disk / "clone/file").open("r+b") as file:
        file.write(b"two")
    assert (source / "file").read_bytes()[:3] == b"one"
    assert (disk / "clone/file").read_bytes()[:6] == b"twoone"


def test_snapshots_share_with_the_volume(disk: Path) -> None:
    folders = VolumeFolders(disk)
    (disk / "data/_data").mkdir(parents=True)
    (disk / "data/_data/file").write_bytes(os.urandom(MIB) * 24)
    before = room(disk)
    for name in ("first", "second", "third"):
        folders.keep("data", name)
    assert before - room(disk) < 4 * MIB
    (disk / "data/_data/file").write_bytes(b"changed")
    folders.put_back("data", "second")
    assert (disk / "data/_data/file").stat().st_size == 24 * MIB
