"""Unpacks what an engine sent, into a directory here. Imported when it is needed, not before.

What comes out of a container may be hostile: no member gets out of the directory. Names with `..`
are refused, and every directory on the way is entered by its name without following a link. Owners
are kept only with `-a` by root; without `-a` nothing becomes setuid, because the new owner would be
whoever runs this. Source: docker/cli `container cp`; moby `archive.CopyTo`.
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile

from budu.cli.copy_rules import renamed
from budu.cli.failures import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 16
_XATTR = "SCHILY.xattr."


class Chunks:
    """Pieces of an answer as a file that tarfile can read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end."""
        parts = []
        while size > 0:
            if not self._rest and not (rest := next(self._pieces, b"")):
                break
            self._rest = self._rest or rest
            parts.append(self._rest[:size])
            self._rest = self._rest[size:]
            size -= len(parts[-1])
        return b"".join(parts)


def members(pieces: Iterator[bytes]) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The members of an archive, one after another, as they come.

    Raises: CommandFailed when it is broken off between members; reading content that is broken off
    raises tarfile.TarError: see `broken_off`.
    """
    try:
        with tarfile.open(fileobj=Chunks(pieces), mode="r|", bufsize=1 << 16) as tar:  # type: ignore[call-overload]  # reads are all it needs
            for info in tar:
                tar.members = []  # tarfile would remember all of them
                yield tar, info
    except tarfile.TarError as error:
        raise broken_off(error) from None
    for _ in pieces:
        continue


def broken_off(error: tarfile.TarError) -> CommandFailed:
    """The error for an archive that is not whole."""
    return CommandFailed(f"unexpected EOF: {error}")


class Unpacker:
    """Puts the members of one archive into `folder`; the archive's root `old` is called `new`."""

    def __init__(self, folder: str, *, old: str, new: str, archive: bool) -> None:
        self._folder = folder
        self._old = old
        self._new = new
        self._owners = archive and os.geteuid() == 0
        self._mode = 0o7777 if archive else 0o1777
        self._archive = archive
        self._directories: list[tuple[list[str], tarfile.TarInfo]] = []

    def run(self, pieces: Iterator[bytes]) -> None:
        """Unpack everything. Raises: CommandFailed in Docker's words."""
        top = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for tar, info in members(pieces):
                if parts := self._parts(info.name):
                    self._unpack(top, parts, tar=tar, info=info)
            for parts, info in reversed(self._directories):
                self._finish_directory(top, parts, info)
        finally:
            os.close(top)

    def _parts(self, name: str) -> list[str]:
        """The names on the way to a member; none for the directory itself."""
        parts = [part for part in renamed(name, self._old, self._new).split("/") if part]
        if ".." in parts:
            raise CommandFailed(f'"{name}" is outside of "{self._folder}"')
        return [part for part in parts if part != "."]

    def _unpack(
        self, top: int, parts: list[str], *, tar: tarfile.TarFile, info: tarfile.TarInfo
    ) -> None:
        path = os.path.join(self._folder, *parts)
        try:
            parent = _enter(top, parts[:-1])
            try:
                self._clear(parent, parts[-1], path, info)
                self._make(parent, parts, tar=tar, info=info)
            finally:
                os.close(parent)
        except tarfile.TarError as error:
            raise broken_off(error) from None
        except OSError as error:
            raise CommandFailed(f"{path}: {os.strerror(error.errno or 0).lower()}") from None

    def _clear(self, parent: int, name: str, path: str, info: tarfile.TarInfo) -> None:
        """Takes away what is in the way; kinds are kept as Docker keeps them."""
        try:
            present = stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode)
        except FileNotFoundError:
            return
        if present == info.isdir():
            if not present:
                os.unlink(name, dir_fd=parent)
            return
        kinds = ("directory", "non-directory") if present else ("non-directory", "directory")
        raise CommandFailed(
            f'cannot overwrite {kinds[0]} "{path}" with {kinds[1]} "{self._folder}"'
        )

    def _make(
        self, parent: int, parts: list[str], *, tar: tarfile.TarFile, info: tarfile.TarInfo
    ) -> None:
        name = parts[-1]
        if info.isdir():
            if not _exists(name, parent):
                os.mkdir(name, 0o700, dir_fd=parent)
            self._directories.append((parts, info))
        elif info.islnk():
            self._link(parent, name, info)
        elif info.issym():
            os.symlink(info.linkname, name, dir_fd=parent)
            self._settle(parent, name, info)
        elif info.isreg():
            self._write(parent, name, tar=tar, info=info)
        else:
            self._make_node(parent, name, info)

    def _link(self, parent: int, name: str, info: tarfile.TarInfo) -> None:
        parts = self._parts(info.linkname)
        top = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            source = _enter(top, parts[:-1])
            try:
                os.link(
                    parts[-1], name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False
                )
            finally:
                os.close(source)
        finally:
            os.close(top)

    def _write(
        self, parent: int, name: str, *, tar: tarfile.TarFile, info: tarfile.TarInfo
    ) -> None:
        fd = os.open(name, _CREATE, 0o600, dir_fd=parent)
        with os.fdopen(fd, "wb", buffering=0) as file:
            content = tar.extractfile(info)
            if content is not None:
                _copy(content, file, info)
            self._settle_file(fd, info)

    def _settle_file(self, fd: int, info: tarfile.TarInfo) -> None:
        if self._owners:
            os.fchown(fd, info.uid, info.gid)
        os.fchmod(fd, info.mode & self._mode)
        self._set_xattrs(fd, info)
        os.utime(fd, ns=_times(info))

    def _make_node(self, parent: int, name: str, info: tarfile.TarInfo) -> None:
        kind = stat.S_IFIFO
        if not info.isfifo():
            kind = stat.S_IFCHR if info.ischr() else stat.S_IFBLK
        device = os.makedev(info.devmajor, info.devminor)
        os.mknod(name, kind | 0o600, device, dir_fd=parent)
        os.chmod(name, info.mode & self._mode, dir_fd=parent)
        self._settle(parent, name, info)

    def _settle(self, parent: int, name: str, info: tarfile.TarInfo) -> None:
        if self._owners:
            os.chown(name, info.uid, info.gid, dir_fd=parent, follow_symlinks=False)
        os.utime(name, ns=_times(info), dir_fd=parent, follow_symlinks=False)

    def _finish_directory(self, top: int, parts: list[str], info: tarfile.TarInfo) -> None:
        try:
            fd = _enter(top, parts)
        except OSError:
            return
        try:
            self._settle_file(fd, info)
        finally:
            os.close(fd)

    def _set_xattrs(self, fd: int, info: tarfile.TarInfo) -> None:
        """What this file system and user can keep; capabilities only with `-a`."""
        for key, text in info.pax_headers.items():
            name = key.removeprefix(_XATTR)
            if name == key or not (name.startswith("user.") or self._archive):
                continue
            try:
                os.setxattr(fd, name, text.encode("utf-8", "surrogateescape"))
            except OSError:
                continue


def _enter(top: int, parts: list[str]) -> int:
    """The directory below `top`, made where it is missing, without following any link."""
    fd = os.dup(top)
    for part in parts:
        try:
            following = _enter_one(fd, part)
        finally:
            os.close(fd)
        fd = following
    return fd


def _enter_one(parent: int, name: str) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        os.mkdir(name, 0o755, dir_fd=parent)
        return os.open(name, _DIRECTORY, dir_fd=parent)


def _exists(name: str, parent: int) -> bool:
    try:
        os.lstat(name, dir_fd=parent)
    except FileNotFoundError:
        return False
    return True


def _copy(content: IO[bytes], file: IO[bytes], info: tarfile.TarInfo) -> None:
    """The content of a member; holes stay holes."""
    stretches = getattr(info, "sparse", None)
    if stretches is None:
        shutil.copyfileobj(content, file, _PIECE)
        return
    raw = content.raw  # type: ignore[attr-defined]  # the buffer above it refuses to skip
    for offset, length in stretches:
        raw.seek(offset)
        file.seek(offset)
        while length and (piece := raw.read(min(length, _PIECE))):
            file.write(piece)
            length -= len(piece)
    file.truncate(info.size)


def _times(info: tarfile.TarInfo) -> tuple[int, int]:
    text = info.pax_headers.get("mtime", "")
    whole, _, fraction = text.partition(".")
    if whole.isdigit():
        at = int(whole) * 1_000_000_000 + int((fraction + "000000000")[:9])
    else:
        at = int(info.mtime) * 1_000_000_000
    return at, at
