"""A layer store in a directory; what the layers look like inside is a `LayerForm`'s matter.

    <root>/sha256/<hex>/layer.tar     the exact plain tar
    <root>/sha256/<hex>/…             the form's: index.erofs, or tree/
    <root>/sha256/<hex>/unflushed     boot id, until `flush` has synced the layer
    <root>/tmp/                       layers in the making
    <root>/trash/                     removed layers until `sweep`
    <root>/version                    "1"

A layer appears and goes by one rename of its directory. At open, what a killed process left in
`tmp` goes to the trash, and layers of an earlier boot that were never flushed are verified against
their diff id and built anew from their tar, or dropped. Only one process at a time may use a root.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Protocol

from budu.archive.faults import from_os_error, os_errors
from budu.archive.remove import remove_entries
from budu.archive.tar import PIECE_BYTES
from budu.base.errors import BuduError, DataLoss, Hint, Internal, NotFound, ResourceExhausted
from budu.linux.system import boot_id as read_boot_id
from budu.snapshot.growing import GrowingFile
from budu.snapshot.layers import Layer
from budu.snapshot.threads import in_thread
from budu.spec.digest import Digest

VERSION = "1"
"""Of the layout on disk; another one is refused."""

TAR = "layer.tar"
"""Name of the plain tar in a layer's directory."""

_UNFLUSHED = "unflushed"
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_EXISTS = (errno.EEXIST, errno.ENOTEMPTY)


class LayerForm(Protocol):
    """How a layer's content is kept beside its tar."""

    def build(self, tar: GrowingFile, place: Path) -> None:
        """Builds the content in the directory `place` while the tar grows; ends when it does.

        Raises: InvalidArgument, DataLoss, ResourceExhausted, `Abandoned`.
        """

    def open_lower(self, place: Path) -> int:
        """A descriptor of the content's root, to be a lower of overlay."""

    def close_lower(self, place: Path) -> None:
        """Takes back what `open_lower` did besides the descriptor; who stands on it keeps it."""

    def flush(self, place: Path) -> None:
        """Writes the content to the disk itself."""

    def check(self, place: Path, scratch: Path) -> bool:
        """Whether the content is what `build` would make of the tar, which is right. `scratch` is
        an empty directory for whatever that takes."""


class StoredLayers:
    """See the module and `snapshot.layers.LayerStore`."""

    def __init__(self, root: str | Path, form: LayerForm) -> None:
        self._form = form
        self._root = Path(root)
        self._layers = self._root / "sha256"
        self._tmp = self._root / "tmp"
        self._trash = self._root / "trash"
        self._lowers: dict[Digest, int] = {}
        self._numbers = count()
        self._lock = threading.Lock()
        with os_errors(f"mkdir {root}"):
            self._open_root()

    def _open_root(self) -> None:
        for directory in (self._layers, self._tmp, self._trash):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        version = self._root / "version"
        if not version.exists():
            version.write_text(VERSION)
        if version.read_text() != VERSION:
            raise Internal(
                f"layer store {self._root}: unknown version {version.read_text()[:20]!r}",
                hint=Hint("snapshot.store-version", root=self._root),
            )
        for leftover in list(self._tmp.iterdir()):
            self._throw_away(leftover)
        boot_id = read_boot_id()
        for diff_id in list(self.list()):
            self._recover(diff_id, boot_id)

    def _recover(self, diff_id: Digest, boot_id: str) -> None:
        """What this boot wrote is whole; of an earlier one, only what was flushed surely is."""
        place = self._place(diff_id)
        marker = place / _UNFLUSHED
        if not marker.exists() or marker.read_text() == boot_id:
            return
        try:
            with (place / TAR).open("rb", buffering=0) as tar:
                writer = self.begin(diff_id)
                while piece := tar.read(PIECE_BYTES):
                    writer.write(piece)
            self._throw_away(place)
            writer.commit()
        except (BuduError, FileNotFoundError):
            if place.exists():
                self._throw_away(place)

    def _place(self, diff_id: Digest) -> Path:
        return self._layers / diff_id.hex

    def _existing(self, diff_id: Digest) -> Path:
        place = self._place(diff_id)
        if not place.exists():
            raise _no_layer(diff_id)
        return place

    def _throw_away(self, path: Path) -> None:
        """Moves something to the trash, under a name of its own."""
        while True:
            target = self._trash / f"{path.name[:12]}.{next(self._numbers)}"
            if target.exists():
                continue
            path.rename(target)
            return

    def has(self, diff_id: Digest) -> bool:
        """See `LayerStore.has`."""
        return self._place(diff_id).exists()

    def size(self, diff_id: Digest) -> int:
        """See `LayerStore.size`."""
        place = self._existing(diff_id)
        try:
            return (place / TAR).stat().st_size
        except FileNotFoundError:
            raise _no_layer(diff_id) from None

    def list(self) -> Iterator[Digest]:
        """See `LayerStore.list`."""
        for name in os.listdir(self._layers):
            if _HEX.match(name):
                yield Digest.from_hex(name)

    def open_tar(self, diff_id: Digest) -> int:
        """See `LayerStore.open_tar`."""
        place = self._existing(diff_id)
        try:
            return os.open(place / TAR, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise _no_layer(diff_id) from None

    def check(self, diff_id: Digest) -> bool:
        """See `LayerStore.check`."""
        place = self._existing(diff_id)
        try:
            with (place / TAR).open("rb") as tar:
                found = hashlib.file_digest(tar, "sha256").hexdigest()
        except OSError:
            return not place.exists()  # removed meanwhile
        if found != diff_id.hex:
            return False
        scratch = self._new_place()
        try:
            return self._form.check(place, scratch)
        except FileNotFoundError:
            return not place.exists()
        finally:
            self._throw_away(scratch)
            self.sweep()  # a tree for comparison, which is not to wait beside the next one

    def begin(self, diff_id: Digest | None, *, replaces: bool = False) -> StoredLayerWriter:
        """See `LayerStore.begin`."""
        place = self._new_place()
        return StoredLayerWriter(self, place, diff_id=diff_id, form=self._form, replaces=replaces)

    def _new_place(self) -> Path:
        with self._lock, os_errors(f"mkdir {self._tmp}"):
            place = self._tmp / f"{os.getpid()}.{next(self._numbers)}"
            place.mkdir(mode=0o700)
        return place

    def _adopt(self, place: Path, diff_id: Digest, *, replaces: bool) -> None:
        """Makes a finished layer visible; one that is there already stays, unless it is to go."""
        (place / _UNFLUSHED).write_text(read_boot_id())
        if replaces:
            with suppress(NotFound):
                self.remove(diff_id)
        try:
            place.rename(self._place(diff_id))
        except OSError as error:
            if error.errno not in _EXISTS:
                raise
            self._throw_away(place)

    def lower(self, diff_id: Digest) -> int:
        """See `LayerStore.lower`."""
        with self._lock:
            fd = self._lowers.get(diff_id)
            if fd is None:
                place = self._existing(diff_id)
                try:
                    fd = self._form.open_lower(place)
                except OSError as error:
                    action = f"failed to mount layer {diff_id}: {error.filename or ''}"
                    raise Internal(from_os_error(error, action).message) from error
                self._lowers[diff_id] = fd
            return fd

    def remove(self, diff_id: Digest) -> None:
        """See `LayerStore.remove`."""
        with self._lock:
            place = self._existing(diff_id)
            fd = self._lowers.pop(diff_id, None)
            if fd is not None:
                os.close(fd)
                self._form.close_lower(place)
            with os_errors(f"rename {place}"):
                self._throw_away(place)

    def flush(self) -> int:
        """See `LayerStore.flush`."""
        flushed = 0
        for diff_id in list(self.list()):
            place = self._place(diff_id)
            with suppress(FileNotFoundError):
                if not (place / _UNFLUSHED).exists():
                    continue
                self._form.flush(place)
                sync_paths(place / TAR, place, self._layers)
                (place / _UNFLUSHED).unlink()
                flushed += 1
        return flushed

    def sweep(self) -> int:
        """See `LayerStore.sweep`."""
        return remove_entries(self._trash)

    def close(self) -> None:
        """See `LayerStore.close`."""
        with self._lock:
            for fd in self._lowers.values():
                os.close(fd)
            self._lowers.clear()


class StoredLayerWriter:
    """See `snapshot.layers.LayerWriter`. The form builds in a thread of its own."""

    def __init__(
        self,
        store: StoredLayers,
        place: Path,
        *,
        diff_id: Digest | None,
        form: LayerForm,
        replaces: bool,
    ) -> None:
        self._store = store
        self._replaces = replaces
        self._place = place
        self._expected = diff_id
        self._hash = hashlib.sha256()
        self._size = 0
        self._is_open = True
        self._found_no_room = False
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        with os_errors(f"open {place / TAR}"):
            self._fd = os.open(place / TAR, flags, 0o600)
        self._tar = GrowingFile(self._fd, name=str(place / TAR))
        self._building: Future[None] = in_thread(
            "layer-build", lambda: form.build(self._tar, place)
        )

    def write(self, data: bytes) -> None:
        """See `LayerWriter.write`."""
        self._hash.update(data)
        try:
            self._tar.append(data)
        except ResourceExhausted:
            self._found_no_room = True
            raise
        self._size += len(data)

    def commit(self, expected: Digest | None = None) -> Layer:
        """See `LayerWriter.commit`."""
        expected = expected or self._expected
        try:
            self._tar.finish()
            found = Digest.from_hex(self._hash.hexdigest())
            if expected is not None and found != expected:
                raise _wrong_diff_id(expected, found)
            self._building.result()
            with os_errors(f"rename {self._place}"):
                os.fchmod(self._fd, 0o400)
                self._store._adopt(self._place, found, replaces=self._replaces)
            return Layer(diff_id=found, size=self._size)
        finally:
            self._end()

    def abort(self) -> None:
        """See `LayerWriter.abort`."""
        if self._is_open:
            self._tar.abandon()
            self._end()

    def _end(self) -> None:
        """Waits for the builder and removes what was not adopted; from a full disk at once."""
        if not self._is_open:
            return
        self._is_open = False
        self._tar.abandon()
        failure = self._building.exception()
        os.close(self._fd)
        if self._place.exists():
            self._store._throw_away(self._place)
        if self._found_no_room or isinstance(failure, ResourceExhausted):
            self._store.sweep()


def _no_layer(diff_id: Digest) -> NotFound:
    return NotFound(f"layer does not exist: {diff_id}", reference=diff_id)


def _wrong_diff_id(expected: Digest, found: Digest) -> DataLoss:
    """containerd's sentence."""
    return DataLoss(
        f'wrong diff id calculated on extraction "{found}"',
        hint=Hint("snapshot.wrong-diff-id", expected=expected, found=found),
        reference=expected,
    )


def sync_paths(*paths: Path) -> None:
    """Writes files and directories to the disk itself."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
