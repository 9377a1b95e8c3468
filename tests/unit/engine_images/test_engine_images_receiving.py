"""Archives as they come in: what is taken, and what is refused with nothing left."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from budu.base.errors import BuduError, DataLoss, InvalidArgument, NotFound
from budu.content.disk import DiskContent
from budu.engine.images.receiving import Received
from budu.snapshot.blobs import Blobs
from budu.snapshot.extracted import ExtractedLayers
from budu.spec.digest import Digest

BODY = b'{"some": "document"}'
PATH = f"blobs/sha256/{Digest.of(BODY).hex}"


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[Blobs]:
    layers = ExtractedLayers(tmp_path / "layers", rootless=True)
    yield Blobs(DiskContent(tmp_path / "content"), layers)
    layers.close()


def tar(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def link(path: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    return info


def receive(blobs: Blobs, data: bytes) -> Received:
    received = Received(blobs, lambda *_: None)
    try:
        received.read(iter([data[at : at + 1000] for at in range(0, len(data), 1000)]))
    except BuduError:
        for digest in received.new_blobs:  # as who called it does
            blobs.content.delete(digest)
        raise
    return received


def test_blobs_are_stored_by_their_digest(blobs: Blobs) -> None:
    received = receive(blobs, tar((PATH, BODY)))
    assert received.new_blobs == {Digest.of(BODY)}
    assert received.document(PATH) == BODY


def test_blob_that_is_here_is_not_new(blobs: Blobs) -> None:
    blobs.content.write_blob(Digest.of(BODY), BODY)
    received = receive(blobs, tar((PATH, BODY)))
    assert received.new_blobs == set()
    assert blobs.content.has(Digest.of(BODY))


def test_rest_of_an_interrupted_pull_does_not_spoil_a_blob(blobs: Blobs) -> None:
    ingest = blobs.content.ingest(Digest.of(BODY))
    ingest.write(b"other")
    ingest.close()
    assert receive(blobs, tar((PATH, BODY))).document(PATH) == BODY


def test_compressed_archive(blobs: Blobs) -> None:
    assert receive(blobs, gzip.compress(tar((PATH, BODY)))).blobs == {Digest.of(BODY)}


def test_wrong_digest_is_refused_and_nothing_stays(blobs: Blobs) -> None:
    other = f"blobs/sha256/{'0' * 64}"
    with pytest.raises(DataLoss) as caught:
        receive(blobs, tar((PATH, BODY), (other, b"lie")))
    assert caught.value.hint is not None
    assert caught.value.hint.key == "engine.archive-digest"
    assert list(blobs.content.list()) == []


@pytest.mark.parametrize("path", ["../x.json", "/etc/x.json", "a/../../x.json", ".."])
def test_names_that_lead_out_are_refused(blobs: Blobs, path: str) -> None:
    with pytest.raises(InvalidArgument, match="leads out"):
        receive(blobs, tar((path, b"{}")))


@pytest.mark.parametrize("target", ["../../etc/passwd", "/etc/passwd"])
def test_links_that_lead_out_are_refused(blobs: Blobs, target: str) -> None:
    with pytest.raises(InvalidArgument, match="leads out"):
        receive(blobs, tar(link("a/layer.tar", target)))


def test_links_in_a_circle_are_refused(blobs: Blobs) -> None:
    received = receive(blobs, tar(link("a.json", "b.json"), link("b.json", "a.json")))
    with pytest.raises(InvalidArgument, match="too many links"):
        received.document("a.json")


def test_link_to_what_is_not_there(blobs: Blobs) -> None:
    received = receive(blobs, tar(link("a.json", "b.json")))
    with pytest.raises(NotFound, match="is missing"):
        received.document("a.json")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(blobs: Blobs, kind: bytes) -> None:
    with pytest.raises(InvalidArgument, match="neither a file nor a folder"):
        receive(blobs, tar(link("blobs/x", "", kind)))


def test_large_document_is_refused(blobs: Blobs) -> None:
    with pytest.raises(InvalidArgument, match="too large"):
        receive(blobs, tar(("manifest.json", bytes((8 << 20) + 1))))


def test_truncated_archive_is_refused(blobs: Blobs) -> None:
    data = tar((PATH, BODY), ("big.json", b" " * 5000))
    with pytest.raises(DataLoss):
        receive(blobs, data[:3000])
    assert list(blobs.content.list()) == []


def test_old_layers_get_their_diff_ids(blobs: Blobs) -> None:
    inner = tar(("hello", b"world"))
    received = receive(
        blobs, tar(("abc/layer.tar", gzip.compress(inner)), link("d.tar", "abc/layer.tar"))
    )
    assert received.layer("d.tar") == Digest.of(inner)
    assert received.new_layers == {Digest.of(inner)}


def test_plain_layer_blob_is_not_kept_twice(blobs: Blobs) -> None:
    inner = tar(("hello", b"world"))
    digest = Digest.of(inner)
    received = receive(blobs, tar((f"blobs/sha256/{digest.hex}", inner)))
    received.unpack(digest, digest, media_type="application/vnd.oci.image.layer.v1.tar")
    assert not blobs.content.has(digest)
    assert b"".join(blobs.pieces(digest)) == inner
