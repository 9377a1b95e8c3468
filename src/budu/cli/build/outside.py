"""A Dockerfile that is no file of the context: from standard input, or from elsewhere here.

It goes along under a name of its own, and the rules of the context are told to hide it. Source:
docker/cli 28.2 `cli/command/image/build/context.go` (AddDockerfileToBuildContext).
"""

from __future__ import annotations

import hashlib
import os

from budu.cli.build.source import IGNORE_FILE, STANDARD_INPUT, Place, unprepared
from budu.cli.reading import pieces_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_BYTES = 16 << 20
"""A Dockerfile is held in memory: more than that is none."""
_DIGITS = 20


def read_whole(pieces: Iterable[bytes]) -> bytes:
    """All of it, as a Dockerfile. Raises: CommandFailed when it is too much for one."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) > _MOST_BYTES:
            raise unprepared(f"the Dockerfile is larger than {_MOST_BYTES >> 20} MiB")
    return bytes(held)


def read_outside(place: Place) -> bytes:
    """The Dockerfile of a place that does not have it inside. Raises: CommandFailed."""
    if place.name == STANDARD_INPUT:
        return read_whole(pieces_of(0))
    try:
        fd = os.open(place.dockerfile, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return read_whole(pieces_of(fd))
        finally:
            os.close(fd)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise unprepared(f"unable to open Dockerfile: open {place.dockerfile}: {reason}") from None


def added_files(
    dockerfile: bytes, *, rules: bytes | None = None, nearer: bytes | None = None
) -> tuple[str, dict[str, bytes]]:
    """The Dockerfile's name, always the same for the same; and the files that have to be added.

    `rules` are those of the context, `nearer` those beside the Dockerfile, which count alone.
    """
    name = f".dockerfile.{hashlib.sha256(dockerfile).hexdigest()[:_DIGITS]}"
    if nearer is not None:
        own = name + IGNORE_FILE
        return name, {name: dockerfile, own: nearer + f"\n{name}\n{own}\n".encode()}
    above = IGNORE_FILE.encode() if rules is None else rules
    return name, {name: dockerfile, IGNORE_FILE: above + f"\n{name}\n".encode()}
