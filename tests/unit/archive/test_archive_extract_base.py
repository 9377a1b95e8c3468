"""Extraction into a directory below the root, as copying into a container needs it."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from tests.support.archives import archive

from budu.archive.extract import ExtractOptions, extract
from budu.archive.tar import StreamSource
from budu.base.errors import InvalidArgument


def unpack(root: Path, base: bytes, out: bytes, **options: object) -> None:
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        chosen = ExtractOptions(base=base, owners=False, implied_now=True, **options)
        extract(StreamSource(io.BytesIO(out)), fd, options=chosen)
    finally:
        os.close(fd)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "victim").mkdir()
    root = tmp_path / "root"
    (root / "srv/app").mkdir(parents=True)
    (root / "other").mkdir()
    (root / "link").symlink_to("/srv/app")
    return root


def test_members_go_below_the_base(root):
    unpack(root, b"srv/app", archive(("a/b", b"1", {})))
    assert (root / "srv/app/a/b").read_bytes() == b"1"
    assert (root / "srv/app/a").stat().st_mtime > 1_600_000_000


def test_the_base_may_be_behind_a_link(root):
    unpack(root, b"link", archive(("f", b"1", {})))
    assert (root / "srv/app/f").read_bytes() == b"1"


@pytest.mark.parametrize("target", ["/other", "../../other", "../../../../../other"])
def test_links_below_the_base_lead_within_the_root(root, target):
    (root / "srv/app/out").symlink_to(target)
    unpack(root, b"srv/app", archive(("out/f", b"1", {})))
    assert (root / "other/f").read_bytes() == b"1"


def test_no_name_leaves_the_base(root):
    with pytest.raises(InvalidArgument, match="escapes"):
        unpack(root, b"srv/app", archive(("../f", b"1", {})))
    link = {"type": tarfile.LNKTYPE, "linkname": "../../other"}
    with pytest.raises(InvalidArgument, match="invalid hardlink"):
        unpack(root, b"srv/app", archive(("f", b"", link)))


def test_hard_links_are_relative_to_the_base(root):
    link = {"type": tarfile.LNKTYPE, "linkname": "first"}
    unpack(root, b"srv/app", archive(("first", b"1", {}), ("second", b"", link)))
    assert (root / "srv/app/second").stat().st_ino == (root / "srv/app/first").stat().st_ino


def test_the_base_keeps_its_looks(root):
    os.chmod(root / "srv/app", 0o711)
    out = archive((".", b"", {"type": tarfile.DIRTYPE, "mode": 0o777}), ("./f", b"", {}))
    unpack(root, b"srv/app", out, keeps_root=True)
    assert (root / "srv/app").stat().st_mode & 0o7777 == 0o711


def test_directories_below_the_base_are_finished_by_their_real_place(root):
    (root / "srv/app/out").symlink_to("/other")
    fields = {"type": tarfile.DIRTYPE, "mode": 0o750, "mtime": 1234}
    unpack(root, b"srv/app", archive(("out/d", b"", fields), ("d", b"", fields)))
    for place in ("other/d", "srv/app/d"):
        status = (root / place).stat()
        assert (status.st_mode & 0o7777, status.st_mtime) == (0o750, 1234)


@pytest.mark.parametrize(
    ("present", "member", "sentence"),
    [
        ("dir", {}, 'cannot overwrite directory "/srv/app/x" with non-directory "/srv/app"'),
        (
            "file",
            {"type": tarfile.DIRTYPE},
            'cannot overwrite non-directory "/srv/app/x" with directory "/srv/app"',
        ),
    ],
)
def test_kinds_are_kept_when_asked(root, present, member, sentence):
    place = root / "srv/app/x"
    place.mkdir() if present == "dir" else place.touch()
    with pytest.raises(InvalidArgument) as caught:
        unpack(root, b"srv/app", archive(("x", b"", member)), keeps_kinds=True)
    assert caught.value.message == sentence
    unpack(root, b"srv/app", archive(("x", b"", member)))
    assert place.is_dir() is (present == "file")


def test_nothing_stays_open(root):
    before = len(os.listdir("/proc/self/fd"))
    unpack(root, b"other/../link", archive(("a/b", b"1", {})))
    with pytest.raises(FileNotFoundError):
        unpack(root, b"srv/nowhere", archive(("a/b", b"1", {})))
    assert len(os.listdir("/proc/self/fd")) == before
