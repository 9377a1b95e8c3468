"""Contexts that come as bytes, from standard input or a URL: an archive, or a Dockerfile alone.

Source: docker/cli 28.2 `cli/command/image/build/context.go` (GetContextFromReader,
GetContextFromURL).
"""

from __future__ import annotations

from itertools import chain

from budu.archive.compression import Compression, decompress, detect
from budu.archive.tar_fields import BLOCK, has_valid_checksum
from budu.archive.tar_headers import END
from budu.cli.build.context import pack_files
from budu.cli.build.outside import added_files, read_whole
from budu.cli.build.source import DOCKERFILE, STANDARD_INPUT, unprepared
from budu.cli.reading import pieces_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from http.client import HTTPResponse

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


def take_in(pieces: Iterable[bytes], given: str) -> tuple[Iterator[bytes], str]:
    """The archive to send, and the Dockerfile's name in it, where `--file` is `given`.

    What is no archive is the Dockerfile itself. Raises: CommandFailed in Docker's words.
    """
    incoming = Incoming(pieces)
    if incoming.is_archive:
        if given == STANDARD_INPUT:
            return _put_before(read_whole(pieces_of(0)), incoming.pieces())
        return incoming.pieces(), given
    if given == STANDARD_INPUT:
        raise unprepared("build context is not an archive")
    if given:
        raise unprepared(
            "ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles"
        )
    return iter((pack_files({DOCKERFILE: read_whole(incoming.pieces())}) + END,)), DOCKERFILE


def _put_before(dockerfile: bytes, archive: Iterator[bytes]) -> tuple[Iterator[bytes], str]:
    """The archive, unpacked, with a Dockerfile of ours at its beginning."""
    name, added = added_files(dockerfile)
    return chain((pack_files(added),), decompress(archive)), name


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
