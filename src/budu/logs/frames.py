"""The frame log's format: what the shim appends and the engine reads.

A log file is a sequence of frames, each of them one read from a container's pipe or terminal:

    offset  size  field
    0       4     payload length n, 1 to 65536, little endian like all numbers here
    4       1     stream: 1 stdout (and a terminal), 2 stderr
    5       1     flags: bit 0, the payload goes on with a line that an earlier frame began
    6       2     zero
    8       8     time of the read, nanoseconds since 1970 (UTC)
    16      n     payload, exactly the bytes read
    16+n    4     payload length again, so that the log can be walked backwards

Light: loaded by the shim, standard library only. Neighbours: `logs.writer`, `logs.files`.
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[int, int], bytes]
    """Reads so many bytes from an offset on, as `os.pread` does."""

Frame = tuple[int, int, int, bytes]
"""Stream, flags, time in ns, payload. A plain tuple: a log may hold millions of them."""

STDOUT = 1
"""Stream number of stdout, and of all output of a container with a terminal."""
STDERR = 2
"""Stream number of stderr."""
CONTINUES = 1
"""Flag: the payload's first byte belongs to a line that an earlier frame of the stream began."""
MAX_PAYLOAD = 65536
"""Largest payload of one frame in bytes: the capacity of a pipe."""
HEADER = struct.Struct("<IBBxxQ")
"""Length, stream, flags, time."""
TRAILER = struct.Struct("<I")
"""Length."""
OVERHEAD = HEADER.size + TRAILER.size
"""Bytes that a frame takes beside its payload."""
BLOCK = 4 * MAX_PAYLOAD
"""Bytes that readers take at once; always more than a whole frame."""


def decode(buffer: bytes) -> tuple[list[Frame], int, bool]:
    """The whole frames at the beginning of `buffer`.

    Returns the frames, the number of bytes they take, and whether what follows is broken: false
    when it may be the beginning of a frame of which the rest is still to come.
    """
    frames: list[Frame] = []
    unpack, unpack_trailer = HEADER.unpack_from, TRAILER.unpack_from
    at, end = 0, len(buffer)
    while end - at >= 16:
        size, stream, flags, time_ns = unpack(buffer, at)
        if not 0 < size <= 65536 or not 0 < stream < 3:
            return frames, at, True
        body = at + 16
        tail = body + size
        if tail + 4 > end:
            break
        if unpack_trailer(buffer, tail)[0] != size:
            return frames, at, True
        frames.append((stream, flags, time_ns, buffer[body:tail]))
        at = tail + 4
    return frames, at, False


def decode_backwards(buffer: bytes) -> tuple[list[tuple[int, Frame]], int]:
    """The whole frames at the end of `buffer`, the last one first, each with its offset in it.

    Returns them and the offset where they begin, which is `len(buffer)` when the end is torn.
    """
    frames: list[tuple[int, Frame]] = []
    at = len(buffer)
    while at >= OVERHEAD:
        size = TRAILER.unpack_from(buffer, at - 4)[0]
        start = at - OVERHEAD - size
        if start < 0 or not 0 < size <= MAX_PAYLOAD:
            break
        length, stream, flags, time_ns = HEADER.unpack_from(buffer, start)
        if length != size or not 0 < stream < 3:
            break
        frames.append((start, (stream, flags, time_ns, buffer[start + 16 : at - 4])))
        at = start
    return frames, at


def walk_back(read: Read, end: int) -> Iterator[list[tuple[int, Frame]]]:
    """Blocks of frames that end at the frame boundary `end`, last first, with their file offsets.

    Stops at the beginning of the file or where it meets something that is not a frame.
    """
    while end:
        low = max(0, end - BLOCK)
        found, start = decode_backwards(read(end - low, low))
        if not found:
            return
        yield [(low + offset, frame) for offset, frame in found]
        end = low + start


def ends_whole(fd: int, size: int) -> bool:
    """Whether the first `size` bytes of the file end with a whole frame (or are none)."""
    if size == 0:
        return True
    low = max(0, size - MAX_PAYLOAD - OVERHEAD)
    buffer = os.pread(fd, size - low, low)
    return decode_backwards(buffer)[1] < len(buffer)


def whole_length(fd: int) -> int:
    """The offset of the first byte that belongs to no whole frame: where the log may go on.

    Looks at the last frame only, and reads the file from its beginning when that one is torn.
    """
    size = os.fstat(fd).st_size
    if ends_whole(fd, size):
        return size
    at = 0
    while True:
        _, taken, _ = decode(os.pread(fd, BLOCK, at))
        if not taken:
            return at
        at += taken
