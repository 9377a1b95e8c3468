"""File systems in files, for tests of what a disk can do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from budu.linux.loop import attach_loop, loop_path
from budu.linux.mount import MNT_DETACH, mount, umount2

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
def silent_folder(place: Path) -> Iterator[Callable[[], None]]:
    """`place` as a file system whose server, this process, answers nothing.

    Who calls the function ends the server: everybody who waits hears that it is gone.
    Source: man 4 fuse.
    """
    with ExitStack() as undo:
        device = undo.enter_context(Path("/dev/fuse").open("r+b", buffering=0))
        options = f"fd={device.fileno()},rootmode=40000,user_id=0,group_id=0"
        mount("silent", str(place), "fuse", 0, options)
        undo.callback(umount2, str(place), MNT_DETACH)
        undo.callback(device.close)
        yield device.close


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
