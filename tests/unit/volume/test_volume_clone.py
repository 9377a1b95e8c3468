"""A clone of a directory tree is equal to it."""

import os
import stat
from pathlib import Path

import pytest

from budu.base.errors import AlreadyExists, InvalidArgument, NotFound
from budu.volume.folders import VolumeFolders, Work, clone_folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/file").write_text("text")
    (root / "a/b/file").chmod(0o640)
    os.utime(root / "a/b/file", ns=(10**18, 10**18 + 5))
    os.link(root / "a/b/file", root / "twin")
    (root / "link").symlink_to("/etc/passwd")
    os.mkfifo(root / "pipe")
    (root / "a").chmod(0o1755)
    os.utime(root / "a", ns=(10**18, 10**18 + 7))
    return root


def test_everything_is_kept(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    clone_folder(source, target)
    assert (target / "a/b/file").read_text() == "text"
    status = (target / "a/b/file").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o640, 10**18 + 5)
    assert os.path.samefile(target / "a/b/file", target / "twin")
    assert not os.path.samefile(target / "twin", source / "twin")
    assert os.readlink(target / "link") == "/etc/passwd"
    assert stat.S_ISFIFO((target / "pipe").stat().st_mode)
    folder = (target / "a").stat()
    assert (stat.S_IMODE(folder.st_mode), folder.st_mtime_ns) == (0o1755, 10**18 + 7)


def test_holes_stay_holes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with (source / "sparse").open("wb") as file:
        file.seek(64 << 20)
        file.write(b"end")
    clone_folder(source, tmp_path / "target")
    status = (tmp_path / "target/sparse").stat()
    assert status.st_size == (64 << 20) + 3
    assert status.st_blocks * 512 < 1 << 20
    with (tmp_path / "target/sparse").open("rb") as file:
        file.seek(64 << 20)
        assert file.read() == b"end"


def test_no_depth_is_too_deep(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    fd = os.open(source, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    clone_folder(source, tmp_path / "target")
    depth, place = 0, os.open(tmp_path / "target", os.O_RDONLY)
    while "d" in os.listdir(place):
        inner = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place, depth = inner, depth + 1
    os.close(place)
    assert depth == 1500
    from budu.archive.remove import remove_entry

    root = os.open(tmp_path, os.O_RDONLY)
    for name in ("source", "target"):
        remove_entry(name, dir_fd=root)
    os.close(root)


@pytest.fixture
def folders(tmp_path: Path) -> VolumeFolders:
    (tmp_path / "data" / "_data").mkdir(parents=True)
    (tmp_path / "data" / "_data" / "f").write_text("one")
    return VolumeFolders(tmp_path)


def test_a_snapshot_is_put_back(folders: VolumeFolders, tmp_path: Path) -> None:
    folders.keep("data", "first")
    (tmp_path / "data/_data/f").write_text("two")
    (tmp_path / "data/_data/more").write_text("")
    assert [(kept.name, kept.size) for kept in folders.snapshots("data")] == [("first", 3)]
    folders.put_back("data", "first")
    assert os.listdir(tmp_path / "data/_data") == ["f"]
    assert (tmp_path / "data/_data/f").read_text() == "one"
    folders.drop("data", "first")
    assert folders.snapshots("data") == []
    assert sorted(os.listdir(tmp_path / "data")) == ["_data", "_snapshots"]


def test_snapshots_have_names_of_their_own(folders: VolumeFolders) -> None:
    folders.keep("data", "first")
    with pytest.raises(AlreadyExists):
        folders.keep("data", "first")
    for name in ("../x", "", ".part-1", "a/b"):
        with pytest.raises(InvalidArgument):
            folders.keep("data", name)
    with pytest.raises(NotFound, match=r"^no such snapshot of volume data: second$"):
        folders.put_back("data", "second")


def test_parts_are_swept(folders: VolumeFolders, tmp_path: Path) -> None:
    folders.keep("data", "first")
    (tmp_path / "data/.part-1/x").mkdir(parents=True)
    (tmp_path / "data/_snapshots/.part-2").mkdir()
    folders.sweep()
    assert sorted(os.listdir(tmp_path / "data")) == ["_data", "_snapshots"]
    assert os.listdir(tmp_path / "data/_snapshots") == ["first"]


def test_word_is_left_of_what_breaks_off(folders: VolumeFolders) -> None:
    work = Work(operation="rename", old="data", new="other")
    with pytest.raises(KeyError), folders.working(work):
        assert folders.broken_off() == [work]
        raise KeyError
    assert folders.broken_off() == []
