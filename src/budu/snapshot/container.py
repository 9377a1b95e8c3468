"""The writable part of containers: an upper directory each, stacked on the image's layers.

    <root>/containers/<id>/upper      what the container changed
    <root>/containers/<id>/work       overlay's own
    <root>/spare/<n>/                 upper and work of removed containers that never wrote
    <root>/trash/                     removed containers until `sweep`
    <root>/empty/                     stands in where overlay wants one more lower

Removing is a rename; deleting is for the background, because ext4 is slow to create directories for
minutes after many were deleted. For the same reason directories that stayed empty are used again.
Life of a container's snapshot: `prepare`, `mount` as often as it starts, `remove`.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from budu.archive.faults import from_os_error, os_errors
from budu.archive.remove import remove_entries
from budu.archive.usage import tree_size
from budu.base.errors import AlreadyExists, Internal, InvalidArgument, NotFound
from budu.linux.mount import open_tree
from budu.snapshot.layers import LayerStore
from budu.snapshot.overlay import OverlayOptions, OverlayStyle, mount_overlay
from budu.spec.digest import Digest

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_SPARE_MAX = 16
_HARMLESS = {"trusted.overlay.uuid", "user.overlay.uuid"}
_VOLATILE_MARK = "incompat/volatile"


class ContainerSnapshots:
    """See the module. Thread-safe for different containers; blocking."""

    def __init__(
        self,
        root: str | Path,
        layers: LayerStore,
        *,
        style: OverlayStyle = OverlayStyle.DESCRIPTORS,
        userxattr: bool = False,
    ) -> None:
        self._layers = layers
        self._style = style
        self._userxattr = userxattr
        self._containers = Path(root) / "containers"
        self._spare = Path(root) / "spare"
        self._trash = Path(root) / "trash"
        self._empty = Path(root) / "empty"
        self._numbers = count()
        self._lock = threading.Lock()
        self._shared: dict[str, _Shared] = {}
        with os_errors(f"mkdir {root}"):
            for directory in (self._containers, self._spare, self._trash, self._empty):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._empty.chmod(0o755)
            os.utime(self._empty, (0, 0))  # as a root that no layer tells of

    def prepare(self, container_id: str, diff_ids: Sequence[Digest]) -> None:
        """Makes the container's directories; its root gets the look of the topmost layer's root.

        Raises: AlreadyExists; NotFound when a layer is missing; ResourceExhausted.
        """
        place = self._place(container_id)
        lowers = [self._layers.lower(diff_id) for diff_id in diff_ids]
        with self._lock, os_errors(f"mkdir {place}"):
            if place.exists():
                raise AlreadyExists(
                    f"snapshot {container_id}: already exists", reference=container_id
                )
            half = self._take_spare()
            _dress(half / "upper", os.stat(lowers[-1]) if lowers else None)
            half.rename(place)

    def mount(
        self, container_id: str, diff_ids: Sequence[Digest], *, volatile: bool = False
    ) -> int:
        """A detached mount of the container's root file system, the caller's to close.

        `volatile` never syncs the upper directory: for containers that are removed at their end.
        While the mount is shared (see `share`), it is that one. Raises: NotFound; Internal with the
        kernel's reason.
        """
        with self._lock:
            shared = self._shared.get(container_id)
            if shared is not None and shared.fd is not None:
                return open_tree(shared.fd)
        return self._mount_anew(container_id, diff_ids, volatile=volatile)

    def share(
        self, container_id: str, diff_ids: Sequence[Digest], *, volatile: bool = False
    ) -> int:
        """As `mount`, and until `unshare` every other mount of the container is the same one.

        Two overlay mounts of one upper directory would not see each other's changes. For whoever
        looks into a stopped container, which may be started meanwhile.
        """
        with self._lock:
            shared = self._shared.get(container_id)
            if shared is not None and shared.fd is not None:
                shared.users += 1
                return open_tree(shared.fd)
        fd = self._mount_anew(container_id, diff_ids, volatile=volatile)
        with self._lock:
            shared = self._shared.setdefault(container_id, _Shared())
            shared.users += 1
            if shared.fd is None:
                shared.fd = _try_clone(fd)
        return fd

    def unshare(self, container_id: str) -> None:
        """One user of `share` is done; the mounts handed out live on."""
        with self._lock:
            shared = self._shared[container_id]
            shared.users -= 1
            if not shared.users:
                del self._shared[container_id]
                if shared.fd is not None:
                    os.close(shared.fd)

    def _mount_anew(
        self, container_id: str, diff_ids: Sequence[Digest], *, volatile: bool = False
    ) -> int:
        place = self._existing(container_id)
        lowers = [self._layers.lower(diff_id) for diff_id in diff_ids]
        _forget_volatile(place)
        opened = [os.open(place / name, _DIRECTORY) for name in ("upper", "work")]
        try:
            if not lowers:
                opened.append(os.open(self._empty, _DIRECTORY))
            options = OverlayOptions(
                lowers or opened[2:],
                upper=opened[0],
                work=opened[1],
                volatile=volatile,
                userxattr=self._userxattr,
            )
            return self._mount(options, container_id)
        finally:
            for fd in opened:
                os.close(fd)

    def mount_image(self, diff_ids: Sequence[Digest]) -> int:
        """A detached read-only mount of an image without any container, the caller's to close."""
        empty = os.open(self._empty, _DIRECTORY)
        try:
            if not diff_ids:
                return os.dup(empty)
            lowers = [self._layers.lower(diff_id) for diff_id in diff_ids]
            # at the bottom: the root is the uppermost layer's
            options = OverlayOptions((empty, *lowers), userxattr=self._userxattr)
            return self._mount(options, "image")
        finally:
            os.close(empty)

    def mount_over(self, top: int, diff_ids: Sequence[Digest]) -> int:
        """A detached read-only mount of layers and a directory over them, the caller's to close."""
        lowers = [self._layers.lower(diff_id) for diff_id in diff_ids]
        options = OverlayOptions((*lowers, top), userxattr=self._userxattr)
        return self._mount(options, "image")

    def _mount(self, options: OverlayOptions, name: str) -> int:
        try:
            return mount_overlay(options, self._style)
        except OSError as error:
            action = f"error creating overlay mount to {name}"
            if error.filename:
                action += f": {error.filename}"
            raise Internal(from_os_error(error, action).message, reference=name) from error

    def upper_path(self, container_id: str) -> Path:
        """Where the container's changes are. Raises: NotFound."""
        return self._existing(container_id) / "upper"

    def list(self) -> tuple[str, ...]:
        """The ids of all containers that have a snapshot."""
        return tuple(os.listdir(self._containers))

    def usage(self, container_id: str) -> int:
        """Bytes of the files that the container wrote, hard links counted once. Raises: NotFound.

        Docker's `SizeRw`: sizes as `ls` shows them, not blocks.
        """
        return tree_size(self.upper_path(container_id))

    def remove(self, container_id: str) -> None:
        """Takes the snapshot away. A mount that is still there keeps working. Raises: NotFound."""
        place = self._existing(container_id)
        with self._lock, os_errors(f"rename {place}"):
            _forget_volatile(place)
            is_reusable = container_id not in self._shared and _is_unused(place)
            if is_reusable and len(os.listdir(self._spare)) < _SPARE_MAX:
                place.rename(self._free_name(self._spare))
            else:
                place.rename(self._free_name(self._trash))

    def sweep(self) -> int:
        """Deletes what was removed; how many snapshots. Blocks, and may take long."""
        return remove_entries(self._trash)

    def _place(self, container_id: str) -> Path:
        if not _ID.match(container_id):
            raise InvalidArgument(f"invalid container id: {container_id[:80]!r}")
        return self._containers / container_id

    def _existing(self, container_id: str) -> Path:
        place = self._place(container_id)
        if not place.exists():
            raise NotFound(f"snapshot {container_id} does not exist", reference=container_id)
        return place

    def _take_spare(self) -> Path:
        """A directory with an empty upper and work, still among the spares."""
        for name in os.listdir(self._spare):
            if _is_unused(self._spare / name):
                return self._spare / name
        place = self._free_name(self._spare)
        place.mkdir(mode=0o700)
        (place / "upper").mkdir()
        (place / "work").mkdir(mode=0o700)
        return place

    def _free_name(self, directory: Path) -> Path:
        while (path := directory / f"{os.getpid()}.{next(self._numbers)}").exists():
            continue
        return path


class _Shared:
    """A mount that several look at. `fd` is None where the kernel cannot copy a detached mount."""

    __slots__ = ("fd", "users")

    def __init__(self) -> None:
        self.fd: int | None = None
        self.users = 0


def _try_clone(tree: int) -> int | None:
    """A second mount of the same file system; None before Linux 6.15."""
    try:
        return open_tree(tree)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return None


def _dress(upper: Path, model: os.stat_result | None) -> None:
    """Overlay shows the upper directory's mode and owner as the root's."""
    os.chmod(upper, stat.S_IMODE(model.st_mode) if model else 0o755)
    if model and os.geteuid() == 0:
        os.chown(upper, model.st_uid, model.st_gid)


def _forget_volatile(place: Path) -> None:
    """Overlay marks a work directory that was mounted volatile and refuses it ever after.

    The mark guards against a crash of the machine; a container that was started volatile is
    removed at its end or, after a crash, by the engine, so a restart in between may go on.
    """
    mark = place / "work" / "work" / _VOLATILE_MARK
    with suppress(FileNotFoundError):
        (mark / "dirty").unlink()
        mark.rmdir()
        mark.parent.rmdir()


def _is_unused(place: Path) -> bool:
    """Whether nothing was ever left in the directories; overlay's own leftovers are empty."""
    try:
        return (
            not os.listdir(place / "upper")
            and set(os.listxattr(place / "upper")) <= _HARMLESS
            and set(os.listdir(place / "work")) <= {"work"}
            and not any(os.scandir(place / "work" / "work"))
        )
    except FileNotFoundError:
        return (place / "upper").is_dir() and (place / "work").is_dir()
