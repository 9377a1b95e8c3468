"""What a container wrote, as a layer of an image: for commits and for the steps of builds."""

from __future__ import annotations

import os
from collections.abc import Iterable

from budu.engine.containers.model import Container
from budu.linux.paths import (
    RESOLVE_BENEATH,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    openat2,
)
from budu.snapshot.container import ContainerSnapshots
from budu.snapshot.differences import ContainerDifferences
from budu.snapshot.layers import Layer, LayerStore
from budu.spec.digest import Digest

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_SAFELY = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS


class Uppers:
    """Makes layers of upper directories. Blocking: for a thread."""

    def __init__(
        self,
        snapshots: ContainerSnapshots,
        differences: ContainerDifferences,
        layers: LayerStore,
    ) -> None:
        self._snapshots = snapshots
        self._differences = differences
        self._layers = layers

    def make_layer(self, container: Container, *, latest_ns: int | None = None) -> Layer | None:
        """The container's changes as a new layer; None without any. Raises: NotFound.

        Times later than `latest_ns` become that one.
        """
        diff_ids = tuple(map(Digest, container.diff_ids))
        writer = self._layers.begin(None)
        try:
            changed = self._differences.write_layer(
                container.id, diff_ids, writer.write, latest_ns=latest_ns
            )
            return writer.commit() if changed else None
        finally:
            writer.abort()

    def drop_places(self, container: Container, paths: Iterable[str]) -> None:
        """Take away what was made only to mount something there, if nothing else came into it.

        `paths` are below the root, parents before what is in them. For a container that has ended.
        """
        upper = os.open(self._snapshots.upper_path(container.id), _DIRECTORY)
        try:
            for path in reversed(tuple(paths)):
                _drop(upper, path.strip("/"))
        finally:
            os.close(upper)


def _drop(upper: int, path: str) -> None:
    """Removes an empty directory or an empty file; everything else stays."""
    folder, _, name = path.rpartition("/")
    try:
        parent = openat2(upper, folder or ".", _DIRECTORY, resolve=_SAFELY)
    except OSError:  # replaced by the command meanwhile: no place of ours any more
        return
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if status.st_mode & 0o170000 == 0o100000 and status.st_size == 0:
            os.unlink(name, dir_fd=parent)
        else:
            os.rmdir(name, dir_fd=parent)
    except OSError:  # not empty, or no directory: it is the command's
        return
    finally:
        os.close(parent)
