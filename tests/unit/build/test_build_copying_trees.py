"""Any tree copied over any other: what holds of every layer."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.layers import archive, digest_of, layer_of, member, opened

from budu.archive.extract import ExtractOptions, extract
from budu.archive.tar import StreamSource
from budu.base.errors import BuduError

names = st.sampled_from(["a", "b", "c"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
links = st.lists(st.sampled_from(["a", "b", "..", "."]), min_size=1, max_size=4).map("/".join)
leaves = st.one_of(
    st.sampled_from(["", "text"]),
    st.tuples(st.just("->"), st.booleans(), links),
)
trees = st.lists(st.tuples(paths, leaves), max_size=6)
targets = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), max_size=4).map("/".join)


def grow(root: Path, tree: list) -> None:
    """Make what can be made of it: later things do not take the place of earlier ones."""
    root.mkdir()
    for path, leaf in tree:
        with suppress(OSError):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            if os.path.realpath((root / path).parent) != str((root / path).parent):
                continue
            if isinstance(leaf, str):
                with (root / path).open("x") as file:
                    file.write(leaf)
            else:
                (root / path).symlink_to(("/" if leaf[1] else "") + leaf[2])


def entries(layer: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return list(tar)


def check(layer: bytes) -> None:
    """Every member stands in a folder that is a member before it, and leads nowhere else."""
    folders = {""}
    for each in entries(layer):
        assert not each.name.startswith("/")
        assert ".." not in each.name.split("/")
        parent, _, _ = each.name.rpartition("/")
        assert parent in folders
        if each.isdir():
            folders.add("" if each.name == "." else each.name)
        else:
            folders.discard(each.name)


def shape(root: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("->", str(path.readlink()))
        else:
            found[name] = None if path.is_dir() else path.read_text()
    return found


@settings(max_examples=150)
@given(trees, trees, targets, st.booleans())
def test_a_layer_never_leads_elsewhere(source, target, to, is_folder):
    with tempfile.TemporaryDirectory() as scratch:
        one, two = Path(scratch, "one"), Path(scratch, "two")
        grow(one, source)
        grow(two, target)
        with suppress(BuduError):  # kinds differ, or a loop of links
            layer = layer_of(one, two, ".", to=f"/{to}" + "/" * is_folder)
            check(layer)
            assert layer == layer_of(one, two, ".", to=f"/{to}" + "/" * is_folder)


@settings(max_examples=100)
@given(trees)
def test_what_is_copied_is_what_was_there(source):
    with tempfile.TemporaryDirectory() as scratch:
        one, two = Path(scratch, "one"), Path(scratch, "two")
        grow(one, source)
        two.mkdir()
        layer = layer_of(one, two, "/", to="/x/")
        with opened(two) as root:
            options = ExtractOptions(owners=os.geteuid() == 0)
            extract(StreamSource(io.BytesIO(layer)), root, options=options)
        assert shape(two / "x") == shape(one)
        assert digest_of(two, "x", to="/y") == digest_of(one, "/", to="/y")


members = st.one_of(
    st.tuples(links, st.just(b"content")),
    st.builds(lambda name: member(name, tarfile.DIRTYPE, mode=0o755), links),
    st.builds(lambda name, to: member(name, tarfile.SYMTYPE, linkname=to), links, links),
    st.builds(lambda name, to: member(name, tarfile.SYMTYPE, linkname=f"/{to}"), links, links),
    st.builds(lambda name, to: member(name, tarfile.LNKTYPE, linkname=to), links, links),
)


@settings(max_examples=150)
@given(st.lists(members, min_size=1, max_size=8), trees, targets)
def test_no_archive_leads_elsewhere(content, target, to):
    with tempfile.TemporaryDirectory() as scratch:
        one, two = Path(scratch, "one"), Path(scratch, "two")
        one.mkdir()
        (one / "a.tar").write_bytes(archive(*content))
        grow(two, target)
        with suppress(BuduError):
            check(layer_of(one, two, "a.tar", to=f"/{to}", unpacks=True))
