"""What containers changed, as a table, as a layer, and as the tree that they see.

Everything works beside a running container: its own mount is neither used nor disturbed. Blocking.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from budu.archive.faults import os_errors
from budu.archive.tar import TarEntry
from budu.archive.write import PackOptions, Sink, TreeWriter
from budu.snapshot.changes import Survey, survey
from budu.snapshot.container import ContainerSnapshots
from budu.snapshot.layers import LayerStore
from budu.snapshot.overlay import OverlayOptions, OverlayStyle, mount_overlay
from budu.spec.digest import Digest

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


_KEPT_XATTRS = (b"user.", b"system.posix_acl_")
_CAPABILITY = b"security.capability"


def keeps_xattr(name: bytes) -> bool:
    """Whether an extended attribute belongs to the file and not to this host."""
    return name == _CAPABILITY or name.startswith(_KEPT_XATTRS)


class ContainerDifferences:
    """Reads the upper directories of containers. Thread-safe."""

    def __init__(
        self,
        snapshots: ContainerSnapshots,
        layers: LayerStore,
        *,
        style: OverlayStyle = OverlayStyle.DESCRIPTORS,
        userxattr: bool = False,
    ) -> None:
        self._snapshots = snapshots
        self._layers = layers
        self._style = style
        self._userxattr = userxattr

    def survey(self, container_id: str, diff_ids: Sequence[Digest]) -> Survey:
        """What the container changed. Raises: NotFound."""
        with self._open_upper(container_id) as upper:
            return survey(upper, self._lowers(diff_ids))

    def write_layer(
        self,
        container_id: str,
        diff_ids: Sequence[Digest],
        write: Sink,
        *,
        latest_ns: int | None = None,
    ) -> bool:
        """The container's changes as the plain tar of a layer; whether there are any.

        Times later than `latest_ns` become that one. Raises: NotFound; what `write` raises.
        """
        seen = self.survey(container_id, diff_ids)
        with self._open_upper(container_id) as upper:
            options = PackOptions(
                overlay=True,
                keeps_xattr=keeps_xattr,
                skips=seen.idle.__contains__,
                changes=_not_later_than(latest_ns),
            )
            writer = TreeWriter(write, options)
            if not seen.is_empty:
                writer.add_entry(upper, b".")
                writer.add_tree(upper)
            writer.end()
        return not seen.is_empty

    def view(self, container_id: str, diff_ids: Sequence[Digest]) -> int:
        """A detached read-only mount of the container's root as it is now, the caller's to close.

        What is mounted inside a running container is not seen. Raises: NotFound; Internal with the
        kernel's reason.
        """
        lowers = self._lowers(diff_ids)
        with self._open_upper(container_id) as upper:
            if not lowers:
                return os.dup(upper)
            options = OverlayOptions((*lowers, upper), userxattr=self._userxattr)
            with os_errors(f"error creating overlay mount to {container_id}"):
                return mount_overlay(options, self._style)

    def _lowers(self, diff_ids: Sequence[Digest]) -> list[int]:
        return [self._layers.lower(diff_id) for diff_id in diff_ids]

    @contextmanager
    def _open_upper(self, container_id: str) -> Iterator[int]:
        fd = os.open(self._snapshots.upper_path(container_id), _DIRECTORY)
        try:
            yield fd
        finally:
            os.close(fd)


def _not_later_than(latest_ns: int | None) -> Callable[[TarEntry], TarEntry] | None:
    if latest_ns is None:
        return None

    def clamp(entry: TarEntry) -> TarEntry:
        return msgspec.structs.replace(entry, mtime_ns=min(entry.mtime_ns, latest_ns))

    return clamp
