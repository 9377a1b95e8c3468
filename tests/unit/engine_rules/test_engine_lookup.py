"""Paths within a tree: Docker's rules for requests, Go's modes, links, patterns."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from budu.base.errors import InvalidArgument
from budu.engine.containers.lookup import (
    base_name,
    clean_request,
    find,
    follow,
    go_mode,
    open_entry,
    path_stat,
)


@pytest.mark.parametrize(
    ("path", "cleaned", "name"),
    [
        ("/a/b", "/a/b", "b"),
        ("a/b", "/a/b", "b"),
        ("/a/b/", "/a/b/", "b"),
        ("/a/b/.", "/a/b/.", "."),
        ("/a//b/../c", "/a/c", "c"),
        ("../../etc", "/etc", "etc"),
        ("/", "/", "/"),
        ("//", "/", "/"),
        (".", "/.", "."),
        ("..", "/", "/"),
        ("/.", "/.", "."),
    ],
)
def test_requests_are_cleaned_and_keep_their_ends(path: str, cleaned: str, name: str) -> None:
    assert clean_request(path) == cleaned
    assert base_name(cleaned) == name


def test_requests_that_are_none() -> None:
    with pytest.raises(InvalidArgument) as caught:
        clean_request("")
    assert caught.value.message == "bad parameter: pathcannot be empty"
    with pytest.raises(InvalidArgument, match="invalid argument"):
        clean_request("/a\0b")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (stat.S_IFREG | 0o644, 0o644),
        (stat.S_IFDIR | 0o755, 2147484141),
        (stat.S_IFLNK | 0o777, 134218239),
        (stat.S_IFIFO | 0o644, 33554852),
        (stat.S_IFDIR | 0o1777, 1 << 31 | 1 << 20 | 0o777),
        (stat.S_IFREG | 0o6755, 1 << 23 | 1 << 22 | 0o755),
        (stat.S_IFCHR | 0o666, 1 << 26 | 1 << 21 | 0o666),
        (stat.S_IFBLK | 0o660, 1 << 26 | 0o660),
        (stat.S_IFSOCK | 0o755, 1 << 24 | 0o755),
    ],
)
def test_modes_are_gos(mode: int, expected: int) -> None:
    assert go_mode(mode) == expected


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    """A tree, with something outside of it."""
    (tmp_path / "outside").write_text("outside")
    tree = tmp_path / "tree"
    (tree / "log/a").mkdir(parents=True)
    (tree / "log/b").mkdir()
    for name in ("log/a/1.log", "log/b/2.log", "log/b/.3.log", "log/b/4.txt", "log/[x]"):
        (tree / name).touch()
    (tree / "up").symlink_to("../../outside")
    (tree / "abs").symlink_to("/log/a")
    (tree / "far").symlink_to("abs/../b/2.log")
    (tree / "loop").symlink_to("loop")
    fd = os.open(tree, os.O_PATH | os.O_DIRECTORY)
    yield fd
    os.close(fd)


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/abs", "/log/a"),
        ("/far", "/log/b/2.log"),
        ("/up", "/outside"),
        ("/abs/no/x", "/log/a/no/x"),
    ],
)
def test_links_are_followed_within_the_tree(root: int, path: str, leads: str) -> None:
    assert follow(root, path) == leads


def test_loops_end(root: int) -> None:
    assert follow(root, "/loop") == "/loop"


def test_a_link_is_described_and_a_slash_follows_it(root: int) -> None:
    for path, is_link, target in (("/abs", True, "/log/a"), ("/abs/", False, "")):
        fd = open_entry(root, path)
        found = path_stat(root, path, fd)
        os.close(fd)
        assert (bool(found.mode & 1 << 27), found.link_target, found.name) == (
            is_link,
            target,
            "abs",
        )
    with pytest.raises(FileNotFoundError):
        open_entry(root, "/up/")


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("/log/*/*.log", ["/log/a/1.log", "/log/b/2.log"]),
        ("/log/b/*", ["/log/b/2.log", "/log/b/4.txt"]),
        ("/log/b/.*", ["/log/b/.3.log"]),
        ("/log/?/.", ["/log/a/.", "/log/b/."]),
        ("/log/[!a]", ["/log/b"]),
        ("/log/[x]", ["/log/[x]"]),
        ("/abs/*", ["/abs/1.log"]),
        ("/up/*", []),
        ("/none", []),
        ("/*oop", ["/loop"]),
    ],
)
def test_patterns(root: int, pattern: str, paths: list[str]) -> None:
    assert [each.path for each in find(root, pattern)] == paths
