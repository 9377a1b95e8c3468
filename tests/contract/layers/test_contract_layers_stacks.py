"""Layers on each other, and containers on them."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from layer_stores import LOWER, UPPER, add
from tests.contract.layer_tools import (
    describe_tree,
    directory,
    make_tar,
    member,
)

from budu.spec.digest import Digest

pytestmark = pytest.mark.host


def test_stack_shows_what_the_layers_say(rootfs):
    tree = describe_tree(str(rootfs))
    assert set(tree) == {
        "",
        "etc",
        "etc/passwd",
        "etc/new",
        "opaque",
        "opaque/new",
        "tree",
        "tree/sub",
        "tree/sub/file",
        "only here",
        "only here/kept",
    }
    assert tree["etc/new"][0] == "0o104755"
    assert tree[""][0] == "0o40755"


def test_container_changes_only_its_upper(rootfs, snapshots, store):
    with (rootfs / "etc/passwd").open("a") as file:
        file.write(":more")
    (rootfs / "etc/new").unlink()
    (rootfs / "etc/removed").write_text("back")
    (rootfs / "opaque/old").mkdir()
    shutil.rmtree(rootfs / "tree")
    (rootfs / "tree").mkdir()
    assert (rootfs / "etc/passwd").read_text() == "root:more"
    status = (rootfs / "etc/passwd").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_gid) == (0o640, 42)
    assert os.listdir(rootfs / "tree") == []
    upper = describe_tree(str(snapshots.upper_path("c1")))
    assert upper["etc/new"][0] == "0o20000"
    assert upper["tree"][8]["trusted.overlay.opaque"] == b"y"
    assert snapshots.usage("c1") == len("root:more") + len("back")
    assert (
        Path(f"/proc/self/fd/{store.lower(Digest.of(LOWER))}") / "etc/passwd"
    ).read_text() == "root"


def test_writes_survive_a_remount(snapshots, store):
    stack = [add(store, LOWER)]
    snapshots.prepare("c2", stack)
    for volatile in (True, True, False):
        fd = snapshots.mount("c2", stack, volatile=volatile)
        with Path(f"/proc/self/fd/{fd}/file").open("a") as file:
            file.write("x")
        os.close(fd)
    assert (snapshots.upper_path("c2") / "file").read_text() == "xxx"


def test_image_without_layers_is_an_empty_root(snapshots):
    snapshots.prepare("c3", [])
    fd = snapshots.mount("c3", [])
    assert os.listdir(f"/proc/self/fd/{fd}") == []
    Path(f"/proc/self/fd/{fd}/x").touch()
    os.close(fd)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_image_mount_is_read_only(snapshots, store, count):
    stack = [add(store, LOWER), add(store, UPPER)][:count]
    fd = snapshots.mount_image(stack)
    root = Path(f"/proc/self/fd/{fd}")
    assert (root / "etc/passwd").exists() == (count > 0)
    assert (root / "etc/removed").exists() == (count == 1)
    if count:
        with pytest.raises(OSError, match="Read-only"):
            (root / "x").touch()
    os.close(fd)


def test_image_mount_has_the_root_of_the_uppermost_layer(snapshots, store):
    tar = make_tar([directory(".", mode=0o711, mtime=77), member("a", b"x")])
    fd = snapshots.mount_image([add(store, LOWER), add(store, tar)])
    status = os.stat(f"/proc/self/fd/{fd}/.")
    assert (status.st_mode & 0o7777, status.st_mtime) == (0o711, 77)
    os.close(fd)


def test_many_layers_stack(snapshots, store):
    stack = [add(store, make_tar([member(f"f{number}", b"x")])) for number in range(60)]
    snapshots.prepare("c4", stack)
    fd = snapshots.mount("c4", stack)
    assert len(os.listdir(f"/proc/self/fd/{fd}")) == 60
    os.close(fd)


def test_layer_removed_under_a_running_container_still_serves_it(snapshots, store):
    diff_id = add(store, LOWER)
    snapshots.prepare("c5", [diff_id])
    fd = snapshots.mount("c5", [diff_id])
    store.remove(diff_id)
    assert Path(f"/proc/self/fd/{fd}/etc/passwd").read_text() == "root"
    os.close(fd)
