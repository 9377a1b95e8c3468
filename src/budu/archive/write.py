"""Packs a directory tree into a tar archive that depends on nothing but the tree.

Members come in the order of their names; numbers and names that ustar cannot hold go to PAX
records; hard links are recognised. Overlay's whiteouts become `.wh.` names when asked.
Source: POSIX.1-2017 pax; OCI image-spec 1.1, layer.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from budu.archive import whiteouts
from budu.archive.tar import PIECE_BYTES
from budu.archive.tar_fields import BLOCK

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_TYPES = {
    stat.S_IFREG: b"0",
    stat.S_IFLNK: b"2",
    stat.S_IFCHR: b"3",
    stat.S_IFBLK: b"4",
    stat.S_IFDIR: b"5",
    stat.S_IFIFO: b"6",
}
_OVERLAY_OPAQUE = (whiteouts.TRUSTED + b"opaque", whiteouts.USER + b"opaque")


def pack(root: str, write: Callable[[bytes], object], *, overlay: bool = False) -> None:
    """Writes the tree below `root`, without `root` itself, as an archive.

    With `overlay` the tree is an upper directory: devices 0:0 and opaque directories become
    whiteouts. Sockets are left out, as by every tar. Raises: OSError; a file that shrinks
    meanwhile is padded, one that grows is cut.
    """
    links: dict[tuple[int, int], bytes] = {}
    for path, status in _walk(os.fsencode(root)):
        _pack_member(os.fsencode(root), path, status, write=write, overlay=overlay, links=links)
    write(bytes(2 * BLOCK))


def _walk(root: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    """Every path below `root`, parents first, siblings by name; without recursion."""
    pending = [b""]
    while pending:
        path = pending.pop()
        status = os.lstat(root + b"/" + path)
        if path:
            yield path, status
        if stat.S_ISDIR(status.st_mode):
            names = sorted(os.listdir(root + b"/" + path), reverse=True)
            pending += [path + b"/" + name if path else name for name in names]


def _pack_member(
    root: bytes,
    path: bytes,
    status: os.stat_result,
    *,
    write: Callable[[bytes], object],
    overlay: bool,
    links: dict[tuple[int, int], bytes],
) -> None:
    mode = stat.S_IFMT(status.st_mode)
    if overlay and mode == stat.S_IFCHR and status.st_rdev == 0:
        parent, slash, name = path.rpartition(b"/")
        write(_header(parent + slash + whiteouts.PREFIX + name, status, flag=b"0", size=0))
        return
    flag = _TYPES.get(mode)
    if flag is None:
        return
    xattrs = _read_xattrs(root + b"/" + path)
    is_opaque = any(xattrs.get(name) == b"y" for name in _OVERLAY_OPAQUE)
    link, size = b"", status.st_size if mode == stat.S_IFREG else 0
    if mode == stat.S_IFLNK:
        link = os.readlink(root + b"/" + path)
    elif mode != stat.S_IFDIR and status.st_nlink > 1:
        link = links.setdefault((status.st_dev, status.st_ino), path)
        link = b"" if link == path else link
        flag, size = (b"1", 0) if link else (flag, size)
    kept = {k: v for k, v in xattrs.items() if not whiteouts.is_overlay_attribute(k)}
    name = path + b"/" if flag == b"5" else path
    write(_header(name, status, flag=flag, size=size, link=link, xattrs=kept))
    if size:
        _write_content(root + b"/" + path, size, write)
    if overlay and is_opaque:
        write(_header(name + whiteouts.OPAQUE, status, flag=b"0", size=0))


def _write_content(path: bytes, size: int, write: Callable[[bytes], object]) -> None:
    fd = os.open(path, _OPEN)
    try:
        left = size
        while left and (piece := os.read(fd, min(left, PIECE_BYTES))):
            write(piece)
            left -= len(piece)
    finally:
        os.close(fd)
    write(bytes(left + -size % BLOCK))


def _read_xattrs(path: bytes) -> dict[bytes, bytes]:
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return {os.fsencode(name): os.getxattr(path, name, follow_symlinks=False) for name in names}


def _header(
    name: bytes,
    status: os.stat_result,
    *,
    flag: bytes,
    size: int,
    link: bytes = b"",
    xattrs: dict[bytes, bytes] | None = None,
) -> bytes:
    """The header block of a member, its PAX records before it when it needs any."""
    records = {b"SCHILY.xattr." + key: value for key, value in (xattrs or {}).items()}
    if len(name) > 100:
        records[b"path"] = name
    if len(link) > 100:
        records[b"linkpath"] = link
    seconds, nanoseconds = divmod(max(status.st_mtime_ns, 0), 1_000_000_000)
    if nanoseconds:
        records[b"mtime"] = b"%d.%09d" % (seconds, nanoseconds)
    numbers = {b"uid": status.st_uid, b"gid": status.st_gid, b"size": size}
    limits = {b"uid": 8**7, b"gid": 8**7, b"size": 8**11}
    for key, value in numbers.items():
        if value >= limits[key]:
            records[key] = b"%d" % value
            numbers[key] = 0
    is_device = flag in (b"3", b"4")
    block = _block(
        name,
        mode=stat.S_IMODE(status.st_mode),
        uid=numbers[b"uid"],
        gid=numbers[b"gid"],
        size=numbers[b"size"],
        mtime=min(seconds, 8**11 - 1),
        flag=flag,
        link=link,
        device=(os.major(status.st_rdev), os.minor(status.st_rdev)) if is_device else (0, 0),
    )
    return _pax(records) + block if records else block


def _pax(records: dict[bytes, bytes]) -> bytes:
    body = b"".join(_record(key, records[key]) for key in sorted(records))
    head = _block(
        b"PaxHeaders/member", mode=0o644, uid=0, gid=0, size=len(body), mtime=0, flag=b"x"
    )
    return head + body + bytes(-len(body) % BLOCK)


def _record(key: bytes, value: bytes) -> bytes:
    """One record; its length counts its own digits."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return b"%d" % length + rest


def _block(
    name: bytes,
    *,
    mode: int,
    uid: int,
    gid: int,
    size: int,
    mtime: int,
    flag: bytes,
    link: bytes = b"",
    device: tuple[int, int] = (0, 0),
) -> bytes:
    head = b"".join(
        (
            name[:100].ljust(100, b"\0"),
            b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (mode, uid, gid, size, mtime),
            b" " * 8,
            flag,
            link[:100].ljust(100, b"\0"),
            b"ustar\x0000",
            bytes(64),
            b"%07o\0%07o\0" % device,
        )
    ).ljust(BLOCK, b"\0")
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]
