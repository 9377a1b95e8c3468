"""Layers extracted into directories: for kernels without file-backed EROFS, and rootless.

The tree stands at `tree/` beside the plain tar, which is kept so that the layer can be pushed and
saved exactly as it came. That costs the space twice; the EROFS form does not.
"""

from __future__ import annotations

import os
from pathlib import Path

from budu.archive import whiteouts
from budu.archive.extract import ExtractOptions, WhiteoutStyle, extract
from budu.archive.remove import remove_entry
from budu.archive.same import same_tree
from budu.archive.tar import FileSource, TarSource
from budu.snapshot.growing import GrowingFile
from budu.snapshot.stored import TAR, StoredLayers

TREE = "tree"
"""Name of the extracted tree in a layer's directory."""

_HALF = "tree.half"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class ExtractedForm:
    """See `snapshot.stored.LayerForm`.

    With `rootless`, device nodes are refused and overlay's attributes are spelled as the mount
    option `userxattr` wants them.
    """

    def __init__(self, *, rootless: bool = False) -> None:
        self._options = ExtractOptions(
            whiteout_style=WhiteoutStyle.OVERLAY,
            devices=not rootless,
            overlay_prefix=whiteouts.USER if rootless else whiteouts.TRUSTED,
        )

    def build(self, tar: GrowingFile, place: Path) -> None:
        """See `LayerForm.build`."""
        self._extract(tar, place)
        tar.wait_size()

    def open_lower(self, place: Path) -> int:
        """See `LayerForm.open_lower`; extracts a layer that only has an index, from its tar."""
        if not (place / TREE).exists():
            self._extract_stored(place)
        return os.open(place / TREE, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def flush(self, place: Path) -> None:
        """See `LayerForm.flush`: syncing thousands of files one by one would take longer."""
        if (place / TREE).exists():
            os.sync()

    def close_lower(self, place: Path) -> None:
        """See `LayerForm.close_lower`: there is nothing but the descriptor."""

    def check(self, place: Path, scratch: Path) -> bool:
        """See `LayerForm.check`. Without a tree there is nothing to be wrong: it is extracted when
        it is needed."""
        if not (place / TREE).exists():
            return True
        fd = os.open(place / TAR, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._extract(FileSource(fd), scratch)
        finally:
            os.close(fd)
        trees = [os.open(each / TREE, _DIRECTORY) for each in (place, scratch)]
        try:
            return same_tree(*trees)
        finally:
            for tree in trees:
                os.close(tree)

    def _extract_stored(self, place: Path) -> None:
        fd = os.open(place / TAR, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._extract(FileSource(fd), place)
        finally:
            os.close(fd)

    def _extract(self, source: TarSource, place: Path) -> None:
        half = place / _HALF
        if half.exists():
            _remove(half)
        half.mkdir()
        root = os.open(half, _DIRECTORY)
        try:
            extract(source, root, options=self._options)
        finally:
            os.close(root)
        half.rename(place / TREE)


class ExtractedLayers(StoredLayers):
    """A layer store whose layers are directories."""

    def __init__(self, root: str | Path, *, rootless: bool = False) -> None:
        super().__init__(root, ExtractedForm(rootless=rootless))


def _remove(path: Path) -> None:
    parent = os.open(path.parent, _DIRECTORY)
    try:
        remove_entry(path.name, dir_fd=parent)
    finally:
        os.close(parent)
