"""Writes the headers of tar members: ustar, with PAX records for what ustar cannot hold.

The inverse of `archive.tar`: both speak of members as `TarEntry`. Pure functions over bytes; the
content of files is written by `archive.write`. Source: POSIX.1-2017 pax; GNU tar manual, "Storing
Sparse Files", for the PAX form 1.0 of files with holes.
"""

from __future__ import annotations

from budu.archive.tar import TarEntry, TarKind
from budu.archive.tar_fields import BLOCK, SparseMap

END = bytes(2 * BLOCK)
"""What stands behind the last member."""

_NAME_BYTES = 100
_ID_LIMIT = 8**7
_SIZE_LIMIT = 8**11
_SECOND_NS = 1_000_000_000
_DEVICES = (TarKind.CHAR_DEVICE, TarKind.BLOCK_DEVICE)


def padding(size: int) -> bytes:
    """The zeros that fill the last block of `size` bytes of content."""
    return bytes(-size % BLOCK)


def render_header(entry: TarEntry) -> bytes:
    """Everything of a member that stands before its content.

    `entry.size` bytes and their `padding` have to follow for a file. For one with a `sparse` map
    only the bytes of its stretches follow, in order, and then their padding: the map itself is
    part of the result.
    """
    records = {b"SCHILY.xattr." + name: value for name, value in entry.xattrs if b"=" not in name}
    if len(entry.path) > _NAME_BYTES:
        records[b"path"] = entry.path
    if len(entry.link) > _NAME_BYTES:
        records[b"linkpath"] = entry.link
    seconds, nanoseconds = divmod(max(entry.mtime_ns, 0), _SECOND_NS)
    if nanoseconds or seconds >= _SIZE_LIMIT:
        records[b"mtime"] = b"%d.%09d" % (seconds, nanoseconds)
    sparse_map = b"" if entry.sparse is None else _render_map(entry.sparse)
    size = _stored_size(entry, sparse_map)
    numbers = {b"uid": entry.uid, b"gid": entry.gid, b"size": size}
    for key, value in numbers.items():
        if value >= (_SIZE_LIMIT if key == b"size" else _ID_LIMIT):
            records[key] = b"%d" % value
            numbers[key] = 0
    if entry.sparse is not None:
        records.update(_sparse_records(entry))
    block = _block(
        entry.path,
        mode=entry.mode,
        uid=numbers[b"uid"],
        gid=numbers[b"gid"],
        size=numbers[b"size"],
        mtime=min(seconds, _SIZE_LIMIT - 1),
        flag=entry.kind.value,
        link=entry.link,
        device=(entry.major, entry.minor) if entry.kind in _DEVICES else (0, 0),
    )
    return (_render_pax(records) if records else b"") + block + sparse_map


def _stored_size(entry: TarEntry, sparse_map: bytes) -> int:
    if entry.kind is not TarKind.FILE:
        return 0
    if entry.sparse is None:
        return entry.size
    return len(sparse_map) + sum(length for _, length in entry.sparse)


def _sparse_records(entry: TarEntry) -> dict[bytes, bytes]:
    return {
        b"GNU.sparse.major": b"1",
        b"GNU.sparse.minor": b"0",
        b"GNU.sparse.name": entry.path,
        b"GNU.sparse.realsize": b"%d" % entry.size,
    }


def _render_map(stretches: SparseMap) -> bytes:
    """Decimal lines, the number of stretches first, filled up to a whole block."""
    numbers = [len(stretches), *(number for stretch in stretches for number in stretch)]
    text = b"".join(b"%d\n" % number for number in numbers)
    return text + padding(len(text))


def _render_pax(records: dict[bytes, bytes]) -> bytes:
    body = b"".join(_record(key, records[key]) for key in sorted(records))
    head = _block(
        b"PaxHeaders/member", mode=0o644, uid=0, gid=0, size=len(body), mtime=0, flag=b"x"
    )
    return head + body + padding(len(body))


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
            name[:_NAME_BYTES].ljust(_NAME_BYTES, b"\0"),
            b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (mode, uid, gid, size, mtime),
            b" " * 8,
            flag,
            link[:_NAME_BYTES].ljust(_NAME_BYTES, b"\0"),
            b"ustar\x0000",
            bytes(64),
            b"%07o\0%07o\0" % device,
        )
    ).ljust(BLOCK, b"\0")
    return head[:148] + b"%06o\0 " % sum(head) + head[156:]
