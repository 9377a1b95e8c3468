"""The local side of `cp`: packing, and unpacking what may be hostile. Needs no privilege."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.archives import archive

from budu.cli.copy_local import find_source, find_target, pack
from budu.cli.copy_progress import Progress
from budu.cli.copy_rename import rename_root
from budu.cli.copy_unpack import Unpacker
from budu.cli.failures import CommandFailed


def packed(path: Path, name: str, **options: Any) -> tarfile.TarFile:
    source = find_source(str(path), follow=options.pop("follow", False))
    data = b"".join(pack(source, name or source.name, exact=options.pop("exact", False)))
    return tarfile.open(fileobj=io.BytesIO(data))


def pieces_of(*members: tuple[str, bytes, dict[str, Any]]) -> Iterator[bytes]:
    data = archive(*members)
    return (data[at : at + 700] for at in range(0, len(data), 700))


def unpack(
    folder: Path, *members: tuple[str, bytes, dict[str, Any]], old: str = "d", new: str = "d"
) -> None:
    Unpacker(str(folder), old=old, new=new, archive=False).run(pieces_of(*members))


LINK = {"type": tarfile.SYMTYPE}
FOLDER = {"type": tarfile.DIRTYPE, "mode": 0o755}


def test_a_tree_is_packed(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub/f").write_bytes(b"x" * 700)
    (tree / "l").symlink_to("sub/f")
    os.link(tree / "sub/f", tree / "sub/g")
    os.mkfifo(tree / "fifo")
    with packed(tree, "new") as tar:
        assert tar.getnames() == ["new", "new/fifo", "new/l", "new/sub", "new/sub/f", "new/sub/g"]
        assert tar.extractfile("new/sub/f").read() == b"x" * 700
        assert tar.getmember("new/sub/g").linkname == "new/sub/f"
        assert tar.getmember("new/l").linkname == "sub/f"


def test_links_given_as_source(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/f").touch()
    (tmp_path / "link").symlink_to("real")
    with packed(tmp_path / "link", "") as tar:
        assert tar.getmember("link").issym()
    with packed(tmp_path / "link", "", follow=True) as tar:
        assert tar.getnames() == ["link", "link/f"]
    found = find_source(f"{tmp_path}/link/.", follow=False)
    assert (found.name, found.is_directory) == (".", True)


def test_nanoseconds_go_along_when_asked(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    os.utime(tmp_path / "f", ns=(0, 1_500_000_000_123_456_789))
    with packed(tmp_path / "f", "", exact=True) as tar:
        assert tar.getmember("f").pax_headers["mtime"] == "1500000000.123456789"
    with packed(tmp_path / "f", "") as tar:
        assert tar.getmember("f").mtime == 1_500_000_000


def test_missing_sources(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    for path, sentence in (
        ("nope", f"lstat {tmp_path}/nope: no such file or directory"),
        ("f/", "not a directory"),
        ("f/.", "not a directory"),
    ):
        with pytest.raises(CommandFailed) as caught:
            find_source(f"{tmp_path}/{path}", follow=False)
        assert caught.value.message == sentence


def test_targets(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("new")
    (tmp_path / "loop").symlink_to("loop")
    found = find_target(f"{tmp_path}/link")
    assert (found.path, found.exists) == (f"{tmp_path}/new", False)
    assert find_target(str(tmp_path)).is_directory
    for path, sentence in (
        (f"{tmp_path}/no/x", f'invalid output path: directory "{tmp_path}/no" does not exist'),
        (f"{tmp_path}/loop", f"too many symlinks in {tmp_path}/loop"),
        (
            "/dev/null",
            'invalid output path: "/dev/null" must be a directory or a regular file: got a device',
        ),
    ):
        with pytest.raises(CommandFailed) as caught:
            find_target(path)
        assert caught.value.message == sentence


def test_an_archive_is_unpacked_under_its_new_name(tmp_path: Path) -> None:
    unpack(
        tmp_path,
        ("d", b"", {**FOLDER, "mode": 0o700, "mtime": 5}),
        ("d/f", b"1", {"mode": 0o4755, "mtime": 7}),
        ("d/g", b"", {"type": tarfile.LNKTYPE, "linkname": "d/f"}),
        ("d/l", b"", {**LINK, "linkname": "/etc/passwd"}),
        new="new",
    )
    file = (tmp_path / "new/f").stat()
    assert (file.st_mode & 0o7777, file.st_mtime, file.st_nlink) == (0o755, 7, 2)
    assert (tmp_path / "new").stat().st_mtime == 5
    assert (tmp_path / "new/l").is_symlink()


@pytest.mark.parametrize("name", ["../x", "d/../../x", "/../x"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(CommandFailed, match="is outside of"):
        unpack(tmp_path / "in", (name, b"1", {}))
    assert os.listdir(tmp_path) == ["in"]


def test_links_of_the_archive_are_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    with pytest.raises(CommandFailed):
        unpack(inside, ("d", b"", {**LINK, "linkname": str(outside)}), ("d/x", b"1", {}))
    with pytest.raises(CommandFailed):
        linked = {"type": tarfile.LNKTYPE, "linkname": "d/../../out/secret"}
        unpack(inside, ("h", b"", linked))
    assert os.listdir(outside) == []


def test_a_file_replaces_a_link_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "d").symlink_to("kept")
    unpack(tmp_path, ("d", b"new", {}))
    assert (tmp_path / "kept").read_text() == "kept"
    assert (tmp_path / "d").read_text() == "new"


def test_kinds_are_kept(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(CommandFailed) as caught:
        unpack(tmp_path, ("d", b"1", {}))
    assert caught.value.message == (
        f'cannot overwrite directory "{tmp_path}/d" with non-directory "{tmp_path}"'
    )


def test_an_archive_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    pieces = list(pieces_of(("d", b"x" * 5000, {})))[:3]
    with pytest.raises(CommandFailed, match="unexpected"):
        Unpacker(str(tmp_path), old="d", new="d", archive=False).run(iter(pieces))


def test_a_passing_archive_gets_another_root() -> None:
    pieces = pieces_of(
        ("d", b"", FOLDER),
        ("d/f", b"x" * 3000, {"pax_headers": {"SCHILY.xattr.user.a": "b"}}),
        ("d/h", b"", {"type": tarfile.LNKTYPE, "linkname": "d/f"}),
    )
    data = b"".join(rename_root(pieces, "d", "n" * 200))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        long = "n" * 200
        assert tar.getnames() == [long, f"{long}/f", f"{long}/h"]
        assert tar.extractfile(f"{long}/f").read() == b"x" * 3000
        assert tar.getmember(f"{long}/h").linkname == f"{long}/f"
        assert tar.getmember(f"{long}/f").pax_headers["SCHILY.xattr.user.a"] == "b"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_on_a_terminal() -> None:
    out = Terminal()
    progress = Progress(
        out, quiet=False, header="Copying to container", clock=iter(range(9)).__next__
    )
    assert list(progress.count([b"x" * 2000, b"y" * 48])) == [b"x" * 2000, b"y" * 48]
    progress.done("web:/x")
    shown = out.getvalue().split("\r\x1b[2K")
    assert shown[1:] == [
        "Copying to container - 0B",
        "Copying to container - 2kB",
        "Copying to container - 2.05kB",
        "Successfully copied 2.05kB to web:/x\n",
    ]


def test_quiet_says_nothing() -> None:
    out = Terminal()
    progress = Progress(out, quiet=True, header="Copying to container")
    assert list(progress.count([b"x"])) == [b"x"]
    progress.done("web:/x")
    assert out.getvalue() == ""
