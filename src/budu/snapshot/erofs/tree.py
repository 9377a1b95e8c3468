"""The tree that a layer's tar describes, gathered in memory member by member.

Follows the rules of `archive.extract` without a file system: what that would do on disk, this does
to nodes. The contract suite holds the two together. Content stays in the tar; nodes know where.
"""

from __future__ import annotations

import errno
import os
import stat

from budu.archive import whiteouts
from budu.archive.extract import IMPLIED_MODE
from budu.archive.faults import from_os_error
from budu.archive.members import clean_link, describe, storable_xattrs
from budu.archive.paths import LINKS_MAX, check_link_target, clean_path
from budu.archive.tar import TarEntry, TarKind
from budu.base.errors import InvalidArgument

_OPAQUE = whiteouts.TRUSTED + b"opaque"
_ORIGIN = whiteouts.TRUSTED + b"origin"
_TYPES = {
    TarKind.FILE: stat.S_IFREG,
    TarKind.SYMLINK: stat.S_IFLNK,
    TarKind.CHAR_DEVICE: stat.S_IFCHR,
    TarKind.BLOCK_DEVICE: stat.S_IFBLK,
    TarKind.DIRECTORY: stat.S_IFDIR,
    TarKind.FIFO: stat.S_IFIFO,
}


_MEMBERS_MAX = 1_000_000


class NotIndexable(Exception):
    """The layer must be extracted: its tar holds a file with holes, which an index cannot point
    at, or so many members that the tree would take gigabytes of memory.
    """


class Node:
    """One inode. Hard links share it.

    `mode` includes the type. `offset`: where the content stands in the tar. `link`: a symbolic
    link's target. `device`: (major, minor). `children`: a directory's, by name; None for others.
    """

    __slots__ = (
        "children",
        "device",
        "gid",
        "link",
        "mode",
        "mtime_ns",
        "offset",
        "size",
        "uid",
        "xattrs",
    )

    def __init__(self, mode: int) -> None:
        self.mode = mode
        self.uid = 0
        self.gid = 0
        self.mtime_ns = 0
        self.size = 0
        self.offset = 0
        self.link = b""
        self.device = (0, 0)
        self.children: dict[bytes, Node] | None = None
        self.xattrs: dict[bytes, bytes] | None = None


def _new_directory() -> Node:
    node = Node(stat.S_IFDIR | IMPLIED_MODE)
    node.children = {}
    return node


class LayerTree:
    """Grows by `add`; `root` is the result."""

    def __init__(self) -> None:
        self.root = _new_directory()
        self._directories: dict[bytes, Node] = {b"": self.root}
        self._members = 0

    def add(self, entry: TarEntry) -> None:
        """Takes the next member.

        Raises: InvalidArgument when it is hostile or broken, NotIndexable.
        """
        self._members += 1
        if entry.sparse is not None or self._members > _MEMBERS_MAX:
            raise NotIndexable
        path = clean_path(entry.path)
        try:
            self._add(path, entry)
        except OSError as error:
            raise from_os_error(error, describe(entry, path)) from error

    def _add(self, path: bytes, entry: TarEntry) -> None:
        parent_path, _, name = path.rpartition(b"/")
        if not name:
            return self._settle_root(entry)
        parent = self._directories.get(parent_path) or self._open(parent_path, create=True)
        if name.startswith(whiteouts.PREFIX):
            return self._white_out(parent, name, entry)
        if entry.kind is TarKind.FILE:
            return self._place(parent, name, _make_file(entry))
        if entry.kind is TarKind.DIRECTORY:
            return self._add_directory(parent, name, entry)
        if entry.kind is TarKind.HARD_LINK:
            return self._add_hard_link(parent, name, entry)
        return self._place(parent, name, _make_other(entry))

    def _settle_root(self, entry: TarEntry) -> None:
        if entry.kind is not TarKind.DIRECTORY:
            raise InvalidArgument("invalid tar header: the root directory is not a directory")
        _settle(self.root, entry)

    def _add_directory(self, parent: Node, name: bytes, entry: TarEntry) -> None:
        assert parent.children is not None
        node = parent.children.get(name)
        if node is None or node.children is None:
            hides = node is not None and _is_whiteout(node)
            node = _new_directory()
            if hides:
                _mark(node, _OPAQUE, b"y")
            self._place(parent, name, node)
        _settle(node, entry)

    def _add_hard_link(self, parent: Node, name: bytes, entry: TarEntry) -> None:
        assert parent.children is not None
        target_parent, _, base = clean_link(entry).rpartition(b"/")
        if name in parent.children:
            self._forget(parent.children.pop(name))
        directory = self._open(target_parent, create=False)
        assert directory.children is not None
        target = directory.children.get(base) if base else directory
        if target is None:
            raise _os_error(errno.ENOENT)
        if target.children is not None:
            raise _os_error(errno.EPERM)
        self._place(parent, name, target)

    def _white_out(self, parent: Node, name: bytes, entry: TarEntry) -> None:
        """A whiteout hides what lower layers have, never what this layer has: that stays."""
        assert parent.children is not None
        if name == whiteouts.OPAQUE:
            return _mark(parent, _OPAQUE, b"y")
        removed = whiteouts.removed_name(name)
        if removed is None:
            return None
        existing = parent.children.get(removed)
        if existing is not None:
            return _mark(existing, _OPAQUE, b"y") if existing.children is not None else None
        # Tells overlay to look for whiteouts even where no lower layer has the directory.
        _mark(parent, _ORIGIN, b"")
        node = Node(stat.S_IFCHR)
        node.uid, node.gid, node.mtime_ns = entry.uid, entry.gid, entry.mtime_ns
        return self._place(parent, removed, node)

    def _place(self, parent: Node, name: bytes, node: Node) -> None:
        children = parent.children
        assert children is not None
        if name in children:
            self._forget(children[name])
        children[name] = node

    def _forget(self, node: Node) -> None:
        """A node that paths may have led through is replaced: resolve them anew."""
        if node.children is not None or node.link:
            self._directories.clear()

    def _open(self, path: bytes, *, create: bool) -> Node:
        """The directory at `path`; see `archive.beneath.Beneath.open`."""
        node = self._directories.get(path)
        if node is None:
            node = self._directories[path] = self._walk(path, create=create)
        return node

    def _walk(self, path: bytes, *, create: bool) -> Node:
        trail = [self.root]
        pending = path.split(b"/")[::-1]
        links = 0
        while pending:
            name = pending.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                trail = trail[:-1] or trail
                continue
            node = _enter(trail[-1], name, create=create)
            if node.children is not None:
                trail.append(node)
                continue
            if not node.link:
                raise _os_error(errno.ENOTDIR)
            links += 1
            if links > LINKS_MAX:
                raise _os_error(errno.ELOOP)
            trail = trail[:1] if node.link.startswith(b"/") else trail
            pending.extend(reversed(node.link.split(b"/")))
        return trail[-1]


def _enter(parent: Node, name: bytes, *, create: bool) -> Node:
    assert parent.children is not None
    node = parent.children.get(name)
    if node is None:
        if not create:
            raise _os_error(errno.ENOENT)
        if len(name) > 255:
            raise _os_error(errno.ENAMETOOLONG)
        node = parent.children[name] = _new_directory()
    return node


def _make_file(entry: TarEntry) -> Node:
    node = Node(stat.S_IFREG)
    node.size = entry.size
    node.offset = entry.offset
    _settle(node, entry)
    return node


def _make_other(entry: TarEntry) -> Node:
    node = Node(_TYPES[entry.kind])
    node.device = (entry.major, entry.minor)
    _settle(node, entry)
    if entry.kind is TarKind.SYMLINK:
        check_link_target(entry.path, entry.link)
        node.link = entry.link
        node.size = len(entry.link)
        node.mode = stat.S_IFLNK | 0o777
    return node


def _settle(node: Node, entry: TarEntry) -> None:
    """Owner, permissions, time and attributes; a repeated directory keeps attributes it had."""
    node.mode = stat.S_IFMT(node.mode) | entry.mode
    node.uid = entry.uid
    node.gid = entry.gid
    node.mtime_ns = entry.mtime_ns
    if entry.xattrs:
        for name, value in storable_xattrs(entry):
            _mark(node, name, value)


def _mark(node: Node, name: bytes, value: bytes) -> None:
    if node.xattrs is None:
        node.xattrs = {}
    node.xattrs[name] = value


def _is_whiteout(node: Node) -> bool:
    return stat.S_ISCHR(node.mode) and node.device == (0, 0)


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
