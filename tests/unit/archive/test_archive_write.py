"""Trees become archives: read back by tarfile and by our own reader. Needs no privilege."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from pathlib import Path

import pytest

from budu.archive.extract import ExtractOptions, extract
from budu.archive.tar import StreamSource, TarKind, TarReader
from budu.archive.walk import walk
from budu.archive.write import PackOptions, TreeWriter, write_tree

MIB = 1 << 20


def packed(root: Path, name: bytes = b"", **options) -> io.BytesIO:
    out = io.BytesIO()
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        write_tree(fd, out.write, name=name, options=PackOptions(**options))
    finally:
        os.close(fd)
    out.seek(0)
    return out


def names(root: Path, name: bytes = b"") -> list[str]:
    reader = TarReader(StreamSource(packed(root, name)))
    return [entry.path.decode() for entry in reader]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "b").mkdir(parents=True)
    (root / "b/inner").write_text("inner")
    (root / "a").write_text("first")
    (root / "c").symlink_to("/etc/shadow")
    return root


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"", ["a", "b/", "b/inner", "c"]),
        (b".", ["./", "./a", "./b/", "./b/inner", "./c"]),
        (b"/", ["/", "/a", "/b/", "/b/inner", "/c"]),
        (b"new", ["new/", "new/a", "new/b/", "new/b/inner", "new/c"]),
    ],
)
def test_root_goes_by_the_name_that_is_asked_for(tree, name, expected):
    assert names(tree, name) == expected


def test_links_are_described_and_never_followed(tree):
    (tree / "d").symlink_to("b")
    with tarfile.open(fileobj=packed(tree)) as tar:
        assert tar.getmember("c").linkname == "/etc/shadow"
        assert tar.getmember("d").issym()
        assert "d/inner" not in tar.getnames()


def test_content_modes_and_nanoseconds_survive(tree):
    os.chmod(tree / "a", 0o4751)
    os.utime(tree / "a", ns=(0, 1_600_000_000_123_456_789))
    (entry,) = (each for each in TarReader(StreamSource(packed(tree))) if each.path == b"a")
    assert entry.mode == 0o4751
    assert entry.mtime_ns == 1_600_000_000_123_456_789
    with tarfile.open(fileobj=packed(tree)) as tar:
        assert tar.extractfile("b/inner").read() == b"inner"


def test_hard_links_are_recognised(tree):
    os.link(tree / "a", tree / "b/again")
    with tarfile.open(fileobj=packed(tree, b"x")) as tar:
        again = tar.getmember("x/b/again")
        assert again.islnk()
        assert again.linkname == "x/a"


def test_fifos_are_not_opened_and_sockets_left_out(tree):
    os.mkfifo(tree / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tree / "socket"))
    with tarfile.open(fileobj=packed(tree)) as tar:
        assert tar.getmember("fifo").isfifo()
        assert "socket" not in tar.getnames()


def test_long_and_odd_names_survive(tree):
    odd = os.fsdecode(b"\xff-not-utf8")
    (tree / odd).write_text("odd")
    (tree / ("n" * 255)).write_text("long")
    (tree / "l").symlink_to("t" * 3000)
    with tarfile.open(fileobj=packed(tree)) as tar:
        assert tar.extractfile("n" * 255).read() == b"long"
        assert tar.extractfile(odd).read() == b"odd"
        assert tar.getmember("l").linkname == "t" * 3000


def test_attributes_are_chosen(tree):
    os.setxattr(tree / "a", "user.kept", b"\0value=1")
    os.setxattr(tree / "a", "user.dropped", b"x")
    out = packed(tree, keeps_xattr=lambda name: name == b"user.kept")
    (entry,) = (each for each in TarReader(StreamSource(out)) if each.path == b"a")
    assert entry.xattrs == ((b"user.kept", b"\0value=1"),)


@pytest.mark.parametrize("ends_in_data", [True, False])
def test_holes_are_left_out_when_asked(tmp_path, ends_in_data):
    root = tmp_path / "tree"
    root.mkdir()
    with (root / "sparse").open("wb") as file:
        file.seek(4 * MIB)
        file.write(b"middle")
        file.truncate(64 * MIB)
        if ends_in_data:
            file.seek(64 * MIB - 3)
            file.write(b"end")
    want = (root / "sparse").read_bytes()
    out = packed(root, sparse=True)
    assert len(out.getvalue()) < MIB
    with tarfile.open(fileobj=out) as tar:
        assert tar.extractfile("sparse").read() == want
    target = tmp_path / "target"
    target.mkdir()
    fd = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    out.seek(0)
    extract(StreamSource(out), fd, options=ExtractOptions(owners=False))
    os.close(fd)
    assert (target / "sparse").read_bytes() == want
    assert (target / "sparse").stat().st_blocks < 1000


def test_holes_are_zeros_for_everybody_else(tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    (root / "sparse").touch()
    os.truncate(root / "sparse", 3 * MIB + 5)
    with tarfile.open(fileobj=packed(root)) as tar:
        assert tar.extractfile("sparse").read() == bytes(3 * MIB + 5)


def test_whiteouts_get_their_names(tree):
    os.setxattr(tree / "b", "user.overlay.opaque", b"y")
    out = packed(tree, overlay=True)
    entries = {entry.path: entry for entry in TarReader(StreamSource(out))}
    assert entries[b"b/.wh..wh..opq"].kind is TarKind.FILE
    assert entries[b"b/"].xattrs == ()


def test_single_entries_and_trees_make_one_archive(tree):
    out = io.BytesIO()
    writer = TreeWriter(out.write, PackOptions())
    for name in ("a", "b"):
        fd = os.open(tree / name, os.O_PATH | os.O_NOFOLLOW)
        writer.add_entry(fd, name.encode() + b"-renamed")
        os.close(fd)
    writer.end()
    out.seek(0)
    found = [entry.path for entry in TarReader(StreamSource(out))]
    assert found == [b"a-renamed", b"b-renamed/"]


def test_a_tree_deeper_than_descriptors_are_held(tmp_path):
    depth = 300
    top = current = os.open(tmp_path, os.O_RDONLY)
    for number in range(depth):
        os.mkdir("d", dir_fd=current)
        os.close(os.open(f"z{number}", os.O_CREAT | os.O_WRONLY, dir_fd=current))
        following = os.open("d", os.O_RDONLY, dir_fd=current)
        if current != top:
            os.close(current)
        current = following
    os.close(current)
    before = len(os.listdir("/proc/self/fd"))
    found, open_most = [], 0
    for each in walk(top):
        found.append(each.path)
        open_most = max(open_most, len(os.listdir("/proc/self/fd")) - before)
    assert len(found) == 2 * depth
    assert found[-1] == b"z0"
    assert open_most < 70
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(top)


def test_what_vanishes_meanwhile_is_left_out(tree):
    fd = os.open(tree, os.O_PATH | os.O_DIRECTORY)
    found = []
    for each in walk(fd):
        found.append(each.path)
        if each.path == b"a":
            (tree / "b/inner").unlink()
            (tree / "b").rmdir()
    os.close(fd)
    assert found == [b"a", b"c"]


def test_a_directory_that_becomes_a_link_is_not_followed(tree, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    fd = os.open(tree, os.O_PATH | os.O_DIRECTORY)
    found = []
    for each in walk(fd):
        found.append(each.path)
        if each.path == b"a":
            (tree / "b").rename(tree.parent / "moved")
            (tree / "b").symlink_to(tmp_path / "outside")
    os.close(fd)
    assert found == [b"a", b"b", b"c"]
