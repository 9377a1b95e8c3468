"""What only the store on disk promises: restarts, leftovers, damage."""

from __future__ import annotations

import os

import pytest

from budu.base.errors import DataLoss
from budu.content.disk import DiskContent
from budu.spec.digest import Digest

DATA = b"layer " * 100_000
DIGEST = Digest.of(DATA)


def test_partial_blob_survives_a_restart(tmp_path):
    before = DiskContent(tmp_path).ingest(DIGEST)
    before.write(DATA[:123_456])
    after = DiskContent(tmp_path).ingest(DIGEST)
    assert after.offset == 123_456
    after.write(DATA[123_456:])
    after.commit()
    assert DiskContent(tmp_path).read_blob(DIGEST) == DATA


def test_damaged_partial_blob_is_found_out(tmp_path):
    before = DiskContent(tmp_path).ingest(DIGEST)
    before.write(DATA[:1000])
    (tmp_path / "ingest" / DIGEST.hex).write_bytes(b"x" * 1000)
    after = DiskContent(tmp_path).ingest(DIGEST)
    after.write(DATA[1000:])
    with pytest.raises(DataLoss):
        after.commit()
    assert not list((tmp_path / "ingest").iterdir())


def test_damaged_document_is_found_out(tmp_path):
    store = DiskContent(tmp_path)
    store.write_blob(DIGEST, DATA)
    store.path(DIGEST).chmod(0o600)
    store.path(DIGEST).write_bytes(DATA[:-1])
    with pytest.raises(DataLoss):
        store.read_blob(DIGEST)
    store.write_blob(DIGEST, DATA)
    assert store.read_blob(DIGEST) == DATA


def test_leftovers_are_swept_at_open(tmp_path):
    DiskContent(tmp_path)
    (tmp_path / "tmp" / "half").write_bytes(b"x")
    DiskContent(tmp_path)
    assert not list((tmp_path / "tmp").iterdir())


def test_old_partial_blobs_are_discarded_but_not_open_ones(tmp_path):
    store = DiskContent(tmp_path)
    other = Digest.of(b"other")
    store.ingest(DIGEST).close()
    ingest = store.ingest(other)
    for name in (DIGEST.hex, other.hex):
        os.utime(tmp_path / "ingest" / name, (0, 0))
    assert store.discard_partial(older_than_s=3600) == 1
    assert [path.name for path in (tmp_path / "ingest").iterdir()] == [other.hex]
    ingest.abort()


def test_layout_is_that_of_an_oci_image(tmp_path):
    DiskContent(tmp_path).write_blob(DIGEST, DATA)
    assert (tmp_path / "blobs" / "sha256" / DIGEST.hex).read_bytes() == DATA
