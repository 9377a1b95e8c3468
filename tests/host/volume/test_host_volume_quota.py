"""Sizes of volumes on a disk with project quotas: the file system itself keeps them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.disks import quota_disk

from budu.base.errors import ResourceExhausted
from budu.volume.local import LocalVolumes

pytestmark = [pytest.mark.host, pytest.mark.project_quota]

MIB = 1 << 20
NOBODY = 65534
"""Root may exceed a quota (CAP_SYS_RESOURCE), which containers may not."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with quota_disk(tmp_path) as place:
        yield place


async def sized(volumes: LocalVolumes, name: str, size: str) -> Path:
    """A volume with a size, whose folder everybody may write in."""
    await volumes.create(name, {"size": size})
    path = volumes.data_path(name)
    path.chmod(0o777)
    return path


def fill(folder: Path, size: int, name: str = "f") -> int:
    """Write a file as nobody; the bytes that there was room for."""
    directory = os.open(folder, os.O_PATH)
    piece, written = bytes(MIB // 16), 0
    os.seteuid(NOBODY)
    try:
        file = os.open(name, os.O_WRONLY | os.O_CREAT, dir_fd=directory)
        try:
            while written < size:
                written += os.write(file, piece)
        finally:
            os.close(file)
    except OSError as error:
        assert error.errno in (errno.EDQUOT, errno.ENOSPC), error
    finally:
        os.seteuid(0)
        os.close(directory)
    return written


async def test_a_size_is_kept_without_an_image_file(disk: Path) -> None:
    volumes = LocalVolumes(disk / "volumes")
    one, two = await sized(volumes, "one", "4m"), await sized(volumes, "two", "8m")
    assert sorted(path.name for path in one.parent.iterdir()) == ["_data", "opts.json"]
    assert not volumes.needs_mount("one")
    assert 3 * MIB < fill(one, 16 * MIB) <= 4 * MIB
    assert 7 * MIB < fill(two, 16 * MIB) <= 8 * MIB
    await volumes.create("free", {})
    volumes.data_path("free").chmod(0o777)
    assert fill(volumes.data_path("free"), 16 * MIB) == 16 * MIB


async def test_folders_and_links_inside_count(disk: Path) -> None:
    volumes = LocalVolumes(disk / "volumes")
    path = await sized(volumes, "one", "4m")
    (path / "in").mkdir()
    (path / "in").chmod(0o777)
    assert fill(path / "in", 16 * MIB) <= 4 * MIB
    assert fill(path, MIB) == 0


async def test_a_size_grows_and_shrinks_at_once(disk: Path) -> None:
    volumes = LocalVolumes(disk / "volumes")
    path = await sized(volumes, "one", "4m")
    fill(path, 16 * MIB)
    await volumes.resize("one", 12 * MIB)
    assert 7 * MIB < fill(path, 16 * MIB, "more") <= 8 * MIB
    (path / "more").unlink()
    with pytest.raises(ResourceExhausted, match="more than the new size"):
        await volumes.resize("one", 2 * MIB)
    await volumes.resize("one", 5 * MIB)
    assert fill(path, 16 * MIB, "last") <= MIB
    assert LocalVolumes(disk / "volumes").options("one").size == 5 * MIB


async def test_a_removed_volume_leaves_its_room(disk: Path) -> None:
    volumes = LocalVolumes(disk / "volumes")
    for _ in range(3):
        path = await sized(volumes, "one", "48m")
        assert fill(path, 40 * MIB) == 40 * MIB
        await volumes.remove("one")
