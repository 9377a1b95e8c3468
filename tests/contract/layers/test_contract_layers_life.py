"""The life of a layer: begun, kept, damaged, mended, removed; and unpacked while it arrives."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from layer_stores import LOWER, add, look
from plain_tars import PLAIN_TARS
from tests.contract.layer_tools import (
    directory,
    make_tar,
    member,
    symlink,
)

from budu.base.errors import DataLoss, InvalidArgument, NotFound
from budu.content.memory import MemoryContent
from budu.snapshot.choose import choose_layer_store
from budu.snapshot.erofs.form import INDEX, ErofsLayers
from budu.snapshot.extracted import TREE, ExtractedLayers
from budu.snapshot.layers import LayerStore
from budu.snapshot.unpack import LayerUnpacker
from budu.spec.digest import Digest

pytestmark = pytest.mark.host


def test_life_of_a_layer(store):
    tar = make_tar([member("f", b"x")])
    diff_id = Digest.of(tar)
    for question in (store.size, store.lower, store.open_tar, store.remove):
        with pytest.raises(NotFound):
            question(diff_id)
    add(store, tar)
    assert store.has(diff_id)
    assert list(store.list()) == [diff_id]
    assert store.size(diff_id) == len(tar)
    assert store.lower(diff_id) == store.lower(diff_id)
    with os.fdopen(store.open_tar(diff_id), "rb") as file:
        assert file.read() == tar
    store.remove(diff_id)
    assert not store.has(diff_id)
    assert store.sweep() == 1


def test_unknown_layer_gets_its_diff_id_at_commit(store):
    tar = make_tar([member("f", b"x")])
    writer = store.begin(None)
    writer.write(tar)
    assert writer.commit().diff_id == Digest.of(tar)


def test_wrong_diff_id_is_data_loss(store):
    writer = store.begin(Digest.of(b"something else"))
    writer.write(make_tar([member("../hostile", b"x")]))
    with pytest.raises(DataLoss, match="wrong diff id calculated on extraction"):
        writer.commit()
    assert list(store.list()) == []


@pytest.mark.parametrize("name", PLAIN_TARS)
def test_sound_layer_is_sound(store, name, tmp_path):
    diff_id = add(store, make_tar(PLAIN_TARS[name]))
    assert store.check(diff_id)
    store.sweep()
    assert list((tmp_path / "layers" / "tmp").iterdir()) == []
    with pytest.raises(NotFound):
        store.check(Digest.of(b"nothing"))


DAMAGES = {
    "changed": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:700]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("part", ["tar", "content"])
def test_damage_is_found_and_replaced(store, tmp_path, part, damage):
    tar = make_tar([directory("d"), member("d/f", b"x" * 3000), symlink("s", "d")])
    diff_id = add(store, tar)
    before = look(store, diff_id)
    place = tmp_path / "layers" / "sha256" / diff_id.hex
    contents = (path for path in (place / "index.erofs", place / "tree" / "d" / "f"))
    path = place / "layer.tar" if part == "tar" else next(p for p in contents if p.exists())
    path.chmod(0o600)
    DAMAGES[damage](path)
    assert not store.check(diff_id)
    writer = store.begin(diff_id, replaces=True)
    writer.write(tar)
    writer.commit()
    assert store.check(diff_id)
    assert look(store, diff_id) == before


def test_aborted_layer_leaves_nothing(store, tmp_path):
    writer = store.begin(None)
    writer.write(make_tar([member("f", b"x" * 100_000)])[:50_000])
    writer.abort()
    writer.abort()
    store.sweep()
    assert list((tmp_path / "layers" / "tmp").iterdir()) == []
    assert list(store.list()) == []


def test_two_writers_of_one_layer_both_succeed(store):
    tar = make_tar([member("f", b"x")])
    writers = [store.begin(Digest.of(tar)) for _ in range(2)]
    for writer in writers:
        writer.write(tar)
    assert writers[0].commit() == writers[1].commit()
    assert "f" in look(store, Digest.of(tar))


def reopen(store: LayerStore, root: Path) -> LayerStore:
    store.close()
    return type(store)(root)


def test_layers_survive_a_restart(store, tmp_path):
    diff_id = add(store, make_tar([member("f", b"x")]))
    half = store.begin(None)
    half.write(bytes(100))
    half._tar.abandon()  # what a killed process leaves behind
    again = reopen(store, tmp_path / "layers")
    assert "f" in look(again, diff_id)
    assert list((tmp_path / "layers" / "tmp").iterdir()) == []
    again.close()


@pytest.mark.parametrize("damage", ["none", "tar", "rest"])
def test_unflushed_layers_are_verified_after_a_power_failure(store, tmp_path, damage):
    tar = make_tar([member("f", b"content")])
    place = tmp_path / "layers" / "sha256" / add(store, tar).hex
    (place / "unflushed").write_text("an earlier boot")
    if damage == "tar":
        (place / "layer.tar").chmod(0o600)
        (place / "layer.tar").write_bytes(tar[:600])
    if damage == "rest" and (place / INDEX).exists():
        (place / INDEX).write_bytes(b"")
    if damage == "rest" and (place / TREE).exists():
        (place / TREE / "f").write_bytes(b"")
    again = reopen(store, tmp_path / "layers")
    assert again.has(Digest.of(tar)) == (damage != "tar")
    if damage != "tar":
        root = f"/proc/self/fd/{again.lower(Digest.of(tar))}"
        assert Path(f"{root}/f").read_bytes() == b"content"
    again.close()


def test_flushed_layers_are_trusted(store, tmp_path):
    diff_id = add(store, make_tar([member("f", b"x")]))
    place = tmp_path / "layers" / "sha256" / diff_id.hex
    assert store.flush() == 1
    assert store.flush() == 0
    inode = (place / "layer.tar").stat().st_ino
    again = reopen(store, tmp_path / "layers")
    assert (place / "layer.tar").stat().st_ino == inode
    again.close()


@pytest.mark.erofs
def test_layers_of_one_form_serve_the_other(tmp_path):
    tar = make_tar(PLAIN_TARS["links"] + [member(".wh.x")])
    trees = []
    for first, second in ((ErofsLayers, ExtractedLayers), (ExtractedLayers, ErofsLayers)):
        root = tmp_path / first.__name__
        store = first(root)
        trees.append(look(store, add(store, tar)))
        store.close()
        store = second(root)
        trees.append(look(store, Digest.of(tar)))
        store.close()
    assert trees[0] == trees[1] == trees[2] == trees[3]


def unpacker(store, content, blob, tar, *, media="application/vnd.oci.image.layer.v1.tar+gzip"):
    digest = Digest.of(blob)
    return LayerUnpacker(store, media, digest, Digest.of(tar), ingest=content.ingest(digest))


def test_layer_is_unpacked_while_it_arrives(store):
    content = MemoryContent()
    tar = make_tar([member(f"d/{number}", os.urandom(3000)) for number in range(300)])
    blob = gzip.compress(tar)
    unpacking = unpacker(store, content, blob, tar)
    for at in range(0, len(blob), 5000):
        unpacking.feed(blob[at : at + 5000])
    layer = unpacking.finish()
    assert (layer.diff_id, layer.size) == (Digest.of(tar), len(tar))
    assert content.read_blob(Digest.of(blob)) == blob
    assert len(look(store, layer.diff_id)) == 302


def test_interrupted_layer_goes_on_from_its_partial_blob(store):
    content = MemoryContent()
    tar = make_tar([member("f", os.urandom(300_000))])
    blob = gzip.compress(tar)
    first = unpacker(store, content, blob, tar)
    first.feed(blob[:100_000])
    first.abort()
    assert list(store.list()) == []
    second = unpacker(store, content, blob, tar)
    assert second.offset == 100_000
    second.feed(blob[100_000:])
    assert second.finish().diff_id == Digest.of(tar)


def test_hostile_layer_with_right_digests_is_refused(store):
    tar = make_tar([member("ok", b"x"), member("../x", b"x")])
    blob = gzip.compress(tar)
    unpacking = unpacker(store, MemoryContent(), blob, tar)
    unpacking.feed(blob)
    with pytest.raises(InvalidArgument, match="escapes"):
        unpacking.finish()
    assert list(store.list()) == []


def test_chosen_store_works(tmp_path, abilities):
    store = choose_layer_store(tmp_path / "chosen")
    assert isinstance(store, ErofsLayers) == abilities.erofs
    assert "f" in look(store, add(store, make_tar([member("f", b"x")])))
    store.close()
    assert sorted(path.name for path in (tmp_path / "chosen").iterdir()) == [
        "sha256",
        "tmp",
        "trash",
        "version",
    ]


def test_directories_of_containers_that_never_wrote_are_used_again(snapshots, store, tmp_path):
    stack = [add(store, LOWER)]
    for volatile in (False, True):
        snapshots.prepare("c6", stack)
        os.close(snapshots.mount("c6", stack, volatile=volatile))
        inode = snapshots.upper_path("c6").stat().st_ino
        snapshots.remove("c6")
        snapshots.prepare("c7", stack)
        assert snapshots.upper_path("c7").stat().st_ino == inode
        fd = snapshots.mount("c7", stack)
        Path(f"/proc/self/fd/{fd}/x").touch()
        os.close(fd)
        snapshots.remove("c7")
        assert snapshots.sweep() == 1
        assert snapshots.list() == ()
