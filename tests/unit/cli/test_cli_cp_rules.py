"""The rules of `cp`: arguments, Docker's table of cases, names in archives."""

from __future__ import annotations

import pytest

from budu.cli.copy_rules import (
    Target,
    asserts_directory,
    base_name,
    keep_ending,
    parse_end,
    place,
    rebase,
    renamed,
    split_entry,
)
from budu.cli.failures import CommandFailed


@pytest.mark.parametrize(
    ("text", "kind", "ref", "path"),
    [
        ("-", "pipe", "", "-"),
        ("file", "local", "", "file"),
        ("./a:b", "local", "", "./a:b"),
        ("../a:b", "local", "", "../a:b"),
        ("/a:b", "local", "", "/a:b"),
        (":b", "local", "", ":b"),
        ("web:/etc", "container", "web", "/etc"),
        ("web:etc", "container", "web", "etc"),
        ("web:", "container", "web", ""),
        ("web:/a:b", "container", "web", "/a:b"),
        ("volume:db/dump.sql", "volume", "db", "/dump.sql"),
        ("volume:db", "volume", "db", "/"),
        ("volume:db/", "volume", "db", "/"),
        ("volume:/etc", "container", "volume", "/etc"),
        ("volume:", "container", "volume", ""),
    ],
)
def test_what_an_argument_means(text: str, kind: str, ref: str, path: str) -> None:
    end = parse_end(text)
    assert (end.kind, end.ref, end.path) == (kind, ref, path)


@pytest.mark.parametrize(("text", "shown"), [("web:x", "web:/y"), ("volume:v/x", "volume:v/y")])
def test_an_end_is_shown_as_it_would_be_written(text: str, shown: str) -> None:
    assert parse_end(text).show("/y") == shown


def test_only_remote_paths_are_patterns() -> None:
    assert parse_end("web:/*.log").has_pattern
    assert parse_end("volume:v/[ab]").has_pattern
    assert not parse_end("*.log").has_pattern


FILE, FOLDER = False, True


@pytest.mark.parametrize(
    ("base", "kind", "target", "expected"),
    [
        # the target is a directory: into it
        ("f", FILE, Target("/d", exists=True, is_directory=True), ("/d", "f")),
        ("s", FOLDER, Target("/d", exists=True, is_directory=True), ("/d", "s")),
        (".", FOLDER, Target("/d", exists=True, is_directory=True), ("/d", ".")),
        (".", FOLDER, Target("/d/.", exists=True, is_directory=True), ("/d/.", ".")),
        # the target is a file: in its place
        ("f", FILE, Target("/d/g", exists=True), ("/d", "g")),
        # nothing is there: it gets that name
        ("f", FILE, Target("/d/new"), ("/d", "new")),
        ("s", FOLDER, Target("/d/new"), ("/d", "new")),
        (".", FOLDER, Target("/d/new"), ("/d", "new")),
        ("s", FOLDER, Target("/d/new/"), ("/d", "new")),
        ("s", FOLDER, Target("/d/new/."), ("/d/new", ".")),
        ("f", FILE, Target("new"), (".", "new")),
    ],
)
def test_where_things_go(base: str, kind: bool, target: Target, expected: tuple[str, str]) -> None:
    assert place(base, is_directory=kind, target=target) == expected


@pytest.mark.parametrize(
    ("kind", "target", "sentence"),
    [
        (FOLDER, Target("/d/f", exists=True), "cannot copy directory"),
        (FILE, Target("/d/new/"), "no such directory"),
        (FILE, Target("/d/new/."), "no such directory"),
        (FILE, Target(""), "no such directory"),
    ],
)
def test_what_cannot_be_copied(kind: bool, target: Target, sentence: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        place("x", is_directory=kind, target=target)
    assert caught.value.message == sentence


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/b", ("/a", "b")),
        ("/a/b/", ("/a", "b")),
        ("/a/b/.", ("/a/b", ".")),
        ("/a/../b", ("/", "b")),
        ("/", ("/", "/")),
        ("a", (".", "a")),
        (".", (".", ".")),
        ("", (".", ".")),
    ],
)
def test_split_entry(path: str, expected: tuple[str, str]) -> None:
    assert split_entry(path) == expected


@pytest.mark.parametrize(
    ("cleaned", "original", "kept"),
    [("/a", "a/", "/a/"), ("/a", "a/.", "/a/."), ("/", ".", "/."), ("/a", "a", "/a")],
)
def test_endings_are_kept(cleaned: str, original: str, kept: str) -> None:
    assert keep_ending(cleaned, original) == kept


def test_endings_that_say_directory() -> None:
    assert [asserts_directory(path) for path in ("a/", "a/.", ".", "a", "a.")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [base_name(path) for path in ("/", "/a/", "/a/.", "")] == ["/", "a", ".", "."]


def test_a_followed_link_keeps_its_name() -> None:
    assert rebase("/l", "/target") == ("/target", "l")
    assert rebase("/l/", "/target") == ("/target/", "l")
    assert rebase("/l/.", "/target") == ("/target/.", "")
    assert rebase("/same", "/other/same") == ("/other/same", "")


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("d", "d", "n", "n"),
        ("d/", "d", "n", "n"),
        ("d/a/d", "d", "n", "n/a/d"),
        ("dd/a", "d", "n", "dd/a"),
        ("./a", ".", "n", "n/a"),
        (".", ".", "n", "n"),
        ("/", "/", "n", "n"),
        ("/a", "/", "n", "n/a"),
        ("d/a", "d", "d", "d/a"),
    ],
)
def test_roots_of_archives_are_renamed(name: str, old: str, new: str, expected: str) -> None:
    assert renamed(name, old, new) == expected
