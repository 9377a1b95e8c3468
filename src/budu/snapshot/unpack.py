"""Unpacks a layer while it arrives: verify, decompress, verify again, build, all at once.

    feed (caller's thread)     packed bytes → partial blob on disk, sha256 of the blob
      └─ channel → thread 1    decompress
           └─ channel → thread 2    plain tar → layer writer: file, sha256 of the tar
                                      └─ its builder thread: index or extraction

The channels are bounded, so a slow disk slows the download and not the memory. The heavy parts
release the interpreter lock. A kept partial blob is fed through again before the first new byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from itertools import chain

from budu.archive.compression import ExpansionLimits, decompress
from budu.base.errors import DataLoss, InvalidArgument
from budu.content.store import Ingest
from budu.snapshot.layers import Layer, LayerStore
from budu.snapshot.threads import Channel, in_thread
from budu.spec.digest import Digest

_PACKED_BYTES = 8 << 20
_PLAIN_BYTES = 8 << 20


class LayerUnpacker:
    """One layer on its way from the registry into the store.

    `media_type` is the descriptor's. The ingest becomes the unpacker's. With `keep_blob` the packed
    blob is committed to the content store too, else it is dropped in the end. `feed` blocks while
    the pipeline is full: call it from a worker thread, one call at a time. Every unpacker ends with
    `finish` or `abort`.
    """

    def __init__(
        self,
        store: LayerStore,
        media_type: str,
        expected_digest: Digest,
        expected_diff_id: Digest | None,
        *,
        ingest: Ingest,
        limits: ExpansionLimits | None = None,
        keep_blob: bool = True,
    ) -> None:
        if ingest.digest != expected_digest:
            raise InvalidArgument(f"ingest is for {ingest.digest}, not for {expected_digest}")
        self._ingest = ingest
        self._keep_blob = keep_blob
        self._writer = store.begin(expected_diff_id)
        self._packed = Channel(max_bytes=_PACKED_BYTES)
        self._plain = Channel(max_bytes=_PLAIN_BYTES)
        self._is_open = True
        source = chain(ingest.read_back(), self._packed)
        self._decompressing = in_thread(
            "layer-decompress", lambda: self._decompress(source, media_type, limits)
        )
        self._writing = in_thread("layer-write", self._write)

    @property
    def offset(self) -> int:
        """Packed bytes that are there: the position to ask the registry for."""
        return self._ingest.offset

    def feed(self, chunk: bytes) -> None:
        """Takes the next packed bytes.

        Faults of the content wait for `finish`: whether the blob is the right one is only known
        then, and a wrong one should be called that. Raises: ResourceExhausted at once, for a full
        disk or a compression bomb.
        """
        self._ingest.write(chunk)
        if not self._packed.put(chunk):
            for future in (self._decompressing, self._writing):
                self._raise_urgent(future)

    def finish(self) -> Layer:
        """Waits for the rest and commits the layer; the unpacker is at its end either way.

        Raises: DataLoss for a wrong digest, diff id or damaged data; InvalidArgument for a hostile
        tar; ResourceExhausted. Nothing of a failed layer stays.
        """
        try:
            self._packed.close()
            errors = [f.exception() for f in (self._decompressing, self._writing)]
            self._ingest.verify()
            for error in errors:
                if error is not None:
                    raise error
            layer = self._writer.commit()
            if self._keep_blob:
                self._ingest.commit()
            return layer
        finally:
            self.abort(keep_partial=False)

    def abort(self, *, keep_partial: bool = True) -> None:
        """Ends without a layer; the packed bytes stay for the next attempt unless told otherwise.

        Nothing happens after `finish`.
        """
        if not self._is_open:
            return
        self._is_open = False
        self._packed.abandon()
        self._plain.abandon()
        for future in (self._decompressing, self._writing):
            future.exception()
        self._writer.abort()
        if keep_partial:
            self._ingest.close()
        else:
            self._ingest.abort()

    def _decompress(
        self, source: Iterator[bytes], media_type: str, limits: ExpansionLimits | None
    ) -> None:
        try:
            for piece in decompress(source, media_type=media_type, limits=limits):
                if not self._plain.put(piece):
                    return
        finally:
            self._plain.close()
            self._packed.abandon()

    def _write(self) -> None:
        try:
            for piece in self._plain:
                self._writer.write(piece)
        finally:
            self._plain.abandon()

    def _raise_urgent(self, future: Future[None]) -> None:
        error = future.exception()
        if error is not None and not isinstance(error, DataLoss | InvalidArgument):
            raise error
