"""Every layer store makes the same tree of a tar, GNU tar's where that has an opinion."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layer_stores import add, look
from plain_tars import PLAIN_TARS
from tests.contract.layer_tools import (
    describe_tree,
    directory,
    hard_link,
    make_tar,
    member,
    symlink,
)

from budu.base.errors import BuduError, DataLoss
from budu.snapshot.erofs.form import ErofsLayers
from budu.snapshot.extracted import ExtractedLayers
from budu.spec.digest import Digest

pytestmark = pytest.mark.host


GNU_OPTIONS = ("--xattrs", "--xattrs-include=*", "--numeric-owner", "--same-owner", "-p")


def gnu_tree(tar: bytes, place: Path, **options) -> dict[str, tuple]:
    place.mkdir()
    subprocess.run(["tar", "-x", *GNU_OPTIONS, "-C", place], input=tar, check=True)
    return describe_tree(str(place), **options)


def is_listed(tar: bytes):
    """Whether nobody but the clock gave a directory its time."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        names = {os.path.normpath(info.name.strip("/")) for info in opened}
    return lambda path, mode: stat.S_ISDIR(mode) and (path or ".") not in names


# GNU's format has no place for attributes.
TREES = [("pax", name) for name in PLAIN_TARS]
TREES += [("gnu", name) for name in PLAIN_TARS if name != "attributes"]
FORMATS = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT}


@pytest.mark.parametrize(("form", "name"), TREES)
def test_tree_is_that_of_gnu_tar(store, tmp_path, name, form):
    format = FORMATS[form]
    tar = make_tar(PLAIN_TARS[name], format=format)
    ignore = is_listed(tar)
    expected = gnu_tree(tar, tmp_path / "gnu", ignore_time=ignore)
    found = look(store, add(store, tar), ignore_time=ignore)
    assert found == expected


def test_implied_directories_have_fixed_looks(store):
    tree = look(store, add(store, make_tar([member("a/b", b"x")])))
    assert tree["a"][:4] == ("0o40755", 0, 0, 0)
    assert tree[""][:4] == ("0o40755", 0, 0, 0)


@pytest.mark.parametrize("options", [("--format=gnu",), ("--format=pax", "--sparse-version=1.0")])
def test_sparse_files_have_their_holes(store, tmp_path, options):
    source = tmp_path / "source"
    source.mkdir()
    with (source / "sparse").open("wb") as file:
        for at in (0, 1 << 20, 5 << 20):
            file.seek(at)
            file.write(os.urandom(5000))
        file.truncate(9 << 20)
    (source / "plain").write_bytes(b"x" * 1000)
    tar = subprocess.run(
        ["tar", "-S", *options, "-C", source, "-cf", "-", "plain", "sparse"],
        check=True,
        capture_output=True,
    ).stdout
    assert len(tar) < 1 << 20
    expected = gnu_tree(tar, tmp_path / "gnu", ignore_time=lambda p, m: not p)
    assert look(store, add(store, tar), ignore_time=lambda p, m: not p) == expected


def test_a_tree_of_this_machine(store, tmp_path):
    tar = subprocess.run(
        ["tar", "-C", "/", "-cf", "-", "etc", "usr/share/perl5", "usr/sbin/tarcat"],
        capture_output=True,
    ).stdout
    ignore = is_listed(tar)
    expected = gnu_tree(tar, tmp_path / "gnu", ignore_time=ignore)
    assert len(expected) > 100
    assert look(store, add(store, tar), ignore_time=ignore) == expected


# Whiteouts


def test_whiteouts_become_overlays(store):
    tree = look(
        store,
        add(
            store,
            make_tar(
                [
                    directory("d"),
                    member("d/.wh.gone", uid=3, mtime=9),
                    directory("opaque"),
                    member("opaque/.wh..wh..opq"),
                    member("opaque/new", b"n"),
                    member(".wh..wh.plnk", b""),
                ]
            ),
        ),
    )
    assert tree["d/gone"][:4] == ("0o20000", 3, 0, 9 * 10**9)
    assert tree["d/gone"][6] == 0
    assert tree["d"][8] == {"trusted.overlay.origin": b""}
    assert tree["opaque"][8] == {"trusted.overlay.opaque": b"y"}
    assert set(tree) == {"", "d", "d/gone", "opaque", "opaque/new"}


@pytest.mark.parametrize("first", ["whiteout", "directory"])
def test_whiteout_beside_a_directory_makes_it_opaque(store, first):
    members = [member(".wh.d"), directory("d"), member("d/new", b"x")]
    if first == "directory":
        members = members[1:] + members[:1]
    tree = look(store, add(store, make_tar(members)))
    assert tree["d"][8] == {"trusted.overlay.opaque": b"y"}
    assert "d/new" in tree


@pytest.mark.parametrize("first", ["whiteout", "file"])
def test_whiteout_beside_a_file_leaves_the_file(store, first):
    members = [member(".wh.f"), member("f", b"stays")]
    if first == "file":
        members.reverse()
    assert look(store, add(store, make_tar(members)))["f"][0] == "0o100644"


def test_archives_cannot_set_overlays_attributes(store):
    tar = make_tar(
        [
            directory("d", xattrs={"trusted.overlay.redirect": b"/etc", "user.overlay.x": b"y"}),
            member("f", b"x", xattrs={"trusted.overlay.metacopy": b"", "user.ok": b"1"}),
        ]
    )
    tree = look(store, add(store, tar))
    assert tree["d"][8] == {}
    assert tree["f"][8] == {"user.ok": b"1"}


# Hostile and broken tars

HOSTILE = {
    "dot dot": [member("../x", b"x")],
    "dot dot inside": [member("a/../../x", b"x")],
    "hard link out": [hard_link("h", "../../etc/passwd")],
    "hard link to nothing": [hard_link("h", "absent")],
    "hard link to itself": [member("h", b"x"), hard_link("h", "h")],
    "hard link to a directory": [directory("d"), hard_link("h", "d")],
    "hard link to the root": [hard_link("h", "/")],
    "below a file": [member("f", b"x"), member("f/x", b"y")],
    "below a device": [member("p", type=tarfile.FIFOTYPE), member("p/x", b"y")],
    "link loop": [symlink("a", "b"), symlink("b", "a"), member("a/x", b"y")],
    "empty link": [symlink("a", "")],
    "long link": [symlink("a", "x" * 4096)],
    "long name": [member("n" * 256, b"x")],
    "long path": [member("d/" * 2048 + "x", b"x")],
    "root as a file": [member(".", b"x")],
    "negative size": [(tarfile.TarInfo("neg"), b"")],
    "link into a long name": [symlink("a", "n" * 300), member("a/x", b"y")],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tar_is_refused_and_leaves_nothing(store, tmp_path, name):
    tar = make_tar(HOSTILE[name])
    if name == "negative size":
        header = tar[:124] + b"\xff" * 12 + b"0" * 12 + b" " * 8 + tar[156:512]
        tar = header[:148] + b"%06o\0 " % sum(header) + header[156:] + bytes(1024)
    with pytest.raises(BuduError) as info:
        add(store, tar)
    assert not isinstance(info.value, DataLoss)
    assert not store.has(Digest.of(tar))
    store.sweep()
    assert list((tmp_path / "layers" / "tmp").iterdir()) == []
    assert list((tmp_path / "layers" / "trash").iterdir()) == []


HARMLESS = {
    "absolute": ([member("/etc/x", b"1")], "etc/x"),
    "below a link": ([directory("r"), symlink("l", "r"), member("l/x", b"1")], "r/x"),
    "below a link up": ([symlink("l", "../../.."), member("l/x", b"1")], "x"),
    "below an absolute link": ([symlink("l", "/r/s"), member("l/x", b"1")], "r/s/x"),
    "through two links": ([symlink("a", "b"), symlink("b", "/c/.."), member("a/x", b"1")], "x"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_odd_paths_end_below_the_root(store, name):
    members, path = HARMLESS[name]
    assert path in look(store, add(store, make_tar(members)))


@pytest.mark.parametrize("cut", [1, 400, 600, 1400])
def test_truncated_tar_is_data_loss(store, cut):
    tar = make_tar([member("a", b"x" * 700), member("b", b"y" * 700)])[:-8192]
    with pytest.raises(DataLoss, match="unexpected EOF"):
        add(store, tar[: len(tar) // 2 + cut] if cut > 1000 else tar[:cut])


names = st.sampled_from(["a", "b", "a/b", "b/a", "a/b/c", "./a", "/b", "a/../b", "../a", "."])
members = st.one_of(
    st.builds(member, names, st.binary(max_size=600), mode=st.sampled_from([0o644, 0o4755])),
    st.builds(directory, names, mode=st.sampled_from([0o755, 0o1777]), mtime=st.just(5)),
    st.builds(symlink, names, st.sampled_from(["a", "b", "../b", "/a/b", "..", "c"])),
    st.builds(hard_link, names, names),
    st.builds(member, st.sampled_from([".wh.a", "a/.wh.b", "b/.wh..wh..opq", ".wh.b"])),
    st.builds(member, names, type=st.just(tarfile.FIFOTYPE)),
)


@pytest.mark.erofs
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(members, max_size=8))
def test_both_forms_agree_on_any_tar(tmp_path_factory, listed):
    root = tmp_path_factory.mktemp("agree")
    stores = [ErofsLayers(root / "erofs"), ExtractedLayers(root / "extracted")]
    tar = make_tar(listed)
    results = []
    try:
        for store in stores:
            try:
                results.append(look(store, add(store, tar)))
            except BuduError as error:
                results.append((type(error), error.message))
    finally:
        for store in stores:
            store.close()
        shutil.rmtree(root)
    assert results[0] == results[1]
