"""Packs an unpacked layer so that the same tree gives the same bytes.

Times later than the epoch of the recipes become that epoch; what package managers leave in caches
and logs is dropped; members come in the order of their names; gzip carries no time.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import shutil
from pathlib import Path

from budu.archive.write import pack
from budu.hub.seed.image import Layer

EPOCH_S = 1767225600
"""2026-01-01, the date of everything that a recipe makes."""

LEFT_OVERS = (
    "var/cache/apt",
    "var/cache/debconf/config.dat-old",
    "var/cache/debconf/templates.dat-old",
    "var/cache/ldconfig/aux-cache",
    "var/lib/apt/lists",
    "var/lib/dpkg/diversions-old",
    "var/lib/dpkg/statoverride-old",
    "var/lib/dpkg/status-old",
    "var/log/alternatives.log",
    "var/log/apt",
    "var/log/bootstrap.log",
    "var/log/dpkg.log",
    "var/log/fontconfig.log",
    "usr/share/doc-base",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
)
"""Paths that no layer keeps."""

EMPTIED = ("usr/share/doc",)
"""Folders of which only licences stay."""


def tidy(tree: Path) -> None:
    """Take away what depends on when and how the layer was made, and what nobody reads in it."""
    for name in LEFT_OVERS:
        path = tree / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name in EMPTIED:
        _keep_licences(tree / name)
    for folder, folders, files in os.walk(tree):
        for name in (*folders, *files):
            _clamp(os.path.join(folder, name))
    _clamp(str(tree))


def _keep_licences(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):  # not empty: it keeps a licence
                path.rmdir()
        elif path.name != "copyright":
            path.unlink()


def _clamp(path: str) -> None:
    if os.lstat(path).st_mtime > EPOCH_S:
        os.utime(path, (EPOCH_S, EPOCH_S), follow_symlinks=False)


class _Hashed:
    """A file that knows the SHA-256 of what was written to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> str:
        self._file.close()
        return f"sha256:{self._hash.hexdigest()}"


def pack_layer(tree: Path, target: Path) -> Layer:
    """The layer of a tidy tree, packed at `target`; overlay's whiteouts become `.wh.` names."""
    packed, plain = _Hashed(target), hashlib.sha256()
    with gzip.GzipFile("", "wb", compresslevel=6, fileobj=packed, mtime=0) as squeezed:

        def write(data: bytes) -> None:
            plain.update(data)
            squeezed.write(data)

        pack(str(tree), write, overlay=True)
    digest = packed.close()
    size = target.stat().st_size
    return Layer(digest, f"sha256:{plain.hexdigest()}", size, str(target), str(tree))
