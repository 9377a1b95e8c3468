"""Writes the EROFS index of a tree: all metadata; file content stays in the tar.

    block 0..3     1024 bytes of nothing, super block, device table (one device: the tar)
    then           inodes, each extended (64 bytes), extended attributes inline, short link targets
                   inline; an inode's number (nid) is its offset in units of 32 bytes
    then           directory blocks and long link targets

Blocks have 512 bytes, as in tar, so that every file's content begins at a block: a file is one
chunk, whose only index entry points at device 1. Source: Linux fs/erofs/erofs_fs.h.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from struct import Struct

from budu.snapshot.erofs.tree import Node

BLOCK = 512
_BLOCK_BITS = 9
_META_START = 2048
_SUPER_BLOCK_AT = 1024
_DEVICE_SLOT_AT = 1536
_DEVICE_SLOT_SIZE = 128
_MAGIC = 0xE0F5E1E2
_INCOMPAT_CHUNKED_FILE = 0x4
_INCOMPAT_DEVICE_TABLE = 0x8
_CHUNK_INDEXES = 0x20
_EXTENDED = 1
_FLAT_PLAIN, _FLAT_INLINE, _CHUNK_BASED = 0, 2, 4
_INODE_SIZE = 64
_SLOT = 32
_ROOT_AT = _SLOT
"""Where the root's inode begins: C libraries leave out what is numbered 0 when they list."""

# erofs_super_block: magic, checksum, feature_compat, blkszbits, sb_extslots, root_nid, inos,
# epoch, fixed_nsec, blocks, meta_blkaddr, xattr_blkaddr, uuid, volume_name, feature_incompat,
# available_compr_algs, extra_devices, devt_slotoff
_SUPER_BLOCK = Struct("<IIIBBHQQIIII16s16sIHHH")
# erofs_deviceslot: tag, blocks, mapped_blkaddr
_DEVICE_SLOT = Struct("<64sII")
# erofs_inode_extended: format, xattr_icount, mode, nb, size, u, ino, uid, gid, mtime, mtime_nsec,
# nlink
_INODE = Struct("<HHHHQIIIIQII")
# erofs_inode_chunk_index: startblk_hi, device_id, startblk
_CHUNK_INDEX = Struct("<HHI")
# erofs_dirent: nid, nameoff, file_type, reserved
_DIRENT = Struct("<QHBB")
# erofs_xattr_ibody_header: name_filter, shared_count
_XATTR_HEADER = Struct("<IB7x")
# erofs_xattr_entry: name_len, name_index, value_size
_XATTR_ENTRY = Struct("<BBH")

_FILE_TYPES = {
    stat.S_IFREG: 1,
    stat.S_IFDIR: 2,
    stat.S_IFCHR: 3,
    stat.S_IFBLK: 4,
    stat.S_IFIFO: 5,
    stat.S_IFSOCK: 6,
    stat.S_IFLNK: 7,
}
_XATTR_PREFIXES = (
    (b"user.", 1),
    (b"system.posix_acl_access", 2),
    (b"system.posix_acl_default", 3),
    (b"trusted.", 4),
    (b"security.", 6),
)


def build_index(root: Node, *, tar_size: int) -> bytes:
    """The index over a tar of `tar_size` bytes. The same tree always gives the same bytes."""
    return _Builder(root).build(tar_size)


class _Inode:
    """Where a node's metadata goes. `at`: offset from the first inode."""

    __slots__ = ("at", "file_type", "is_inline", "links", "node", "parent", "xattrs")

    def __init__(self, node: Node, parent: Node) -> None:
        self.node = node
        self.parent = parent
        self.at = 0
        self.links = 1
        self.is_inline = False
        self.file_type = _FILE_TYPES[node.mode & 0o170000]
        self.xattrs = _pack_xattrs(node.xattrs) if node.xattrs else b""


class _Builder:
    """Two passes: give every node its place, then write it, since directories point anywhere."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._inodes: dict[Node, _Inode] = {}
        self._meta = bytearray()
        self._data: list[bytes] = []
        self._next_block = 0

    def build(self, tar_size: int) -> bytes:
        meta_size = self._place_all()
        self._meta = bytearray(_META_START + meta_size)
        self._next_block = (_META_START + meta_size) // BLOCK
        for number, inode in enumerate(self._inodes.values(), 1):
            self._write(inode, number)
        self._write_super_block(tar_size)
        return bytes(self._meta) + b"".join(self._data)

    # First pass

    def _place_all(self) -> int:
        """Places every inode, the root first; bytes used, in whole blocks."""
        end = _ROOT_AT
        pending = [(self._root, self._root)]
        while pending:
            node, parent = pending.pop()
            known = self._inodes.get(node)
            if known is not None:
                known.links += 1
                continue
            inode = self._inodes[node] = _Inode(node, parent)
            end = _place(inode, end)
            if node.children:
                pending.extend((child, node) for child in node.children.values())
        return end + -end % BLOCK

    # Second pass

    def _write(self, inode: _Inode, number: int) -> None:
        node = inode.node
        at = _META_START + inode.at
        body = at + _INODE_SIZE + len(inode.xattrs)
        layout, union, size, links = _FLAT_PLAIN, 0, node.size, inode.links
        if node.children is not None:
            data, subdirectories = self._pack_directory(inode)
            union, size, links = self._append(data), len(data), 2 + subdirectories
        elif inode.file_type == 7:
            if inode.is_inline:
                layout = _FLAT_INLINE
                self._meta[body : body + size] = node.link
            else:
                union = self._append(node.link)
        elif inode.file_type == 1:
            if size:
                layout, union = _CHUNK_BASED, _CHUNK_INDEXES | _chunk_bits(size)
                _CHUNK_INDEX.pack_into(self._meta, body + -body % 8, 0, 1, node.offset // BLOCK)
        else:
            union = _encode_device(*node.device)
        seconds, nanoseconds = divmod(node.mtime_ns, 1_000_000_000)
        _INODE.pack_into(
            self._meta,
            at,
            _EXTENDED | layout << 1,
            (len(inode.xattrs) - 12) // 4 + 1 if inode.xattrs else 0,
            node.mode,
            0,
            size,
            union,
            number,
            node.uid,
            node.gid,
            seconds,
            nanoseconds,
            links,
        )
        if inode.xattrs:
            self._meta[at + _INODE_SIZE : body] = inode.xattrs

    def _append(self, data: bytes) -> int:
        """Puts data behind the inodes; its first block."""
        block = self._next_block
        self._data.append(data)
        if pad := -len(data) % BLOCK:
            self._data.append(bytes(pad))
        self._next_block += (len(data) + pad) // BLOCK
        return block

    def _pack_directory(self, inode: _Inode) -> tuple[bytes, int]:
        """A directory's content, and how many directories are in it."""
        inodes = self._inodes
        names = [(b".", inode), (b"..", inodes[inode.parent])]
        names += [(name, inodes[child]) for name, child in (inode.node.children or {}).items()]
        names.sort(key=_name_of)
        subdirectories = sum(entry.file_type == 2 for _, entry in names) - 2
        if sum(_DIRENT.size + len(name) for name, _ in names) <= BLOCK:
            return _pack_dirents(names), subdirectories
        return _pack_blocks(names), subdirectories

    def _write_super_block(self, tar_size: int) -> None:
        identity = hashlib.sha256(self._meta).digest()[:16]
        _SUPER_BLOCK.pack_into(
            self._meta,
            _SUPER_BLOCK_AT,
            _MAGIC,
            0,
            0,
            _BLOCK_BITS,
            0,
            _ROOT_AT // _SLOT,
            len(self._inodes),
            0,
            0,
            self._next_block,
            _META_START // BLOCK,
            0,
            identity,
            b"",
            _INCOMPAT_CHUNKED_FILE | _INCOMPAT_DEVICE_TABLE,
            0,
            1,
            _DEVICE_SLOT_AT // _DEVICE_SLOT_SIZE,
        )
        _DEVICE_SLOT.pack_into(self._meta, _DEVICE_SLOT_AT, b"", -(-tar_size // BLOCK), 0)


def _name_of(entry: tuple[bytes, _Inode]) -> bytes:
    return entry[0]


def _place(inode: _Inode, at: int) -> int:
    """Gives the inode its offset, `at` or a little later; where the next may begin."""
    size = _INODE_SIZE + len(inode.xattrs)
    if inode.file_type == 1 and inode.node.size:
        size += -size % 8 + _CHUNK_INDEX.size
    elif inode.file_type == 7:
        tail = inode.node.size
        if size + tail <= BLOCK:
            # The kernel wants an inline tail within one block.
            if (at + size) // BLOCK != (at + size + tail - 1) // BLOCK:
                at += -at % BLOCK
            inode.is_inline = True
            size += tail
    inode.at = at
    end = at + size
    return end + -end % _SLOT


def _pack_blocks(names: list[tuple[bytes, _Inode]]) -> bytes:
    """Entries in blocks; every block but the last is filled up with NULs."""
    blocks: list[bytes] = []
    current: list[tuple[bytes, _Inode]] = []
    used = 0
    for entry in names:
        length = _DIRENT.size + len(entry[0])
        if used + length > BLOCK:
            blocks.append(_pack_dirents(current).ljust(BLOCK, b"\0"))
            current, used = [], 0
        current.append(entry)
        used += length
    blocks.append(_pack_dirents(current))
    return b"".join(blocks)


def _pack_dirents(names: list[tuple[bytes, _Inode]]) -> bytes:
    """One block's entries, then their names; the first offset also tells how many there are."""
    offset = _DIRENT.size * len(names)
    parts = []
    for name, inode in names:
        parts.append(_DIRENT.pack(inode.at // _SLOT, offset, inode.file_type, 0))
        offset += len(name)
    parts += [name for name, _ in names]
    return b"".join(parts)


def _pack_xattrs(xattrs: dict[bytes, bytes]) -> bytes:
    """Raises: OSError (E2BIG) when they are more than an inode can have."""
    parts = [_XATTR_HEADER.pack(0, 0)]
    for name in sorted(xattrs):
        index, suffix = _split_xattr_name(name)
        value = xattrs[name]
        entry = _XATTR_ENTRY.pack(len(suffix), index, len(value)) + suffix + value
        parts.append(entry + bytes(-len(entry) % 4))
    packed = b"".join(parts)
    if (len(packed) - 12) // 4 + 1 > 0xFFFF:
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
    return packed


def _split_xattr_name(name: bytes) -> tuple[int, bytes]:
    for prefix, index in _XATTR_PREFIXES:
        if name.startswith(prefix):
            return index, name[len(prefix) :]
    raise ValueError(name)


def _chunk_bits(size: int) -> int:
    """The chunk size, as a power of two of blocks, at which one chunk holds the file."""
    return max(0, (size - 1).bit_length() - _BLOCK_BITS)


def _encode_device(major: int, minor: int) -> int:
    """The kernel's `new_encode_dev`."""
    return (minor & 0xFF) | major << 8 | (minor & ~0xFF) << 12
