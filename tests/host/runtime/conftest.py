"""A busybox root file system and a runner that watches for leaks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime_containers import Runner

from budu.linux.mountinfo import read_mountinfo
from budu.runtime.host import read_host

APPLETS = (
    "sh cat ls id echo mount stat ps hostname sleep touch readlink env pwd tty kill stty test true "
    "false printf wc grep mkdir dd mknod chroot"
)


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    """A small root file system with busybox."""
    root = tmp_path / "rootfs"
    for name in ("bin", "etc", "proc", "dev", "sys", "tmp", "usr/bin"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    shutil.copy("/usr/bin/busybox", root / "bin/busybox")
    for name in APPLETS.split():
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nwww:x:33:34:www:/var/www:/bin/sh\n"
    )
    (root / "etc/group").write_text("root:x:0:\nwheel:x:10:root\nwww:x:34:\nextra:x:99:www\n")
    return root


@pytest.fixture
def runner(rootfs: Path, tmp_path: Path) -> Iterator[Runner]:
    """A runner that proves that the host has no more mounts nor descriptors afterwards."""
    places = ("/proc", "/dev", "/sys", str(tmp_path))
    mounts = _mounts_at(places)
    fds = set(os.listdir("/proc/self/fd"))
    yield Runner(rootfs, read_host())
    assert _mounts_at(places) == mounts
    assert set(os.listdir("/proc/self/fd")) == fds


def _mounts_at(places: tuple[str, ...]) -> set[int]:
    """Return the ids of the mounts where containers might leak some: others may mount elsewhere."""
    mounts = read_mountinfo()
    return {m.id for m in mounts if m.target == "/" or m.target.startswith(places)}
