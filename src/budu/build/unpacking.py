"""ADD unpacks archives: their members become members of a layer. Blocking.

What is an archive is told by its content, packed or not, never by its name. Links count, as for
tar: a member below one lands where it leads within the folder that takes the archive in, which is
its root. Source: Dockerfile reference, "ADD"; buildkit solver/llbsolver/file/unpack.go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import msgspec

from budu.archive.chunks import ChunkStream
from budu.archive.compression import PIECE_BYTES, decompress
from budu.archive.limits import MemberCount
from budu.archive.members import clean_link, describe, storable_xattrs
from budu.archive.paths import check_link_target, clean_path
from budu.archive.tar import StreamSource, TarEntry, TarKind, TarReader
from budu.archive.walk import handle_path
from budu.base.errors import DataLoss, InvalidArgument, ResourceExhausted
from budu.build.layer import CopiedLayer
from budu.build.target import Kind
from budu.snapshot.differences import keeps_xattr

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def is_archive(fd: int) -> bool:
    """Whether a regular file begins as a tar archive does, with a first member."""
    content = os.open(handle_path(fd), _READ)
    try:
        reader = TarReader(StreamSource(ChunkStream(decompress(_pieces(content)))))
        return next(iter(reader), None) is not None
    except (InvalidArgument, DataLoss, ResourceExhausted):
        return False
    finally:
        os.close(content)


def unpack(
    fd: int, layer: CopiedLayer, folder: bytes, *, change: Callable[[TarEntry], TarEntry]
) -> None:
    """Put the members of an archive into the layer, below a folder without links.

    `change`: what a member becomes. Raises: InvalidArgument for hostile or broken members,
    DataLoss, ResourceExhausted.
    """
    content = os.open(handle_path(fd), _READ)
    try:
        plain = decompress(_pieces(content))
        reader = TarReader(StreamSource(ChunkStream(plain)))
        count = MemberCount()
        for entry in reader:
            count.admit(entry)
            path = clean_path(entry.path)
            if path:  # the folder itself stays as it is
                _put(layer, folder, path, change(entry), reader)
        for _ in plain:  # what pads the archive
            continue
    finally:
        os.close(content)


def _put(
    layer: CopiedLayer, folder: bytes, path: bytes, entry: TarEntry, reader: TarReader
) -> None:
    place = _place(layer, folder, path)
    layer.ensure(place.rpartition(b"/")[0])
    link = entry.link
    match entry.kind:
        case TarKind.HARD_LINK:
            link = _place(layer, folder, clean_link(entry))
            if layer.target.made(link) not in (Kind.OTHER, Kind.LINK) or link == place:
                raise InvalidArgument(f"{describe(entry, path)}: no such file or directory")
        case TarKind.SYMLINK:
            check_link_target(path, link)
    name = place + b"/" if entry.kind is TarKind.DIRECTORY else place
    xattrs = tuple(each for each in storable_xattrs(entry) if keeps_xattr(each[0]))
    made = msgspec.structs.replace(entry, path=name, link=link, xattrs=xattrs, sparse=None)
    content = _dense(entry, reader) if entry.kind is TarKind.FILE else ()
    layer.replace(made, content)


def _place(layer: CopiedLayer, folder: bytes, path: bytes) -> bytes:
    """Where a member lands: links above it lead on, one of its own name does not."""
    parent, _, name = path.rpartition(b"/")
    above = layer.target.resolve(parent, base=folder)
    return above + b"/" + name if above else name


def _dense(entry: TarEntry, reader: TarReader) -> Iterator[bytes]:
    """The content with zeros where there are holes."""
    at = 0
    for start, piece in reader.content(entry):
        yield from _zeros(start - at)
        yield piece
        at = start + len(piece)
    yield from _zeros(entry.size - at)


def _zeros(size: int) -> Iterator[bytes]:
    while size > 0:
        yield bytes(step := min(size, PIECE_BYTES))
        size -= step


def _pieces(fd: int) -> Iterator[bytes]:
    at = 0
    while piece := os.pread(fd, PIECE_BYTES, at):
        yield piece
        at += len(piece)
