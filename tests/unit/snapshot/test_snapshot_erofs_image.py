"""The index is laid out as the kernel's header says; the contract suite lets the kernel read it."""

from __future__ import annotations

import stat
import struct

from budu.archive.tar import TarEntry, TarKind
from budu.snapshot.erofs.image import build_index
from budu.snapshot.erofs.tree import LayerTree, NotIndexable
from budu.snapshot.overlay import OverlayOptions, OverlayStyle, _parameters


def build(*entries: TarEntry, tar_size: int = 10240) -> bytes:
    tree = LayerTree()
    for entry in entries:
        tree.add(entry)
    return build_index(tree.root, tar_size=tar_size)


def entry(path: str, kind: TarKind = TarKind.FILE, **fields) -> TarEntry:
    return TarEntry(path=path.encode(), kind=kind, **fields)


def test_super_block_names_one_device():
    image = build(entry("f", size=5, stored_size=5, offset=512), tar_size=10241)
    magic, _, _, block_bits, _, root, inodes = struct.unpack_from("<IIIBBHQ", image, 1024)
    assert (magic, block_bits, root, inodes) == (0xE0F5E1E2, 9, 1, 2)
    blocks, meta = struct.unpack_from("<II", image, 1024 + 36)
    assert blocks * 512 >= len(image) > (blocks - 1) * 512
    assert meta == 4
    assert struct.unpack_from("<HH", image, 1024 + 86) == (1, 12)
    assert struct.unpack_from("<I", image, 1536 + 64) == (21,)


def test_file_points_into_the_tar():
    image = build(entry("f", size=3000, stored_size=3000, offset=7 * 512, mode=0o640, uid=9))
    at = image.index(struct.pack("<HHI", 0, 1, 7), 2048) - 64
    layout, _, mode, _, size, union, _, uid = struct.unpack_from("<HHHHQIII", image, at)
    assert (layout, mode, size, uid) == (1 | 4 << 1, stat.S_IFREG | 0o640, 3000, 9)
    assert 512 << (union & 0x1F) >= 3000


def test_same_tar_gives_the_same_index():
    entries = [entry("a", TarKind.DIRECTORY), entry("a/b", xattrs=((b"user.x", b"y"),))]
    assert build(*entries) == build(*entries)
    assert build(*entries) != build(entries[0])


def test_inline_link_targets_stay_within_a_block():
    image = build(*(entry(f"l{n}", TarKind.SYMLINK, link=b"t" * n) for n in range(1, 449, 7)))
    for length in range(1, 449, 7):
        at = 2048
        while True:
            at = image.index(b"t" * length, at)
            if image[at + length] != ord("t") and image[at - 1] != ord("t"):
                break
            at += 1
        assert at // 512 == (at + length - 1) // 512


def test_sparse_members_cannot_be_indexed():
    try:
        build(entry("s", size=10, sparse=()))
    except NotIndexable:
        return
    raise AssertionError("indexed")


def test_layers_are_given_to_the_kernel_topmost_first():
    options = OverlayOptions((3, 4), upper=5, work=6, volatile=True)
    assert _parameters(options, OverlayStyle.DESCRIPTORS) == [
        ("source", "overlay"),
        ("lowerdir+", 4),
        ("lowerdir+", 3),
        ("upperdir", 5),
        ("workdir", 6),
        ("index", "off"),
        ("metacopy", "off"),
        ("redirect_dir", "nofollow"),
        ("volatile", None),
    ]
    assert ("lowerdir+", "/proc/self/fd/4") in _parameters(options, OverlayStyle.APPEND)
