"""Whoever looks into a stopped container and whoever starts it use one overlay mount."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from budu.snapshot.choose import choose_layer_store, probe
from budu.snapshot.container import ContainerSnapshots

pytestmark = pytest.mark.host


@pytest.fixture
def snapshots(tmp_path: Path) -> Iterator[ContainerSnapshots]:
    (tmp_path / "layers").mkdir()
    abilities = probe(tmp_path / "layers")
    layers = choose_layer_store(tmp_path / "layers", abilities)
    yield ContainerSnapshots(tmp_path / "s", layers, style=abilities.style)
    layers.close()


def device(fd: int) -> int:
    """Tells overlay mounts apart: each has a device number of its own."""
    return os.stat(f"/proc/self/fd/{fd}").st_dev


def test_mounts_are_one_while_shared(snapshots: ContainerSnapshots) -> None:
    snapshots.prepare("box", ())
    shared = snapshots.share("box", ())
    again = snapshots.share("box", ())
    mounted = snapshots.mount("box", ())
    os.close(os.open("seen", os.O_CREAT | os.O_WRONLY, dir_fd=mounted))
    assert device(shared) == device(again) == device(mounted)
    assert os.listdir(f"/proc/self/fd/{shared}") == ["seen"]
    for fd in (shared, again, mounted):
        os.close(fd)
    snapshots.unshare("box")
    snapshots.unshare("box")


def test_nothing_is_held_afterwards(snapshots: ContainerSnapshots) -> None:
    snapshots.prepare("box", ())
    before = len(os.listdir("/proc/self/fd"))
    os.close(snapshots.share("box", ()))
    assert len(os.listdir("/proc/self/fd")) == before + 1
    snapshots.unshare("box")
    assert len(os.listdir("/proc/self/fd")) == before
    snapshots.remove("box")
