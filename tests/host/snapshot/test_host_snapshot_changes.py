"""What a container changed, on the real kernel: the table, the layer made of it, the view."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.contract.layer_tools import directory, hard_link, make_tar, member, symlink

from budu.linux.mount import MNT_DETACH, attach, umount2
from budu.snapshot.choose import choose_layer_store, probe
from budu.snapshot.container import ContainerSnapshots
from budu.snapshot.differences import ContainerDifferences
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest

pytestmark = pytest.mark.host

LOW = [
    directory("etc"),
    directory("dir"),
    member("dir/kept", b"kept", mtime=1_600_000_000),
    member("dir/gone", b"gone", mtime=1_600_000_000),
    directory("dir/sub"),
    member("dir/sub/deep", b"deep", mtime=1_600_000_000),
    member("file", b"one", mtime=1_600_000_000),
    member("same", b"same", mtime=1_600_000_000),
    symlink("link", "file"),
    hard_link("hard", "file"),
    directory("hidden"),
    member("hidden/below", b"x"),
]
HIGH = [
    directory("hidden"),
    member("hidden/.wh..wh..opq"),
    member("hidden/above", b"y", mtime=1_600_000_000),
    member(".wh.link"),
]


class Box:
    """One container's snapshot, and its root mounted."""

    def __init__(self, root: Path) -> None:
        abilities = probe(_made(root / "layers"))
        self.layers: LayerStore = choose_layer_store(root / "layers", abilities)
        self.snapshots = ContainerSnapshots(
            root / "snapshots", self.layers, style=abilities.style, userxattr=abilities.userxattr
        )
        self.differences = ContainerDifferences(
            self.snapshots, self.layers, style=abilities.style, userxattr=abilities.userxattr
        )
        self.diff_ids = tuple(self.add(make_tar(each)) for each in (LOW, HIGH))
        self.snapshots.prepare("one", self.diff_ids)
        self.root = _made(root / "mnt")

    def add(self, tar: bytes) -> Digest:
        writer = self.layers.begin(None)
        writer.write(tar)
        return writer.commit().diff_id

    def attach(self) -> None:
        fd = self.snapshots.mount("one", self.diff_ids)
        attach(fd, str(self.root))
        os.close(fd)

    def detach(self) -> None:
        umount2(str(self.root), MNT_DETACH)

    def table(self) -> dict[str, str]:
        seen = self.differences.survey("one", self.diff_ids)
        return {change.path.decode(): change.kind.name[0] for change in seen.changes}

    def layer(self) -> bytes:
        pieces: list[bytes] = []
        self.differences.write_layer("one", self.diff_ids, pieces.append)
        return b"".join(pieces)


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(tmp_path)
    box.attach()
    yield box
    box.detach()
    box.layers.close()


def _modify(root: Path) -> None:
    (root / "file").write_text("two!")


def _touch_same_time(root: Path) -> None:
    os.chmod(root / "same", 0o644)
    os.utime(root / "same", (1_600_000_000, 1_600_000_000))


def _add_deep(root: Path) -> None:
    (root / "new" / "a").mkdir(parents=True)
    (root / "new" / "a" / "b").write_text("b")


def _replace_directory_by_file(root: Path) -> None:
    shutil.rmtree(root / "dir")
    (root / "dir").write_text("now a file")


def _replace_file_by_directory(root: Path) -> None:
    (root / "file").unlink()
    (root / "file").mkdir()
    (root / "file" / "in").write_text("")


def _remake_directory(root: Path) -> None:
    shutil.rmtree(root / "dir")
    (root / "dir" / "sub").mkdir(parents=True)
    (root / "dir" / "other").write_text("o")


def _rename_directory(root: Path) -> None:
    shutil.move(root / "dir", root / "moved")


def _what_the_engine_makes(root: Path) -> None:
    for name in ("proc", "sys", "dev"):
        (root / name).mkdir()
    for name in ("hosts", "hostname", "resolv.conf"):
        (root / "etc" / name).write_text("")


def _chmod_directory(root: Path) -> None:
    (root / "dir").chmod(0o700)


CASES: dict[str, tuple[Callable[[Path], object], dict[str, str]]] = {
    "nothing": (lambda root: None, {}),
    "reading": (lambda root: (root / "file").read_text(), {}),
    "modified": (_modify, {"file": "M"}),
    "same": (_touch_same_time, {}),
    "added": (_add_deep, {"new": "A", "new/a": "A", "new/a/b": "A"}),
    "deleted": (lambda root: (root / "dir/gone").unlink(), {"dir": "M", "dir/gone": "D"}),
    "deleted-directory": (lambda root: shutil.rmtree(root / "dir"), {"dir": "D"}),
    "mode": (_chmod_directory, {"dir": "M"}),
    "deep": (
        lambda root: (root / "dir/sub/deep").write_text("d"),
        {"dir": "M", "dir/sub": "M", "dir/sub/deep": "M"},
    ),
    "dir-to-file": (_replace_directory_by_file, {"dir": "M"}),
    "file-to-dir": (_replace_file_by_directory, {"file": "M", "file/in": "A"}),
    "remade": (
        _remake_directory,
        {
            "dir": "M",
            "dir/gone": "D",
            "dir/kept": "D",
            "dir/other": "A",
            "dir/sub": "M",
            "dir/sub/deep": "D",
        },
    ),
    "renamed": (
        _rename_directory,
        {
            "dir": "D",
            "moved": "A",
            "moved/gone": "A",
            "moved/kept": "A",
            "moved/sub": "A",
            "moved/sub/deep": "A",
        },
    ),
    "given": (_what_the_engine_makes, {}),
    "hidden-below": (lambda root: (root / "hidden/below").write_text("n"), {"hidden": "M",
                                                                             "hidden/below": "A"}),
    "whited-out-below": (lambda root: (root / "link").write_text("n"), {"link": "A"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_table_is_dockers(box: Box, case: str) -> None:
    act, expected = CASES[case]
    act(box.root)
    assert box.table() == expected


@pytest.mark.parametrize("case", CASES)
def test_the_layer_on_top_of_the_image_makes_the_same_tree(box: Box, case: str) -> None:
    act, _ = CASES[case]
    act(box.root)
    top = box.add(box.layer())
    fd = box.snapshots.mount_image((*box.diff_ids, top))
    try:
        ours = {path: kind for path, kind in _tree(f"/proc/self/fd/{fd}").items()}
    finally:
        os.close(fd)
    theirs = _tree(str(box.root))
    given = {"proc", "sys", "dev", "etc/hosts", "etc/hostname", "etc/resolv.conf"}
    assert ours == {path: kind for path, kind in theirs.items() if path not in given}


@pytest.mark.parametrize("case", ["nothing", "reading", "given"])
def test_without_changes_the_layer_is_the_empty_tar(box: Box, case: str) -> None:
    CASES[case][0](box.root)
    assert box.layer() == bytes(1024)


def test_attributes_links_and_nodes_are_in_the_layer(box: Box) -> None:
    (box.root / "a").write_text("a")
    os.setxattr(box.root / "a", "user.colour", b"blue")
    os.link(box.root / "a", box.root / "b")
    os.mknod(box.root / "null", 0o020600, os.makedev(1, 3))
    (box.root / "file").unlink()
    with tarfile.open(fileobj=io.BytesIO(box.layer())) as tar:
        members = {info.name: info for info in tar}
    assert members["a"].pax_headers["SCHILY.xattr.user.colour"] == "blue"
    assert members["b"].islnk()
    assert members["b"].linkname == "a"
    assert (members["null"].devmajor, members["null"].devminor) == (1, 3)
    assert members[".wh.file"].isreg()


def test_the_view_of_a_mounted_container_is_what_it_sees(box: Box) -> None:
    _modify(box.root)
    _remake_directory(box.root)
    fd = box.differences.view("one", box.diff_ids)
    try:
        assert _tree(f"/proc/self/fd/{fd}") == _tree(str(box.root))
    finally:
        os.close(fd)


def _tree(root: str) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(root + "/."):
        for name in (*folders, *files):
            path = f"{folder}/{name}"
            status = os.lstat(path)
            content: object = None
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                content = Path(path).read_bytes()
            where = os.path.relpath(path, root + "/.")
            found[where] = (oct(status.st_mode), status.st_uid, status.st_gid, content)
    return found
