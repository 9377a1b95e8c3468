"""The first half of a load: an archive's members into the stores, before it is known what they are.

Nothing is unpacked by its name. Blobs go into the content store under the digest that their name
claims, and only if it is theirs; layers of Docker's old format go into the layer store; documents
are kept in memory within bounds; links are remembered and followed on paper. A name that leads out
of the archive refuses the whole. `new_blobs` and `new_layers` tell what was brought.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterator

from budu.archive.compression import decompress
from budu.archive.tar import StreamSource, TarEntry, TarKind, TarReader
from budu.base.errors import BuduError, DataLoss, Hint, InvalidArgument, NotFound
from budu.content.leases import Lease
from budu.snapshot.blobs import Blobs
from budu.spec.digest import Digest

DOCUMENT_BYTES = 8 << 20
_ALL_DOCUMENTS_BYTES = 64 << 20
_MOST_MEMBERS = 200_000
_MOST_LINKS = 16
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})\Z")
_LINKS = (TarKind.SYMLINK, TarKind.HARD_LINK)

Tell = Callable[[str, int, int], None]
"""Hears of a layer that comes: its name, bytes done and to do."""


class Received:
    """What came of one archive. One thread at a time."""

    def __init__(self, blobs: Blobs, tell: Tell, *, lease: Lease | None = None) -> None:
        self.documents: dict[str, bytes] = {}
        """Small files by their path."""
        self.blobs: set[Digest] = set()
        """Blobs that the archive holds."""
        self.layers: dict[str, Digest] = {}
        """Old-format layers: path → diff id."""
        self.new_blobs: set[Digest] = set()
        """Those that were not here before."""
        self.new_layers: set[Digest] = set()
        """Likewise; also filled while blobs are unpacked."""
        self._links: dict[str, str] = {}
        self._stores = blobs
        self._tell = tell
        self._lease = lease
        self._held = 0

    def read(self, packed: Iterator[bytes]) -> None:
        """Take the whole archive in, compressed in any known way.

        Raises: InvalidArgument, DataLoss, ResourceExhausted, Conflict.
        """
        reader = TarReader(StreamSource(_Stream(decompress(packed))))
        for count, entry in enumerate(reader):
            if count > _MOST_MEMBERS:
                raise InvalidArgument("invalid archive: too many members")
            self._take(entry, reader)

    def resolve(self, path: str) -> str:
        """Where a path leads over the archive's links. Raises: InvalidArgument for a loop."""
        for _ in range(_MOST_LINKS):
            target = self._links.get(path)
            if target is None:
                return path
            path = target
        raise InvalidArgument(f"invalid archive: too many links at {path}")

    def document(self, path: str) -> bytes:
        """A document by its path, also one that is kept as a blob. Raises: NotFound."""
        path = self.resolve(_safe(path))
        if match := _BLOB.match(path):
            return self.blob(Digest.from_hex(match[1]))
        try:
            return self.documents[path]
        except KeyError:
            raise NotFound(f"invalid archive: {path} is missing") from None

    def blob(self, digest: Digest) -> bytes:
        """A small blob of the archive, or of this machine. Raises: NotFound, InvalidArgument."""
        if self._stores.content.size(digest) > DOCUMENT_BYTES:
            raise InvalidArgument(f"invalid archive: {digest} is too large for a document")
        return self._stores.content.read_blob(digest)

    def layer_blob(self, path: str) -> Digest | None:
        """The blob that a layer's path names, None for a layer of the old format."""
        match = _BLOB.match(self.resolve(_safe(path)))
        return Digest.from_hex(match[1]) if match else None

    def layer(self, path: str) -> Digest:
        """The diff id of an old-format layer. Raises: NotFound."""
        try:
            return self.layers[self.resolve(_safe(path))]
        except KeyError:
            raise NotFound(f"invalid archive: {path} is missing") from None

    def unpack(self, digest: Digest, diff_id: Digest, *, media_type: str, shown: str = "") -> None:
        """A blob of the archive as a layer. Raises: DataLoss when it is not that layer."""
        if self._stores.layers.has(diff_id):
            return
        size = self._stores.size(digest)
        writer = self._stores.layers.begin(diff_id)
        try:
            source = self._counted(self._stores.pieces(digest), shown or diff_id.short, size)
            for piece in decompress(source, media_type=media_type):
                writer.write(piece)
            writer.commit()
        finally:
            writer.abort()
        self.new_layers.add(diff_id)
        if digest == diff_id and digest in self.new_blobs:  # the plain tar: not kept twice
            self._stores.content.delete(digest)
            self.new_blobs.discard(digest)

    def _take(self, entry: TarEntry, reader: TarReader) -> None:
        path = _safe(_text(entry.path))
        if entry.kind in _LINKS:
            base = posixpath.dirname(path) if entry.kind is TarKind.SYMLINK else ""
            self._links[path] = _safe(posixpath.join(base, _text(entry.link)))
        elif entry.kind is TarKind.FILE:
            if entry.sparse is not None:
                raise InvalidArgument(f"invalid archive: {path} has holes")
            self._take_file(path, entry, (piece for _, piece in reader.content(entry)))
        elif entry.kind is not TarKind.DIRECTORY:
            raise InvalidArgument(f"invalid archive: {path} is neither a file nor a folder")

    def _take_file(self, path: str, entry: TarEntry, pieces: Iterator[bytes]) -> None:
        if match := _BLOB.match(path):
            self._take_blob(Digest.from_hex(match[1]), entry.size, pieces)
        elif path.endswith(".tar"):
            self.layers[path] = self._take_layer(path, entry.size, pieces)
        elif path.endswith((".json", "/json")) or path in {"oci-layout", "repositories"}:
            self._held += entry.size
            if entry.size > DOCUMENT_BYTES or self._held > _ALL_DOCUMENTS_BYTES:
                raise InvalidArgument(f"invalid archive: {path} is too large for a document")
            self.documents[path] = b"".join(pieces)

    def _take_blob(self, digest: Digest, size: int, pieces: Iterator[bytes]) -> None:
        self.blobs.add(digest)
        if self._lease is not None:
            self._lease.add(digest)
        if self._stores.has(digest):
            _verify(digest, pieces)
            return
        ingest = self._stores.content.stage(digest)
        try:
            for piece in pieces:
                ingest.write(piece)
            ingest.commit()
        except DataLoss as error:
            error.hint = _wrong_digest(digest)
            raise
        finally:
            ingest.close()
        self.new_blobs.add(digest)

    def _take_layer(self, path: str, size: int, pieces: Iterator[bytes]) -> Digest:
        known = set(self._stores.layers.list())
        writer = self._stores.layers.begin(None)
        shown = path.partition("/")[0].removesuffix(".tar")[:12]
        try:
            for piece in decompress(self._counted(pieces, shown, size)):
                writer.write(piece)
            diff_id = writer.commit().diff_id
        finally:
            writer.abort()
        if self._lease is not None:
            self._lease.add(diff_id)
        if diff_id not in known:
            self.new_layers.add(diff_id)
        return diff_id

    def _counted(self, pieces: Iterator[bytes], shown: str, size: int) -> Iterator[bytes]:
        done = 0
        for piece in pieces:
            yield piece
            done += len(piece)
            self._tell(shown, done, size)


class _Stream:
    """An iterator of pieces as something to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = piece
        taken, self._left = self._left[:size], self._left[size:]
        return taken


def _verify(digest: Digest, pieces: Iterator[bytes]) -> None:
    """Reads a blob that is here already: an archive that lies is refused all the same."""
    hashed = hashlib.sha256()
    for piece in pieces:
        hashed.update(piece)
    if hashed.hexdigest() != digest.hex:
        raise DataLoss(
            f"filesystem layer verification failed for digest {digest}",
            hint=_wrong_digest(digest),
            reference=digest,
        )


def _wrong_digest(digest: Digest) -> Hint:
    return Hint("engine.archive-digest", path=f"blobs/sha256/{digest.hex}")


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise InvalidArgument("invalid archive: a name is not UTF-8") from None


def _safe(path: str) -> str:
    """The path in its plain form. Raises: InvalidArgument when it leads out of the archive."""
    plain = posixpath.normpath(path)
    if path.startswith("/") or plain == ".." or plain.startswith("../"):
        raise _escapes(path)
    return plain


def _escapes(path: str) -> BuduError:
    return InvalidArgument(
        f"invalid archive: {path[:200]} leads out of it", hint=Hint("archive.escapes", path=path)
    )
