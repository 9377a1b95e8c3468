"""The archive that `build` makes of a folder: what is in it, what is not, and what may happen."""

from __future__ import annotations

import os
import stat
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from build_recorder import Member, members_of

from budu.archive.ignore import Ignore
from budu.cli.build.context import pack
from budu.cli.failures import CommandFailed

PIECE = 1 << 16


def members(folder: Path, *rules: str, added: dict[str, bytes] | None = None) -> list[Member]:
    return members_of(b"".join(pack(str(folder), Ignore(rules), added or {})))


def names(folder: Path, *rules: str, added: dict[str, bytes] | None = None) -> list[str]:
    return [member.name for member in members(folder, *rules, added=added)]


def fill(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)


@contextmanager
def as_somebody() -> Iterator[None]:
    """As a user that permissions count for."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_members_come_by_name_with_parents_first(tmp_path) -> None:
    fill(tmp_path, "b/y", "b/x", "a", "b.d", "Dockerfile")
    assert names(tmp_path) == ["Dockerfile", "a", "b", "b/x", "b/y", "b.d"]


def test_everything_belongs_to_root_and_keeps_its_mode(tmp_path) -> None:
    fill(tmp_path, "tool")
    (tmp_path / "tool").chmod(0o4751)
    (member,) = members(tmp_path)
    assert (member.owner, member.mode, member.data) == ((0, 0), 0o4751, b"tool")


def test_links_fifos_and_empty_folders_are_kept_as_they_are(tmp_path) -> None:
    fill(tmp_path, "a/file")
    (tmp_path / "dangling").symlink_to("/no/such")
    os.link(tmp_path / "a/file", tmp_path / "same")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "void").mkdir()
    kinds = {member.name: (member.kind, member.link) for member in members(tmp_path)}
    assert kinds == {
        "a": (b"5", ""),
        "a/file": (b"0", ""),
        "dangling": (b"2", "/no/such"),
        "pipe": (b"6", ""),
        "same": (b"1", "a/file"),
        "void": (b"5", ""),
    }


def test_a_linked_folder_is_not_entered(tmp_path) -> None:
    fill(tmp_path, "real/file")
    (tmp_path / "link").symlink_to("real")
    assert names(tmp_path) == ["link", "real", "real/file"]


def test_a_socket_is_left_out(tmp_path, monkeypatch) -> None:
    import socket

    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        assert stat.S_ISSOCK(Path("s").stat().st_mode)
        assert names(tmp_path) == []


def test_long_and_foreign_names(tmp_path) -> None:
    fill(tmp_path, f"{'d' * 120}/{'f' * 120}", "이름")
    (tmp_path / os.fsdecode(b"\xff")).write_text("raw")
    assert set(names(tmp_path)) == {"d" * 120, f"{'d' * 120}/{'f' * 120}", "이름", "\udcff"}


def test_ignored_folders_go_whole_but_for_exceptions(tmp_path) -> None:
    fill(tmp_path, "out/a", "out/keep/b", "out/other/c", "src/d", "src/e.pyc", "README.md", "x.md")
    found = names(tmp_path, "out", "!out/keep", "**/*.pyc", "*.md", "!README.md")
    assert found == ["README.md", "out/keep", "out/keep/b", "src", "src/d"]


def test_files_of_ours_replace_those_of_the_folder_or_come_last(tmp_path) -> None:
    fill(tmp_path, ".dockerignore", "z")
    (tmp_path / ".dockerignore").chmod(0o640)
    added = {".dockerignore": b"new", ".dockerfile.1": b"FROM scratch"}
    found = {member.name: member for member in members(tmp_path, added=added)}
    assert list(found) == [".dockerignore", "z", ".dockerfile.1"]
    assert (found[".dockerignore"].data, found[".dockerignore"].mode) == (b"new", 0o640)
    assert found[".dockerfile.1"].data == b"FROM scratch"


# A folder that others work in


def test_what_vanishes_is_left_out(tmp_path) -> None:
    fill(tmp_path, "a", "b/c", "d")
    (tmp_path / "a").write_bytes(bytes(2 * PIECE))
    pieces = pack(str(tmp_path), Ignore(()), {})
    first = next(pieces)  # by now the names of the folder were read
    (tmp_path / "d").unlink()
    (tmp_path / "b/c").unlink()
    (tmp_path / "b").rmdir()
    assert [member.name for member in members_of(first + b"".join(pieces))] == ["a"]


def test_a_file_that_grows_is_cut_at_what_its_header_says(tmp_path) -> None:
    (tmp_path / "log").write_bytes(b"x" * (2 * PIECE))
    pieces = pack(str(tmp_path), Ignore(()), {})
    first = next(pieces)
    with (tmp_path / "log").open("ab") as file:
        file.write(b"y" * PIECE)
    (member,) = members_of(first + b"".join(pieces))
    assert member.data == b"x" * (2 * PIECE)


def test_a_file_that_shrinks_ends_the_build(tmp_path) -> None:
    (tmp_path / "log").write_bytes(b"x" * (4 * PIECE))
    pieces = pack(str(tmp_path), Ignore(()), {})
    next(pieces)
    os.truncate(tmp_path / "log", 10)
    with pytest.raises(CommandFailed) as caught:
        list(pieces)
    assert caught.value.message == (
        "error checking context: 'log' became shorter while it was read"
    )
    assert caught.value.hint is not None
    assert caught.value.hint.key == "cli.build-changed"


def test_a_file_that_became_a_pipe_does_not_block(tmp_path) -> None:
    (tmp_path / "a").write_bytes(bytes(2 * PIECE))
    fill(tmp_path, "b")
    pieces = pack(str(tmp_path), Ignore(()), {})
    first = next(pieces)
    (tmp_path / "b").unlink()
    os.mkfifo(tmp_path / "b")
    found = [member.name for member in members_of(first + b"".join(pieces))]
    assert found in (["a"], ["a", "b"])


def test_a_file_that_may_not_be_read(tmp_path) -> None:
    tmp_path.chmod(0o755)
    fill(tmp_path, "key")
    (tmp_path / "key").chmod(0)
    os.chown(tmp_path / "key", os.geteuid(), -1)
    with inside(tmp_path), as_somebody(), pytest.raises(CommandFailed) as caught:
        list(pack(".", Ignore(()), {}))
    assert caught.value.message.startswith("error checking context: no permission to read from '")
    assert caught.value.hint is not None
    assert caught.value.hint.values == {"path": "key"}


def test_a_folder_that_may_not_be_read_unless_it_is_ignored(tmp_path) -> None:
    fill(tmp_path, "ours/file", "theirs/file")
    (tmp_path / "theirs").chmod(0)
    with inside(tmp_path), as_somebody():
        with pytest.raises(CommandFailed, match=r"^error checking context: can't stat '"):
            list(pack(".", Ignore(()), {}))
        assert members_of(b"".join(pack(".", Ignore(("theirs",)), {})))[-1].name == "ours/file"


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """In the folder, whose parents only root may pass."""
    before = Path.cwd()
    folder.chmod(0o755)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def test_a_large_folder_is_never_held_in_memory(tmp_path) -> None:
    for number in range(8):
        with (tmp_path / f"large{number}").open("wb") as file:
            file.truncate(16 << 20)
    list(pack(str(tmp_path / "none"), Ignore(()), {}))
    tracemalloc.start()
    try:
        size = sum(len(piece) for piece in pack(str(tmp_path), Ignore(()), {}))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 128 << 20
    assert peak < 4 << 20
