"""Unpacks a tar archive below a root directory that no member can leave.

Names are cleaned by `archive.paths`; directories are reached through `archive.beneath`, so a member
below a symbolic link lands where the link leads *within the root*. Like Docker: the last member of
a name wins, except that a directory stays when another directory member repeats it; missing parent
directories appear with mode 0755 and owner 0:0. Modes and times of directories are set at the end.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import TypeVar

import msgspec

from budu.archive import whiteouts
from budu.archive.beneath import Beneath, OpenDirectory
from budu.archive.faults import from_os_error, os_errors
from budu.archive.members import clean_link, describe, storable_xattrs
from budu.archive.paths import check_link_target, clean_path, show
from budu.archive.remove import remove_entry
from budu.archive.tar import TarEntry, TarKind, TarReader, TarSource
from budu.base.errors import Hint, InvalidArgument, PermissionDenied

IMPLIED_MODE = 0o755
"""Mode of a directory that only the names of its members imply."""

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_HANDLE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_XATTR_REFUSED = (errno.EOPNOTSUPP, errno.EPERM, errno.EINVAL)
_REPLACED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_DEVICE_TYPES = {TarKind.CHAR_DEVICE: stat.S_IFCHR, TarKind.BLOCK_DEVICE: stat.S_IFBLK}
_Made = TypeVar("_Made", int, None)


class WhiteoutStyle(Enum):
    """What becomes of `.wh.` names."""

    LITERAL = auto()
    """They are ordinary files."""

    OVERLAY = auto()
    """They become overlay's devices 0:0 and attributes: the tree is one layer, root included."""


class ExtractOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How members land on disk.

    `owners`: set uid and gid (needs privilege). `devices`: make device nodes; refused otherwise.
    `overlay_prefix`: the spelling of overlay's attributes, `whiteouts.TRUSTED` or `USER`.
    `base`: the existing directory below the root into which members go; links on the way to it and
    below it resolve within the root, members' own names cannot leave it. `owner`: uid and gid of
    everything, instead of the archive's. `keeps_root`: a member that stands for `base` itself
    changes nothing. `keeps_kinds`: a directory is never replaced by something else, nor the other
    way round. `implied_now`: directories that only names imply are dated now, not 1970. `admit`: is
    shown each member before it is made, and refuses one by raising. `unpadded`: see `TarReader`.
    """

    whiteout_style: WhiteoutStyle = WhiteoutStyle.LITERAL
    owners: bool = True
    devices: bool = True
    overlay_prefix: bytes = whiteouts.TRUSTED
    base: bytes = b""
    owner: tuple[int, int] | None = None
    keeps_root: bool = False
    keeps_kinds: bool = False
    implied_now: bool = False
    admit: Callable[[TarEntry], None] | None = None
    unpadded: bool = False


def extract(source: TarSource, root_fd: int, *, options: ExtractOptions | None = None) -> int:
    """Unpacks the archive below `root_fd` (which stays the caller's); the number of members.

    What was unpacked before an error stays: extract into a directory that can be thrown away.
    Raises: InvalidArgument for hostile or broken members, DataLoss for a truncated archive,
    PermissionDenied for devices that may not be made, ResourceExhausted when the disk is full;
    OSError when there is no directory at `base`.
    """
    options = options or ExtractOptions()
    with Beneath(root_fd, base=options.base) as directories:
        reader = TarReader(source, unpadded=options.unpadded)
        return _Extraction(reader, directories, options).run()


class _Extraction:
    """One run over one archive."""

    def __init__(self, reader: TarReader, directories: Beneath, options: ExtractOptions) -> None:
        self._reader = reader
        self._directories = directories
        self._options = options
        self._finish: dict[bytes, tuple[int, int | None]] = {}
        self._implied = (IMPLIED_MODE, None if options.implied_now else 0)
        if self._converts:
            self._finish[b""] = self._implied
        self._makers: dict[TarKind, Callable[[OpenDirectory, bytes, TarEntry], None]] = {
            TarKind.FILE: self._make_file,
            TarKind.HARD_LINK: self._make_hard_link,
            TarKind.SYMLINK: self._make_symlink,
            TarKind.DIRECTORY: self._make_directory,
            TarKind.CHAR_DEVICE: self._make_node,
            TarKind.BLOCK_DEVICE: self._make_node,
            TarKind.FIFO: self._make_node,
        }

    def run(self) -> int:
        number = 0
        for number, entry in enumerate(self._reader, 1):  # noqa: B007
            path = clean_path(entry.path)
            if self._options.admit is not None:
                self._options.admit(entry)
            if self._options.owner is not None:
                uid, gid = self._options.owner
                entry = msgspec.structs.replace(entry, uid=uid, gid=gid)
            try:
                self._unpack(path, entry)
            except OSError as error:
                raise from_os_error(error, describe(entry, path)) from error
        with os_errors("chmod directories"):
            self._finish_directories()
        return number

    def _unpack(self, path: bytes, entry: TarEntry) -> None:
        parent, _, name = path.rpartition(b"/")
        self._directories.trim()
        if not name:
            return self._settle_root(entry)
        directory = self._directories.open(parent, create=True)
        self._note_implied()
        if self._converts and whiteouts.is_whiteout(name):
            return self._white_out(directory, name, entry)
        if self._options.keeps_kinds:
            self._check_kind(directory, name, entry)
        return self._makers[entry.kind](directory, name, entry)

    def _settle_root(self, entry: TarEntry) -> None:
        if entry.kind is not TarKind.DIRECTORY:
            raise InvalidArgument("invalid tar header: the root directory is not a directory")
        if not self._options.keeps_root:
            self._settle_directory(self._directories.base, entry)

    def _note_implied(self) -> None:
        for path in self._directories.created:
            self._finish[path] = self._implied
        self._directories.created.clear()

    def _check_kind(self, directory: OpenDirectory, name: bytes, entry: TarEntry) -> None:
        """Raises: InvalidArgument when a directory would become something else, or vice versa."""
        try:
            present = stat.S_ISDIR(os.lstat(name, dir_fd=directory.fd).st_mode)
        except FileNotFoundError:
            return
        wanted = entry.kind is TarKind.DIRECTORY
        if present == wanted:
            return
        kinds = ("directory", "non-directory") if present else ("non-directory", "directory")
        place = show(directory.path + b"/" + name if directory.path else name)
        base = show(self._directories.base.path)
        raise InvalidArgument(
            f'cannot overwrite {kinds[0]} "/{place}" with {kinds[1]} "/{base}"',
            hint=Hint("archive.kinds-differ", path="/" + place),
        )

    # Members

    def _make_file(self, directory: OpenDirectory, name: bytes, entry: TarEntry) -> None:
        fd = self._place(
            directory, name, lambda: os.open(name, _CREATE, 0o600, dir_fd=directory.fd)
        )
        try:
            for start, piece in self._reader.content(entry):
                _write_at(fd, piece, start)
            if entry.sparse is not None:
                os.ftruncate(fd, entry.size)
            if self._options.owners:
                os.fchown(fd, entry.uid, entry.gid)
            os.fchmod(fd, entry.mode)
            self._set_xattrs(fd, entry)
            os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(fd)

    def _make_directory(self, directory: OpenDirectory, name: bytes, entry: TarEntry) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=directory.fd)
        except FileExistsError:
            status = os.lstat(name, dir_fd=directory.fd)
            if not stat.S_ISDIR(status.st_mode):
                self._remove(directory, name)
                os.mkdir(name, 0o700, dir_fd=directory.fd)
                if _is_whiteout_device(status) and self._converts:
                    self._mark_opaque(self._directories.enter(directory, name))
        self._settle_directory(self._directories.enter(directory, name), entry)

    def _make_hard_link(self, directory: OpenDirectory, name: bytes, entry: TarEntry) -> None:
        target = clean_link(entry)
        parent, _, base = target.rpartition(b"/")
        self._remove(directory, name)
        source = self._directories.open(parent, create=False)
        if not base:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        os.link(base, name, src_dir_fd=source.fd, dst_dir_fd=directory.fd, follow_symlinks=False)

    def _make_symlink(self, directory: OpenDirectory, name: bytes, entry: TarEntry) -> None:
        check_link_target(entry.path, entry.link)
        self._place(directory, name, lambda: os.symlink(entry.link, name, dir_fd=directory.fd))
        self._settle_node(directory, name, entry)

    def _make_node(self, directory: OpenDirectory, name: bytes, entry: TarEntry) -> None:
        file_type = _DEVICE_TYPES.get(entry.kind, stat.S_IFIFO)
        if entry.kind is not TarKind.FIFO and not self._options.devices:
            raise PermissionDenied(
                f"mknod /{show(entry.path)}: operation not permitted",
                hint=Hint("archive.device-refused", path=show(entry.path)),
            )
        device = os.makedev(entry.major, entry.minor)
        self._place(
            directory,
            name,
            lambda: os.mknod(name, file_type | 0o600, device, dir_fd=directory.fd),
        )
        self._settle_node(directory, name, entry)

    # Whiteouts

    @property
    def _converts(self) -> bool:
        return self._options.whiteout_style is WhiteoutStyle.OVERLAY

    def _white_out(self, directory: OpenDirectory, name: bytes, entry: TarEntry) -> None:
        """A whiteout hides what lower layers have, never what this layer has: that stays."""
        if name == whiteouts.OPAQUE:
            return self._mark_opaque(directory)
        removed = whiteouts.removed_name(name)
        if removed is None:
            return None
        try:
            os.mknod(removed, stat.S_IFCHR, os.makedev(0, 0), dir_fd=directory.fd)
        except FileExistsError:
            if stat.S_ISDIR(os.lstat(removed, dir_fd=directory.fd).st_mode):
                self._mark_opaque(self._directories.enter(directory, removed))
            return None
        self._mark(directory, b"origin", b"")
        return self._settle_node(
            directory, removed, msgspec.structs.replace(entry, mode=0, xattrs=())
        )

    def _mark_opaque(self, directory: OpenDirectory) -> None:
        self._mark(directory, b"opaque", b"y")

    def _mark(self, directory: OpenDirectory, name: bytes, value: bytes) -> None:
        os.setxattr(_handle_path(directory.fd), self._options.overlay_prefix + name, value)

    # Attributes

    def _settle_directory(self, directory: OpenDirectory, entry: TarEntry) -> None:
        """Owner and attributes now; mode and time when nothing is put into it any more."""
        handle = _handle_path(directory.fd)
        if self._options.owners:
            os.chown(handle, entry.uid, entry.gid)
        self._set_xattrs(handle, entry)
        self._finish[directory.path] = (entry.mode, entry.mtime_ns)

    def _settle_node(self, directory: OpenDirectory, name: bytes, entry: TarEntry) -> None:
        """For links, devices and fifos, which cannot be opened to be changed."""
        times = (entry.mtime_ns, entry.mtime_ns)
        if self._options.owners:
            os.chown(name, entry.uid, entry.gid, dir_fd=directory.fd, follow_symlinks=False)
        if entry.kind is not TarKind.SYMLINK:
            _chmod_node(directory, name, entry.mode)
        self._set_xattrs(_handle_path(directory.fd) + b"/" + name, entry)
        os.utime(name, ns=times, dir_fd=directory.fd, follow_symlinks=False)

    def _set_xattrs(self, target: int | bytes, entry: TarEntry) -> None:
        for name, value in storable_xattrs(entry):
            try:
                if isinstance(target, int):
                    os.setxattr(target, name, value)
                else:
                    follow = entry.kind is TarKind.DIRECTORY
                    os.setxattr(target, name, value, follow_symlinks=follow)
            except OSError as error:
                if error.errno not in _XATTR_REFUSED:
                    raise

    def _finish_directories(self) -> None:
        """Children before parents, because finishing a child touches nothing of the parent."""
        for path in sorted(self._finish, reverse=True):
            self._directories.trim()
            try:
                directory = self._directories.open_real(path)
            except OSError as error:
                if error.errno not in _REPLACED:
                    raise
                continue
            if directory.path == path:
                mode, mtime_ns = self._finish[path]
                handle = _handle_path(directory.fd)
                os.chmod(handle, mode)
                if mtime_ns is not None:
                    os.utime(handle, ns=(mtime_ns, mtime_ns))

    # Places

    def _place(self, directory: OpenDirectory, name: bytes, make: Callable[[], _Made]) -> _Made:
        """Makes a member, after removing what an earlier one of the name left."""
        try:
            return make()
        except FileExistsError:
            self._remove(directory, name)
            return make()

    def _remove(self, directory: OpenDirectory, name: bytes) -> None:
        with suppress(FileNotFoundError):
            remove_entry(name, dir_fd=directory.fd)
            self._directories.replaced(directory, name)


def _write_at(fd: int, piece: bytes, offset: int) -> None:
    view = memoryview(piece)
    while view:
        written = os.pwrite(fd, view, offset)
        view = view[written:]
        offset += written


def _handle_path(fd: int) -> bytes:
    """A path to what an `O_PATH` descriptor stands for, for calls that want one."""
    return b"/proc/self/fd/%d" % fd


def _chmod_node(directory: OpenDirectory, name: bytes, mode: int) -> None:
    handle = os.open(name, _HANDLE, dir_fd=directory.fd)
    try:
        os.chmod(_handle_path(handle), mode)
    finally:
        os.close(handle)


def _is_whiteout_device(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
