"""A build context as a layer: its tar is kept and indexed while it comes, and nothing is extracted.

    body ─▶ decompressed ─▶ layer writer ─▶ read-only mount ─▶ descriptor of its root

So a context of ten thousand files costs its bytes and an index. Only a command that has the context
mounted makes real files of it. Every context begins with a header of its own, so that no two builds
share a layer. Blocking.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from budu.archive.compression import decompress
from budu.archive.tar import FileSource, TarReader
from budu.archive.whiteouts import PREFIX
from budu.base.errors import NotFound
from budu.build.context import (
    Context,
    find_ignore,
    ignored_names,
    read_below,
    receive,
    remove_below,
)
from budu.linux.paths import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, openat2
from budu.snapshot.blobs import read_pieces
from budu.snapshot.layers import LayerStore
from budu.spec.digest import Digest

_BLOCK = 512
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

MountOver = Callable[[int, tuple[Digest, ...]], int]
"""Makes a detached read-only mount of a directory over layers; the caller's to close."""


class LayerContext:
    """See `build.context.Context`, whose place it takes."""

    def __init__(
        self, layers: LayerStore, diff_id: Digest, folder: Path, mount_over: MountOver
    ) -> None:
        self._layers = layers
        self._diff_id = diff_id
        self._folder = folder
        self._mount_over = mount_over
        self._hidden: tuple[str, ...] = ()
        self._unpacked: Context | None = None
        self._lock = threading.Lock()
        self.root = os.dup(layers.lower(diff_id))

    def read(self, path: str) -> bytes:
        """See `Context.read`."""
        return read_below(self.root, path)

    def leave_out(self, dockerfile: str, *, everything: bool = False) -> None:
        """See `Context.leave_out`. A client has looked itself, so `everything` changes nothing."""
        ignore = find_ignore(self.root, dockerfile)
        names = ignored_names(ignore, dockerfile) if ignore is not None else []
        self._hidden = tuple(name for name in names if _is_there(self.root, name))
        if not self._hidden:
            return
        top = self._folder / "hidden"
        for name in self._hidden:
            _hide(self.root, top, name)
        fd = os.open(top, _FOLDER)
        try:
            root = self._mount_over(fd, (self._diff_id,))
        finally:
            os.close(fd)
        os.close(self.root)
        self.root = root

    def unpacked(self) -> int:
        """The root of the same files on disk, for mounting; made when first wanted."""
        with self._lock:
            if self._unpacked is None:
                pieces = read_pieces(self._layers.open_tar(self._diff_id))
                self._unpacked = receive(pieces, self._folder / "unpacked")
                for name in self._hidden:
                    remove_below(self._unpacked.root, os.fsencode(name))
            return self._unpacked.root

    def close(self) -> None:
        """Let everything go. Raises: OSError."""
        os.close(self.root)
        if self._unpacked is not None:
            self._unpacked.close()
        with suppress(NotFound):
            self._layers.remove(self._diff_id)
        shutil.rmtree(self._folder, ignore_errors=True)


AnyContext = Context | LayerContext


def receive_layer(
    pieces: Iterator[bytes],
    folder: Path,
    *,
    layers: LayerStore,
    mount_over: MountOver,
    mark: str,
    claim: Callable[[Digest], object],
) -> AnyContext:
    """Take a context in. `mark` tells builds apart; `claim` is told of the layer, which is to stay.

    Raises: as `build.context.receive`.
    """
    writer = layers.begin(None)
    watch = _Watch()
    try:
        writer.write(tarfile.TarInfo.create_pax_global_header({"comment": f"budu build {mark}"}))
        for piece in decompress(pieces):
            watch.look(piece)
            writer.write(piece)
        if watch.total % _BLOCK:  # docker leaves the padding off behind a Dockerfile from elsewhere
            writer.write(bytes(-watch.total % _BLOCK))
        layer = writer.commit()
    finally:
        writer.abort()
    claim(layer.diff_id)
    folder.mkdir(mode=0o700)
    try:
        if watch.total % _BLOCK:
            _check_whole(layers.open_tar(layer.diff_id), layer.size - (-watch.total % _BLOCK))
        if not watch.has_whiteouts:
            return LayerContext(layers, layer.diff_id, folder, mount_over)
        try:  # names that layers have for files that are gone: here they are files
            return receive(read_pieces(layers.open_tar(layer.diff_id)), folder)
        finally:
            layers.remove(layer.diff_id)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(NotFound):
            layers.remove(layer.diff_id)
        raise


class _Watch:
    """What goes by: how much, and whether a name may be one of a whiteout."""

    def __init__(self) -> None:
        self.total = 0
        self.has_whiteouts = False
        self._tail = b""

    def look(self, piece: bytes) -> None:
        self.total += len(piece)
        if not self.has_whiteouts:
            self.has_whiteouts = PREFIX in piece or PREFIX in self._tail + piece[: len(PREFIX)]
            self._tail = piece[-len(PREFIX) :]


def _check_whole(fd: int, size: int) -> None:
    """Whether nothing but padding is missing: a member may end with the archive, not behind it.

    Raises: DataLoss.
    """
    try:
        for _ in TarReader(_Shorter(fd, size), unpadded=True):
            continue
    finally:
        os.close(fd)


class _Shorter(FileSource):
    """An archive without what was added to it."""

    def __init__(self, fd: int, size: int) -> None:
        super().__init__(fd)
        self._size = size

    def read_at(self, offset: int, size: int) -> bytes:
        """See `TarSource.read_at`."""
        return super().read_at(offset, min(size, max(self._size - offset, 0)))


def _is_there(root: int, name: str) -> bool:
    """Whether there is such a file, by a way without links: those lead out of the context."""
    resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
    try:
        os.close(openat2(root, name, os.O_PATH | os.O_NOFOLLOW, resolve=resolve))
    except OSError:
        return False
    return True


def _hide(root: int, top: Path, name: str) -> None:
    """A whiteout for a name, below folders that look as those of the context do."""
    top.mkdir(exist_ok=True)
    parts, path = name.split("/"), top
    _dress(path, os.fstat(root))
    for depth in range(1, len(parts)):
        path = path / parts[depth - 1]
        path.mkdir(exist_ok=True)
        _dress(path, os.stat("/".join(parts[:depth]), dir_fd=root, follow_symlinks=False))
    os.mknod(path / parts[-1], 0o020000, 0)


def _dress(folder: Path, model: os.stat_result) -> None:
    os.chown(folder, model.st_uid, model.st_gid)
    folder.chmod(model.st_mode & 0o7777)
    os.utime(folder, ns=(model.st_mtime_ns, model.st_mtime_ns))
