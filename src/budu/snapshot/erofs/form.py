"""The layer form that indexes a tar and mounts the index over it.

Needs EROFS mounts of ordinary files (Linux 6.12, `CONFIG_EROFS_FS_BACKED_BY_FILE`) with more than
one device. A tar with sparse members is extracted instead, as that one layer's form.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from budu.archive.faults import os_errors
from budu.archive.tar import FileSource, TarReader
from budu.linux.mount import MNT_DETACH, attach, new_mount, umount2
from budu.snapshot.erofs.image import build_index
from budu.snapshot.erofs.tree import LayerTree, NotIndexable
from budu.snapshot.extracted import TREE, ExtractedForm
from budu.snapshot.growing import GrowingFile
from budu.snapshot.stored import TAR, StoredLayers, sync_paths

INDEX = "index.erofs"
"""Name of the index in a layer's directory."""

_OPTION_MAX = 255


class ErofsForm:
    """See `snapshot.stored.LayerForm`.

    `mounts`: a directory to attach the mounts below, for kernels before 6.15, which refuse a
    detached mount as overlay's lower; None keeps them detached.
    """

    def __init__(self, *, mounts: Path | None = None) -> None:
        self._fallback = ExtractedForm()
        self._mounts = mounts

    def build(self, tar: GrowingFile, place: Path) -> None:
        """See `LayerForm.build`."""
        tree = LayerTree()
        try:
            for entry in TarReader(tar):
                tree.add(entry)
        except NotIndexable:
            self._fallback.build(tar, place)
            return
        with os_errors(f"write {place / INDEX}"):
            index = build_index(tree.root, tar_size=tar.wait_size())
            (place / INDEX).write_bytes(index)

    def open_lower(self, place: Path) -> int:
        """See `LayerForm.open_lower`; a layer without an index was extracted."""
        if not (place / INDEX).exists():
            return self._fallback.open_lower(place)
        fd = mount_index(place / INDEX, place / TAR)
        return fd if self._mounts is None else _attach(fd, self._mounts / place.name)

    def close_lower(self, place: Path) -> None:
        """See `LayerForm.close_lower`."""
        if self._mounts is not None:
            _detach(self._mounts / place.name)

    def check(self, place: Path, scratch: Path) -> bool:
        """See `LayerForm.check`: the index of a tar is always the same."""
        if not (place / INDEX).exists():
            return (place / TREE).exists() and self._fallback.check(place, scratch)
        tree = LayerTree()
        fd = os.open(place / TAR, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for entry in TarReader(FileSource(fd)):
                tree.add(entry)
            size = os.fstat(fd).st_size
        finally:
            os.close(fd)
        return build_index(tree.root, tar_size=size) == (place / INDEX).read_bytes()

    def flush(self, place: Path) -> None:
        """See `LayerForm.flush`."""
        if (place / INDEX).exists():
            sync_paths(place / INDEX)
        if (place / TREE).exists():
            self._fallback.flush(place)


class ErofsLayers(StoredLayers):
    """A layer store whose layers are indexes over their tars."""

    def __init__(self, root: str | Path, *, attached: bool = False) -> None:
        self._mounts = Path(root) / "mounts"
        if self._mounts.exists():
            _detach_all(self._mounts)
        super().__init__(root, ErofsForm(mounts=self._mounts if attached else None))

    def close(self) -> None:
        """See `LayerStore.close`."""
        super().close()
        if self._mounts.exists():
            _detach_all(self._mounts)


def mount_index(index: Path, tar: Path) -> int:
    """A detached, read-only mount of an index over its tar.

    Raises: OSError with the kernel's reason, when it cannot do that.
    """
    opened: list[int] = []
    try:
        options: list[tuple[str, str | int | None]] = [("ro", None)]
        options.append(("source", _option_path(index, opened)))
        options.append(("device", _option_path(tar, opened)))
        return new_mount("erofs", options)
    finally:
        for fd in opened:
            os.close(fd)


def _option_path(path: Path, opened: list[int]) -> str:
    """The path, or a short one through a descriptor when the kernel would not take it."""
    if len(os.fsencode(path)) <= _OPTION_MAX:
        return str(path.absolute())
    opened.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    return f"/proc/self/fd/{opened[-1]}"


def _attach(fd: int, target: Path) -> int:
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        attach(fd, str(target))
        return os.open(target, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    finally:
        os.close(fd)


def _detach_all(mounts: Path) -> None:
    for target in mounts.iterdir():
        _detach(target)


def _detach(target: Path) -> None:
    while os.path.ismount(target):
        umount2(str(target), MNT_DETACH)
    with suppress(FileNotFoundError):
        target.rmdir()
