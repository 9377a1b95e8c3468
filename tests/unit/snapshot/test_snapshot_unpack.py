"""Unpacking as a layer arrives, without privilege: everything belongs to whoever runs this."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import threading

import pytest
import zstandard

from budu.archive.compression import ExpansionLimits
from budu.base.errors import DataLoss, InvalidArgument, ResourceExhausted
from budu.content.disk import DiskContent
from budu.snapshot.extracted import TREE, ExtractedLayers
from budu.snapshot.growing import Abandoned, GrowingFile
from budu.snapshot.threads import Channel, in_thread
from budu.snapshot.unpack import LayerUnpacker
from budu.spec.digest import Digest

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


def make_tar(names: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in names.items():
            info = tarfile.TarInfo(name)
            info.size, info.uid, info.gid = len(data), os.getuid(), os.getgid()
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


TAR = make_tar({"d/f": os.urandom(400_000), "e": b"x"})
BLOB = gzip.compress(TAR)


class Place:
    """A content store and a layer store below one directory."""

    def __init__(self, root):
        self.root = root
        self.content = DiskContent(root / "content")
        self.layers = ExtractedLayers(root / "layers", rootless=True)

    def unpacker(self, blob=BLOB, tar=TAR, *, digest=None, **options) -> LayerUnpacker:
        digest = digest or Digest.of(blob)
        ingest = self.content.ingest(digest)
        media = options.pop("media", GZIP)
        return LayerUnpacker(self.layers, media, digest, Digest.of(tar), ingest=ingest, **options)

    def leftovers(self) -> list[str]:
        self.layers.sweep()
        places = ("layers/tmp", "layers/trash", "layers/sha256", "content/ingest", "content/tmp")
        return [name for place in places for name in os.listdir(self.root / place)]


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.layers.close()


def run(unpacking: LayerUnpacker, data: bytes, size: int = 10_000):
    try:
        for at in range(0, len(data), size):
            unpacking.feed(data[at : at + size])
        return unpacking.finish()
    finally:
        unpacking.abort(keep_partial=False)


@pytest.mark.parametrize(
    ("media", "pack"),
    [
        (GZIP, gzip.compress),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", gzip.compress),
        ("application/vnd.oci.image.layer.v1.tar+zstd", zstandard.compress),
        ("application/vnd.oci.image.layer.v1.tar", bytes),
    ],
)
def test_layer_in_any_packing(place, media, pack):
    blob = pack(TAR)
    layer = run(place.unpacker(blob, media=media), blob)
    assert (layer.diff_id, layer.size) == (Digest.of(TAR), len(TAR))
    tree = place.root / "layers" / "sha256" / layer.diff_id.hex / TREE
    assert (tree / "e").read_bytes() == b"x"
    assert place.content.has(Digest.of(blob))


def test_blob_is_dropped_when_it_is_not_wanted(place):
    run(place.unpacker(keep_blob=False), BLOB)
    assert not place.content.has(Digest.of(BLOB))
    assert place.layers.has(Digest.of(TAR))


def test_wrong_digest_is_named_before_what_came_of_it(place):
    unpacking = place.unpacker(digest=Digest.of(b"announced"))
    with pytest.raises(DataLoss, match="filesystem layer verification failed for digest"):
        run(unpacking, b"neither gzip nor anything" * 50_000)
    assert place.leftovers() == []


def test_wrong_diff_id(place):
    with pytest.raises(DataLoss, match="wrong diff id"):
        run(place.unpacker(tar=b"something else"), BLOB)
    assert place.leftovers() == []


@pytest.mark.parametrize(
    ("blob", "error", "words"),
    [
        (BLOB[:-100], DataLoss, "unexpected EOF"),
        (BLOB + b"garbage " * 9, DataLoss, "gzip: invalid"),
        (b"not packed" * 100, DataLoss, "gzip: invalid header"),
        (gzip.compress(TAR[:5000]), DataLoss, "wrong diff id"),
    ],
)
def test_damaged_blob_with_right_digest(place, blob, error, words):
    with pytest.raises(error, match=words):
        run(place.unpacker(blob), blob)
    assert place.leftovers() == []


def test_hostile_tar(place):
    tar = make_tar({"../x": b"x"})
    blob = gzip.compress(tar)
    with pytest.raises(InvalidArgument, match="escapes"):
        run(place.unpacker(blob, tar), blob)
    assert place.leftovers() == []


def test_bomb_stops_at_once(place):
    blob = gzip.compress(bytes(64 << 20))
    limits = ExpansionLimits(max_ratio=10, ratio_floor_bytes=1 << 20)
    with pytest.raises(ResourceExhausted, match="times its size"):
        run(place.unpacker(blob, limits=limits), blob, 1000)
    assert place.leftovers() == []


def test_interrupted_layer_is_kept_across_restarts(place, tmp_path):
    unpacking = place.unpacker()
    unpacking.feed(BLOB[:200_000])
    unpacking.abort()
    again = Place(tmp_path)
    unpacking = again.unpacker()
    assert unpacking.offset == 200_000
    run(unpacking, BLOB[200_000:])
    assert again.layers.has(Digest.of(TAR))
    assert again.leftovers() == [Digest.of(TAR).hex]


def test_ingest_of_another_blob_is_refused(place):
    ingest = place.content.ingest(Digest.of(b"other"))
    with pytest.raises(InvalidArgument):
        LayerUnpacker(place.layers, GZIP, Digest.of(BLOB), None, ingest=ingest)
    ingest.abort()


def test_channel_keeps_order_and_bounds():
    channel = Channel(max_bytes=10)
    chunks = [bytes([number]) * 4 for number in range(50)]

    def send() -> None:
        for chunk in chunks:
            channel.put(chunk)
        channel.close()

    sending = in_thread("send", send)
    assert list(channel) == chunks
    sending.result()


def test_channel_lets_the_sender_go_when_the_reader_leaves():
    channel = Channel(max_bytes=1)
    assert channel.put(b"full")
    sending = in_thread("send", lambda: channel.put(b"waits"))
    channel.abandon()
    assert sending.result() is False
    assert list(channel) == []


def test_growing_file_waits_for_what_comes(tmp_path):
    fd = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    growing = GrowingFile(fd, name="f")
    started = threading.Event()

    def read() -> list[bytes]:
        started.set()
        return [growing.read_at(0, 4), growing.read_at(4, 4), growing.read_at(6, 4)]

    reading = in_thread("read", read)
    started.wait()
    growing.append(b"ab")
    growing.append(b"cdef")
    growing.finish()
    assert reading.result() == [b"abcd", b"ef", b""]
    with pytest.raises(DataLoss, match="unexpected EOF"):
        growing.read_at(7, 1)
    os.close(fd)


def test_abandoned_file_ends_its_readers(tmp_path):
    fd = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    growing = GrowingFile(fd, name="f")
    reading = in_thread("read", growing.wait_size)
    growing.abandon()
    with pytest.raises(Abandoned):
        reading.result()
    os.close(fd)
