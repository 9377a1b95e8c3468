"""A full disk and a killed process leave nothing half-made behind."""

from __future__ import annotations

import gzip
import io
import os
import signal
import subprocess
import sys
import tarfile

import pytest

from budu.base.errors import ResourceExhausted
from budu.content.disk import DiskContent
from budu.linux.mount import MNT_DETACH, mount, umount2
from budu.snapshot.choose import choose_layer_store
from budu.snapshot.extracted import ExtractedLayers
from budu.snapshot.unpack import LayerUnpacker
from budu.spec.digest import Digest

pytestmark = pytest.mark.host

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


def make_layer(size: int) -> tuple[bytes, bytes]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("data")
        info.size = size
        tar.addfile(info, io.BytesIO(os.urandom(size)))
    return out.getvalue(), gzip.compress(out.getvalue(), 1)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of four megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    mount("tmpfs", str(place), "tmpfs", 0, "size=4m")
    yield place
    umount2(str(place), MNT_DETACH)


@pytest.mark.parametrize("size", [2 << 20, 3 << 20, 6 << 20])
def test_full_disk_ends_in_one_clear_error(small_disk, size):
    tar, blob = make_layer(size)
    content = DiskContent(small_disk / "content")
    layers = ExtractedLayers(small_disk / "layers")
    digest = Digest.of(blob)
    unpacking = LayerUnpacker(layers, GZIP, digest, Digest.of(tar), ingest=content.ingest(digest))
    with pytest.raises(ResourceExhausted, match="no space left on device") as info:
        try:
            for at in range(0, len(blob), 65536):
                unpacking.feed(blob[at : at + 65536])
            unpacking.finish()
        finally:
            unpacking.abort(keep_partial=False)
    assert info.value.hint is not None
    assert info.value.hint.key == "archive.disk-full"
    layers.sweep()
    layers.close()
    status = os.statvfs(small_disk)
    assert (status.f_blocks - status.f_bfree) * status.f_frsize < 200_000


KILLED = """
import os, signal, sys
from budu.content.disk import DiskContent
from budu.snapshot.choose import choose_layer_store
from budu.snapshot.unpack import LayerUnpacker
from budu.spec.digest import Digest
root, blob = sys.argv[1], open(sys.argv[2], "rb").read()
content, layers = DiskContent(root + "/content"), choose_layer_store(root + "/layers")
digest = Digest.of(blob)
unpacking = LayerUnpacker(layers, "", digest, None, ingest=content.ingest(digest))
unpacking.feed(blob[: len(blob) // 2])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_process_leaves_only_the_partial_blob(tmp_path):
    tar, blob = make_layer(3 << 20)
    (tmp_path / "blob").write_bytes(blob)
    ended = subprocess.run([sys.executable, "-c", KILLED, tmp_path, tmp_path / "blob"], check=False)
    assert ended.returncode == -signal.SIGKILL
    content = DiskContent(tmp_path / "content")
    layers = choose_layer_store(tmp_path / "layers")
    assert list(layers.list()) == []
    layers.sweep()
    assert os.listdir(tmp_path / "layers" / "tmp") == []
    ingest = content.ingest(Digest.of(blob))
    assert ingest.offset == len(blob) // 2
    unpacking = LayerUnpacker(layers, GZIP, ingest.digest, Digest.of(tar), ingest=ingest)
    unpacking.feed(blob[ingest.offset :])
    assert unpacking.finish().diff_id == Digest.of(tar)
    layers.close()
