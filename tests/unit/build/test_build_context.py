"""Contexts arrive as archives of anybody's making and become folders that nothing leads out of."""

from __future__ import annotations

import gzip
import lzma
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.layers import archive, digest_of, member, opened

from budu.archive.ignore import Ignore
from budu.archive.limits import MemberLimits
from budu.base.errors import BuduError, DataLoss, InvalidArgument, NotFound, ResourceExhausted
from budu.build.context import READ_MAX, receive, remove_ignored

MIB = 1 << 20


def pieces(data: bytes, size: int = 1000) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "build"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_a_context_may_be_packed(folder, pack):
    with receive(pieces(pack(archive(("Dockerfile", b"FROM scratch")))), folder) as context:
        assert context.read("Dockerfile") == b"FROM scratch"
        assert context.path.joinpath("Dockerfile").is_file()


def test_closing_takes_everything_away(folder):
    context = receive(pieces(archive(("a/b/c", b"1"))), folder)
    context.close()
    assert not folder.exists()


def test_nobody_else_gets_to_the_files_and_the_root_has_a_mode_for_images(folder):
    with receive(pieces(archive(("a", b"1"))), folder) as context:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert os.fstat(context.root).st_mode & 0o777 == 0o755


def test_the_root_is_as_old_as_the_newest_member(folder):
    old, new = (member(name, tarfile.DIRTYPE, mtime=time) for name, time in (("a", 5), ("b", 9)))
    with receive(pieces(archive(old, new)), folder) as context:
        assert context.path.stat().st_mtime == 9


def test_an_empty_context_is_one(folder):
    with receive(iter(()), folder) as context:
        assert os.listdir(context.path) == []


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (archive(("../out", b"1")), InvalidArgument),
        (archive(("a", b"1" * 5000))[:1000], DataLoss),
        (b"no archive at all" * 100, InvalidArgument),
        (gzip.compress(archive(("a", b"1")), mtime=0)[:-9], DataLoss),
        (archive(member("a", tarfile.LNKTYPE, linkname="/etc/shadow")), BuduError),
    ],
)
def test_a_broken_context_leaves_nothing(folder, data, error):
    with pytest.raises(error):
        receive(pieces(data), folder)
    assert not folder.exists()


def test_members_below_a_link_stay_inside(folder, tmp_path):
    (tmp_path / "outside").mkdir()
    link = member("way", tarfile.SYMTYPE, linkname=str(tmp_path / "outside"))
    with receive(pieces(archive(link, ("way/file", b"1"))), folder) as context:
        assert list((tmp_path / "outside").iterdir()) == []
        assert context.read(f"{tmp_path}/outside/file") == b"1"


def test_a_file_that_is_one_hole_is_a_bomb(folder):
    records = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "hole",
        "GNU.sparse.realsize": str(1 << 50),
    }
    hole = member("hole", tarfile.REGTYPE, pax_headers=records, size=512)
    data = hole.tobuf(tarfile.PAX_FORMAT) + b"1\n0\n0\n".ljust(512, b"\0")
    with pytest.raises(ResourceExhausted, match="archive expands to more than"):
        receive(pieces(data), folder)


def test_an_archive_without_end_is_ended(folder):
    def endless() -> Iterator[bytes]:
        number = 0
        while True:
            yield member(str(number), tarfile.DIRTYPE).tobuf()
            number += 1

    with pytest.raises(ResourceExhausted, match="archive has more than 100 members"):
        receive(endless(), folder, limits=MemberLimits(max_members=100))
    assert not folder.exists()


def test_only_regular_files_of_the_context_are_read(folder, tmp_path):
    (tmp_path / "secret").write_text("secret")
    with receive(
        pieces(
            archive(
                member("pipe", tarfile.FIFOTYPE),
                member("dir", tarfile.DIRTYPE, mode=0o755),
                member("out", tarfile.SYMTYPE, linkname="../../secret"),
                member("loop", tarfile.SYMTYPE, linkname="loop"),
                ("real", b"1"),
                member("link", tarfile.SYMTYPE, linkname="/real"),
            )
        ),
        folder,
    ) as context:
        assert context.read("link") == b"1"
        for path in ("out", "none", "real/x"):
            with pytest.raises(NotFound):
                context.read(path)
        for path in ("pipe", "dir", "loop", "a\0b"):
            with pytest.raises(InvalidArgument):
                context.read(path)


def test_a_dockerfile_of_gigabytes_is_not_read(folder):
    with receive(pieces(archive(("a", b""))), folder) as context:
        os.truncate(context.path / "a", READ_MAX + 1)
        with pytest.raises(InvalidArgument, match="read a: file too large"):
            context.read("a")


# Ignore files


def left_in(context) -> list[str]:
    return sorted(str(each.relative_to(context.path)) for each in context.path.rglob("*"))


def test_build_files_that_are_ignored_are_not_copied(folder):
    files = [
        ("Dockerfile", b""),
        ("a.md", b""),
        (".dockerignore", b"*.md\nDockerfile\n.dockerignore\n"),
    ]
    with receive(pieces(archive(*files)), folder) as context:
        context.leave_out("Dockerfile")
        assert left_in(context) == ["a.md"]


def test_what_the_engine_fetched_is_looked_through(folder):
    files = [("Dockerfile", b""), ("a.md", b""), ("b/c.md", b""), ("b/d", b""), ("e/f.md", b"")]
    ignore = (".dockerignore", b"**/*.md\n!b/c.md\ne\n")
    with receive(pieces(archive(*files, ignore)), folder) as context:
        context.leave_out("Dockerfile", everything=True)
        assert left_in(context) == [".dockerignore", "Dockerfile", "b", "b/c.md", "b/d"]


def test_an_ignore_file_beside_the_dockerfile_goes_first(folder):
    files = [
        ("x/Dev", b""),
        ("x/Dev.dockerignore", b"a\nx"),
        (".dockerignore", b"b"),
        ("a", b""),
        ("b", b""),
    ]
    with receive(pieces(archive(*files)), folder) as context:
        context.leave_out("x/Dev", everything=True)
        assert left_in(context) == [".dockerignore", "b"]


def test_without_an_ignore_file_everything_stays(folder):
    with receive(pieces(archive(("Dockerfile", b""))), folder) as context:
        context.leave_out("Dockerfile", everything=True)
        assert left_in(context) == ["Dockerfile"]


def test_a_folder_stays_for_what_is_kept_in_it(tmp_path):
    for name in ("keep/a/b", "keep/c", "gone/d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    with opened(tmp_path) as root:
        remove_ignored(root, Ignore(["*", "!*/a/b"]))
    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")) == [
        "keep",
        "keep/a",
        "keep/a/b",
    ]


def test_the_same_archive_always_has_the_same_digest(tmp_path):
    data = archive(("a/b", b"1"), member("l", tarfile.SYMTYPE, linkname="a"))
    digests = set()
    for name in ("one", "two"):
        with receive(pieces(data), tmp_path / name) as context:
            digests.add(digest_of(context.path, ".", to="/x"))
    assert len(digests) == 1
