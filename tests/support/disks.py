"""File systems in files, for tests of what a disk can do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from budu.linux.loop import attach_loop, loop_path
from budu.linux.mount import mount, umount2

_BYTES = 64 << 20


@contextmanager
def quota_disk(folder: Path) -> Iterator[Path]:
    """An ext4 file system with project quotas, mounted below `folder`.

    Raises: OSError, CalledProcessError where there can be none.
    """
    image, place = folder / "image", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(_BYTES)
    features = ["-O", "quota,project", "-E", "quotatype=prjquota"]
    command = ["mke2fs", "-q", "-F", "-t", "ext4", *features, str(image)]
    subprocess.run(command, check=True, timeout=60)
    device = attach_loop(str(image))
    try:
        mount(loop_path(device), str(place), "ext4", 0, "prjquota")
    finally:
        os.close(device)
    try:
        yield place
    finally:
        umount2(str(place), 0)
