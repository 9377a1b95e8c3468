"""Extraction stays below its root and follows Docker's rules. Needs no privilege."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from budu.archive import whiteouts
from budu.archive.extract import ExtractOptions, extract
from budu.archive.remove import remove_entry
from budu.archive.tar import StreamSource
from budu.archive.write import PackOptions, write_tree
from budu.base.errors import BuduError, DataLoss, InvalidArgument, PermissionDenied

UNPRIVILEGED = ExtractOptions(owners=False, devices=False)


def member(name: str, data: bytes = b"", **fields) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def directory(name: str, mode: int = 0o755, mtime: int = 0):
    return member(name, type=tarfile.DIRTYPE, mode=mode, mtime=mtime)


def symlink(name: str, target: str):
    return member(name, type=tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str):
    return member(name, type=tarfile.LNKTYPE, linkname=target)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with something precious beside it."""
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def pack(root: Path, sink: io.BytesIO, *, overlay: bool = False) -> None:
    """The tree below `root` as an archive."""
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        write_tree(fd, sink.write, options=PackOptions(overlay=overlay))
    finally:
        os.close(fd)


def unpack(root: Path, *members, options: ExtractOptions = UNPRIVILEGED) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    out.seek(0)
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        extract(StreamSource(out), fd, options=options)
    finally:
        os.close(fd)


def test_modes_and_times(root):
    unpack(
        root,
        directory("d", mode=0o2555, mtime=111),
        member("d/f", b"data", mode=0o4711, mtime=222),
        symlink("d/l", "f"),
    )
    d, f = (root / "d").stat(), (root / "d/f").stat()
    assert (stat.S_IMODE(d.st_mode), d.st_mtime) == (0o2555, 111)
    assert (stat.S_IMODE(f.st_mode), f.st_mtime) == (0o4711, 222)
    assert (root / "d/l").read_text() == "data"
    assert (root / "d/l").lstat().st_mtime == 0


def test_implied_directories(root):
    unpack(root, member("a/b/c", b"x"))
    status = (root / "a/b").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime) == (0o755, 0)


def test_absolute_names_are_below_the_root(root):
    unpack(root, member("/etc/x", b"1"))
    assert (root / "etc/x").read_text() == "1"


@pytest.mark.parametrize("name", ["../victim", "a/../../victim", "/../victim"])
def test_names_out_of_the_root_are_refused(root, name):
    with pytest.raises(InvalidArgument, match="escapes"):
        unpack(root, member(name, b"gone"))
    assert (root.parent / "victim").read_text() == "precious"


@pytest.mark.parametrize("target", ["..", "../..", "/..", "/"])
def test_members_below_a_link_stay_in_the_root(root, target):
    unpack(root, symlink("out", target), member("out/victim", b"caught"))
    assert (root / "victim").read_text() == "caught"
    assert (root.parent / "victim").read_text() == "precious"


def test_members_below_an_absolute_link_follow_it_inside(root):
    unpack(root, directory("usr/lib"), symlink("lib", "/usr/lib"), member("lib/x", b"1"))
    assert (root / "usr/lib/x").read_text() == "1"


def test_members_below_a_dangling_link_create_what_it_names(root):
    unpack(root, symlink("lib", "usr/lib"), member("lib/x", b"1"))
    assert (root / "usr/lib/x").read_text() == "1"


def test_link_that_is_replaced_is_no_longer_followed(root):
    unpack(
        root,
        directory("real"),
        symlink("l", "real"),
        member("l/one", b"1"),
        directory("l"),
        member("l/two", b"2"),
    )
    assert sorted(os.listdir(root / "real")) == ["one"]
    assert sorted(os.listdir(root / "l")) == ["two"]


def test_file_is_not_written_through_a_link(root):
    unpack(root, symlink("x", "../victim"), member("x", b"new"))
    assert (root / "x").read_text() == "new"
    assert (root.parent / "victim").read_text() == "precious"


def test_link_loops_are_refused(root):
    with pytest.raises(InvalidArgument, match="symbolic links"):
        unpack(root, symlink("a", "b"), symlink("b", "a"), member("a/x"))


def test_members_below_a_file_are_refused(root):
    with pytest.raises(InvalidArgument, match=r"/f/x: not a directory"):
        unpack(root, member("f", b"x"), member("f/x", b"y"))


@pytest.mark.parametrize("target", ["../victim", "/../victim", "a/../../victim"])
def test_hard_links_out_of_the_root_are_refused(root, target):
    with pytest.raises(InvalidArgument, match='invalid hardlink "h" -> '):
        unpack(root, hard_link("h", target))


def test_hard_link_through_a_link_stays_in_the_root(root):
    with pytest.raises(InvalidArgument, match="no such file"):
        unpack(root, symlink("up", ".."), hard_link("h", "up/../victim2"))
    with pytest.raises(InvalidArgument, match="link /up/victim /h: no such file"):
        unpack(root, symlink("up", "/.."), hard_link("h", "up/victim"))


def test_hard_link_to_a_link_is_the_link(root):
    unpack(root, symlink("s", "../victim"), hard_link("h", "s"))
    assert os.readlink(root / "h") == "../victim"


def test_hard_link_to_a_missing_file_is_refused(root):
    with pytest.raises(InvalidArgument, match="link /nothing /h: no such file or directory"):
        unpack(root, hard_link("h", "nothing"))


def test_hard_link_to_a_directory_is_refused(root):
    with pytest.raises(BuduError, match="operation not permitted"):
        unpack(root, directory("d"), hard_link("h", "d"))


def test_last_member_wins(root):
    unpack(
        root,
        member("a", b"old"),
        member("a", b"new"),
        directory("d"),
        member("d/x", b"x"),
        member("d", b"file now"),
        member("f", b"file"),
        directory("f"),
        member("f/y", b"y"),
    )
    assert (root / "a").read_text() == "new"
    assert (root / "d").read_text() == "file now"
    assert (root / "f/y").read_text() == "y"


def test_repeated_directory_keeps_its_members(root):
    unpack(root, directory("d"), member("d/x", b"x"), directory("d", mode=0o700, mtime=5))
    assert (root / "d/x").exists()
    assert stat.S_IMODE((root / "d").stat().st_mode) == 0o700


def test_root_itself_gets_attributes(root):
    unpack(root, directory("./", mode=0o711, mtime=99))
    assert (stat.S_IMODE(root.stat().st_mode), root.stat().st_mtime) == (0o711, 99)


def test_root_cannot_become_a_file(root):
    with pytest.raises(InvalidArgument, match="root directory"):
        unpack(root, member("./", b"x"))


def test_devices_are_refused_without_privilege(root):
    with pytest.raises(PermissionDenied, match="mknod /dev/sda: operation not permitted") as info:
        unpack(root, member("dev/sda", type=tarfile.BLKTYPE, devmajor=8))
    assert info.value.hint is not None
    assert info.value.hint.key == "archive.device-refused"


def test_whiteouts_are_plain_files_unless_asked(root):
    unpack(root, member(".wh.gone", b""))
    assert (root / ".wh.gone").is_file()


def test_truncated_archive_is_data_loss(root):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(member("f", b"x" * 2000)[0], io.BytesIO(b"x" * 2000))
    fd = os.open(root, os.O_RDONLY)
    try:
        with pytest.raises(DataLoss, match="unexpected EOF"):
            extract(StreamSource(io.BytesIO(out.getvalue()[:1500])), fd, options=UNPRIVILEGED)
    finally:
        os.close(fd)


def test_xattrs_are_set_but_not_overlays_own(root):
    info, data = member("f", b"x")
    info.pax_headers = {
        "SCHILY.xattr.user.note": "kept",
        "SCHILY.xattr.user.overlay.redirect": "/etc",
        "SCHILY.xattr.unknown.name": "dropped",
    }
    unpack(root, (info, data))
    assert os.listxattr(root / "f") == ["user.note"]


def test_very_deep_trees_are_made_and_removed(root):
    members = [symlink("s0", ".")]
    deep = "/".join(["d"] * 1000)
    members += [directory(deep), symlink("deep", deep), directory("deep/" + deep)]
    unpack(root, *members)
    fd = os.open(root.parent, os.O_RDONLY)
    try:
        assert remove_entry(b"root", dir_fd=fd)
    finally:
        os.close(fd)
    assert not root.exists()


def test_pack_is_what_extract_reads(root, tmp_path):
    (root / "d/e").mkdir(parents=True)
    (root / "d/e/f").write_bytes(os.urandom(70000))
    (root / ("n" * 200)).write_text("long")
    os.link(root / "d/e/f", root / "hard")
    (root / "s").symlink_to("t" * 150)
    os.setxattr(root / "d", "user.k", b"v\n=v")
    os.utime(root / "d/e", ns=(0, 1234567890123456789))
    (root / "d").chmod(0o1777)
    first, second, copy = io.BytesIO(), io.BytesIO(), tmp_path / "copy"
    pack(root, first)
    copy.mkdir()
    fd = os.open(copy, os.O_RDONLY)
    try:
        extract(StreamSource(io.BytesIO(first.getvalue())), fd, options=UNPRIVILEGED)
    finally:
        os.close(fd)
    assert (copy / "hard").stat().st_nlink == 2
    assert (copy / "d/e").stat().st_mtime_ns == 1234567890123456789
    pack(copy, second)
    assert first.getvalue() == second.getvalue()
    with tarfile.open(fileobj=io.BytesIO(first.getvalue())) as tar:
        assert {m.name for m in tar} == {"d", "d/e", "d/e/f", "hard", "n" * 200, "s"}


def test_pack_turns_overlays_opaque_directories_into_whiteouts(root):
    (root / "d").mkdir()
    os.setxattr(root / "d", whiteouts.USER + b"opaque", b"y")
    out = io.BytesIO()
    pack(root, out, overlay=True)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        assert tar.getnames() == ["d", "d/.wh..wh..opq"]
