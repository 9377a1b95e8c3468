"""File systems in files, for tests of what a disk can do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from budu.linux.loop import attach_loop, loop_path
from budu.linux.mount import mount, umount2

_BYTES = 128 << 20


@contextmanager
def quota_disk(folder: Path) -> Iterator[Path]:
    """An ext4 file system with project quotas, mounted below `folder`.

    Raises: OSError, CalledProcessError where there can be none.
    """
    features = ("-O", "quota,project", "-E", "quotatype=prjquota")
    maker = ("mke2fs", "-q", "-F", "-t", "ext4", *features)
    with _disk(folder, maker, kind="ext4", options="prjquota") as place:
        yield place


@contextmanager
def plain_disk(folder: Path) -> Iterator[Path]:
    """An ext4 file system, mounted below `folder`."""
    with _disk(folder, ("mke2fs", "-q", "-F", "-t", "ext4"), kind="ext4") as place:
        yield place


@contextmanager
def reflink_disk(folder: Path) -> Iterator[Path]:
    """A Btrfs file system, whose files can share blocks, mounted below `folder`.

    Raises: OSError, CalledProcessError where there can be none.
    """
    with _disk(folder, ("mkfs.btrfs", "-q"), kind="btrfs") as place:
        yield place


@contextmanager
def _disk(
    folder: Path, maker: tuple[str, ...], *, kind: str, options: str | None = None
) -> Iterator[Path]:
    image, place = folder / "image", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(_BYTES)
    subprocess.run([*maker, str(image)], check=True, timeout=60)
    device = attach_loop(str(image))
    try:
        mount(loop_path(device), str(place), kind, 0, options)
    finally:
        os.close(device)
    try:
        yield place
    finally:
        umount2(str(place), 0)
