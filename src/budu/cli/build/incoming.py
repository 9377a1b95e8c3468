"""Contexts that come as bytes, from standard input or a URL: an archive, or a Dockerfile alone.

Source: docker/cli 28.2 `cli/command/image/build/context.go` (GetContextFromReader,
GetContextFromURL).
"""

from __future__ import annotations

import os
from itertools import chain

from budu.archive.compression import Compression, decompress, detect
from budu.archive.tar_fields import BLOCK, has_valid_checksum
from budu.archive.tar_headers import END
from budu.cli.build.context import pack_files
from budu.cli.build.source import DOCKERFILE, STANDARD_INPUT, unprepared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from http.client import HTTPResponse

_DOCKERFILE_MAX = 16 << 20
"""A Dockerfile is held in memory: more than that is none."""
_READ_SIZE = 1 << 18


class Incoming:
    """A stream, looked at far enough to know what it is."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        rest = iter(pieces)
        head = b""
        for piece in rest:
            head += piece
            if len(head) >= BLOCK:
                break
        self._head = head
        self._rest = rest

    @property
    def is_archive(self) -> bool:
        """Whether it begins like a tar or like one that is packed."""
        if detect(self._head[:6]) is not Compression.NONE:
            return True
        block = self._head[:BLOCK]
        return len(block) == BLOCK and any(block) and has_valid_checksum(block)

    def pieces(self) -> Iterator[bytes]:
        """All of it; once."""
        return chain((self._head,) if self._head else (), self._rest)

    def read(self) -> bytes:
        """All of it, as a Dockerfile. Raises: CommandFailed when it is too much for one."""
        held = bytearray()
        for piece in self.pieces():
            held += piece
            if len(held) > _DOCKERFILE_MAX:
                raise unprepared(f"the Dockerfile is larger than {_DOCKERFILE_MAX >> 20} MiB")
        return bytes(held)


def take_in(pieces: Iterable[bytes], given: str) -> tuple[Iterator[bytes], str]:
    """The archive to send, and the Dockerfile's name in it, where `--file` is `given`.

    What is no archive is the Dockerfile itself. Raises: CommandFailed in Docker's words.
    """
    incoming = Incoming(pieces)
    if incoming.is_archive:
        return incoming.pieces(), given
    if given == STANDARD_INPUT:
        raise unprepared("build context is not an archive")
    if given:
        raise unprepared(
            "ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles"
        )
    return iter((pack_files({DOCKERFILE: incoming.read()}) + END,)), DOCKERFILE


def put_before(added: bytes, archive: Iterator[bytes]) -> Iterator[bytes]:
    """An archive, unpacked, with members of ours at its beginning."""
    yield added
    yield from decompress(archive)


def download(url: str) -> Iterator[bytes]:
    """What is at a URL, in pieces; the answer has come when this returns.

    Raises: CommandFailed in Docker's words.
    """
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        response = urlopen(url)
    except HTTPError as error:
        with error:
            text = error.read(_READ_SIZE).decode("utf-8", "replace").strip()
        status = f"{error.code} {error.reason}"
        raise _undelivered(url, f"failed to GET {url} with status {status}: {text}") from None
    except (URLError, OSError, ValueError) as error:
        raise _undelivered(url, str(getattr(error, "reason", error))) from None
    return _pieces_of(url, response)


def _pieces_of(url: str, response: HTTPResponse) -> Iterator[bytes]:
    from http.client import IncompleteRead

    try:
        with response:
            while piece := response.read(_READ_SIZE):
                yield piece
            if response.length:
                raise IncompleteRead(b"", response.length)
    except (OSError, IncompleteRead):
        raise _undelivered(url, "unexpected EOF") from None


def _undelivered(url: str, reason: str) -> Exception:
    return unprepared(f"unable to download remote context {url}: {reason}")


def read_standard_input() -> bytes:
    """Standard input, as a Dockerfile. Raises: CommandFailed when it is too much for one."""
    from budu.cli.reading import pieces_of

    return Incoming(pieces_of(0)).read()


def read_file(path: str) -> bytes:
    """A Dockerfile outside the context. Raises: CommandFailed in Docker's words."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read(_DOCKERFILE_MAX + 1)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise unprepared(f"unable to open Dockerfile: open {path}: {reason}") from None
    return Incoming((data,)).read()
