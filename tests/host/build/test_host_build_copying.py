"""COPY over real images and out of them: the layer is mounted, and the tree is looked at."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.layer_tools import directory, hard_link, make_tar, member, symlink
from tests.support.layers import archive, digest_of
from tests.support.layers import member as special

from budu.archive.same import same_tree
from budu.build.context import receive
from budu.build.copying import CopyPart, CopyPlan, write_copies
from budu.snapshot.choose import choose_layer_store, probe
from budu.snapshot.layers import LayerStore
from budu.snapshot.overlay import OverlayOptions, mount_overlay
from budu.spec.digest import Digest

pytestmark = pytest.mark.host

NO_DRIVER = os.makedev(240, 77)
"""A device that nothing stands behind: to open it fails."""

CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")
"""cap_net_bind_service=ep. Source: linux/capability.h, struct vfs_cap_data."""


class Images:
    """Layers in a store, and trees of them mounted."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._abilities = probe(folder)
        self._layers: LayerStore = choose_layer_store(folder, self._abilities)
        self._open: list[int] = []

    def add(self, tar: bytes) -> Digest:
        writer = self._layers.begin(None)
        writer.write(tar)
        return writer.commit().diff_id

    def tree(self, *diff_ids: Digest) -> int:
        """A detached mount of a stack, closed at the end."""
        empty = self.add(make_tar([]))
        lowers = tuple(self._layers.lower(each) for each in (empty, *diff_ids))
        fd = mount_overlay(OverlayOptions(lowers), self._abilities.style)
        self._open.append(fd)
        return fd

    def copy(self, source: int, target: int | None, *sources: str, to: str, **plan) -> Digest:
        writer = self._layers.begin(None)
        part = CopyPart(source_root=source, plan=CopyPlan(sources=sources, target=to, **plan))
        write_copies((part,), target, writer.write)
        return writer.commit().diff_id

    def close(self) -> None:
        for fd in self._open:
            os.close(fd)
        self._layers.close()


@pytest.fixture
def images(tmp_path: Path) -> Iterator[Images]:
    made = Images(tmp_path / "layers")
    yield made
    made.close()


@pytest.fixture
def base(images: Images) -> Digest:
    return images.add(
        make_tar(
            [
                directory("tmp", mode=0o1777),
                directory("root", mode=0o700),
                directory("usr"),
                directory("usr/lib"),
                member("usr/lib/old", b"old"),
                symlink("lib", "usr/lib"),
                directory("home"),
                directory("home/web", mode=0o750, uid=33, gid=33),
            ]
        )
    )


@pytest.fixture
def context(tmp_path: Path) -> Path:
    root = tmp_path / "context"
    (root / "app/deep").mkdir(parents=True)
    (root / "app/file").write_text("file")
    (root / "app/deep/file").write_text("deep")
    return root


def opened(path: Path) -> int:
    return os.open(path, os.O_PATH | os.O_DIRECTORY)


def modes(tree: int, *paths: str) -> list[tuple[str, int, int]]:
    found = []
    for path in paths:
        status = os.stat(path, dir_fd=tree, follow_symlinks=False)
        found.append((oct(stat.S_IMODE(status.st_mode)), status.st_uid, status.st_gid))
    return found


def test_folders_of_the_image_stay_as_they_are(images, base, context):
    source, tree = opened(context), images.tree(base)
    os.chmod(context / "app", 0o500)
    for path in ("/tmp/", "/root", "/home/web", "/lib/"):
        layer = images.copy(source, tree, "app", to=path)
        above = images.tree(base, layer)
        assert modes(above, "tmp", "root", "home/web", "usr/lib") == modes(
            tree, "tmp", "root", "home/web", "usr/lib"
        )
        assert os.stat(f"{path.strip('/')}/deep/file", dir_fd=above).st_size == 4
        assert os.readlink("lib", dir_fd=above) == "usr/lib"
        assert os.stat("lib/old", dir_fd=above).st_size == 3
    os.close(source)


def test_a_whole_image_copied_is_the_same(images, base, tmp_path):
    top = images.add(
        make_tar(
            [
                directory("home"),
                member("home/.wh.web"),
                directory("usr"),
                directory("usr/lib"),
                member("usr/lib/.wh.old"),
                member("usr/lib/new", b"new", mode=0o4755, uid=1, gid=2),
                hard_link("usr/lib/same", "usr/lib/new"),
                member(
                    "usr/lib/capable",
                    b"x",
                    pax_headers={
                        "SCHILY.xattr.security.capability": CAPABILITY.decode("latin-1"),
                        "SCHILY.xattr.user.note": "1",
                    },
                ),
            ]
        )
    )
    source = images.tree(base, top)
    (tmp_path / "empty").mkdir()
    scratch = opened(tmp_path / "empty")
    layer = images.copy(source, scratch, "/", to="/", keeps_owners=True, is_context=False)
    os.close(scratch)
    copied = images.tree(layer)
    assert same_tree(reopened(source), reopened(copied))
    assert os.stat("usr/lib/same", dir_fd=copied).st_nlink == 2


def reopened(tree: int) -> int:
    return os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=tree)


def test_attributes_travel_but_for_those_of_this_host(images, context):
    path = context / "app/file"
    os.setxattr(path, "security.capability", CAPABILITY)
    os.setxattr(path, "user.note", b"1")
    os.setxattr(path, "trusted.here", b"1")
    source = opened(context)
    tree = images.tree(images.copy(source, None, "app", to="/x"))
    os.close(source)
    handle = f"/proc/self/fd/{tree}/x/file"
    assert sorted(os.listxattr(handle)) == ["security.capability", "user.note"]
    assert os.getxattr(handle, "security.capability") == CAPABILITY


def test_devices_are_described_and_never_opened(images, context):
    os.mknod(context / "app/device", stat.S_IFCHR | 0o600, NO_DRIVER)
    source = opened(context)
    tree = images.tree(images.copy(source, None, "app", to="/x"))
    alone = images.tree(images.copy(source, None, "app/device", to="/x", unpacks=True))
    os.close(source)
    assert os.stat("x/device", dir_fd=tree).st_rdev == NO_DRIVER
    assert os.stat("x", dir_fd=alone).st_rdev == NO_DRIVER


def test_a_context_with_devices_is_received_and_they_are_never_opened(tmp_path):
    device = special("device", tarfile.CHRTYPE, devmajor=240, devminor=77)
    with receive(iter((archive(device, ("f", b"1")),)), tmp_path / "build") as context:
        assert digest_of(context.path, ".", to="/x").startswith("sha256:")
        with pytest.raises(Exception, match="read device: not a regular file"):
            context.read("device")


def test_owners_of_the_archive_of_a_context_do_not_reach_the_disk(tmp_path):
    owned = special("folder", tarfile.DIRTYPE, uid=1234, gid=1234, mode=0o755)
    with receive(iter((archive(owned),)), tmp_path / "build") as context:
        assert (context.path / "folder").stat().st_uid == os.geteuid()
