"""What comes from a URL: contexts, lone Dockerfiles, and files for ADD. Blocking.

`distribution.download` opens a URL and its body goes through one of these functions, in a thread:

    receive_remote    the URL of a context: an archive, or a Dockerfile alone
    store_file        the URL of an ADD: one file, which is then a source like any other

Repositories are `git`'s. Source: Dockerfile reference, "ADD"; moby 28.3 builder/remotecontext
(remote.go, detect.go); buildkit source/http.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from itertools import chain
from pathlib import Path
from urllib.parse import unquote, urlsplit

from budu.archive.compression import ExpansionLimits
from budu.archive.faults import os_errors
from budu.base.errors import DataLoss, Hint, InvalidArgument, ResourceExhausted
from budu.build.context import READ_MAX, Context, discard, make_root, receive
from budu.build.copying import MADE_NS

DOCKERFILE = "Dockerfile"
"""The name of a Dockerfile that came alone."""

UNNAMED = "__unnamed__"
"""The name of a file whose URL has none."""

_FILE_MODE = 0o600
_HEAD_BYTES = 512
_ARCHIVES = re.compile(
    r"application/(?:(?:x-)?tar|octet-stream|(?:x-)?(?:gzip|bzip2?|xz|zstd))|text/plain"
)
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_ALGORITHMS = {"sha256": 64, "sha384": 96, "sha512": 128}


def is_url(source: str) -> bool:
    """Whether a source of ADD is downloaded."""
    return source.startswith(("http://", "https://"))


def file_name(url: str) -> str:
    """The name of the file behind a URL: the last part of its path."""
    name = unquote(urlsplit(url).path, errors="surrogateescape").rstrip("/").rpartition("/")[2]
    return UNNAMED if name in ("", ".", "..") or "\0" in name else name


def modified_ns(header: str) -> int:
    """What a `Last-Modified` header says; `MADE_NS` when it says nothing."""
    with suppress(ValueError, TypeError, OverflowError):
        return max(int(parsedate_to_datetime(header).timestamp()), 0) * 1_000_000_000
    return MADE_NS


def receive_remote(
    pieces: Iterator[bytes], folder: Path, *, url: str, content_type: str
) -> Context:
    """The context behind a URL; one with nothing but a Dockerfile when the body is a text.

    Raises: InvalidArgument with Docker's sentence for what is neither; as `receive`.
    """
    head, whole = _peek(pieces)
    try:
        is_text = _is_text(content_type, head)
    except InvalidArgument as error:
        raise error.after(f"error detecting content type for remote {url}: ") from error
    if not is_text:
        return receive(whole, folder)
    root = make_root(folder)
    try:
        _write(root / DOCKERFILE, whole, limit=READ_MAX)
        return Context(folder)
    except BaseException:
        discard(folder)
        raise


def store_file(
    pieces: Iterator[bytes], folder: Path, *, name: str, mtime_ns: int, checksum: str = ""
) -> Context:
    """One file below a root of its own, for root alone. On an error nothing of it stays.

    Raises: DataLoss when `checksum`, a digest, is of something else; InvalidArgument when it is
    none; ResourceExhausted.
    """
    digest = _Digest(checksum)
    root = make_root(folder)
    try:
        path = root / name
        _write(path, digest.follow(pieces), limit=ExpansionLimits().max_bytes)
        digest.check()
        with os_errors(f"write /{name}"):
            os.utime(path, ns=(mtime_ns, mtime_ns))
            os.utime(root, ns=(mtime_ns, mtime_ns))
        return Context(folder)
    except BaseException:
        discard(folder)
        raise


class _Digest:
    """Follows bytes, and tells at the end whether they are those that were wanted."""

    def __init__(self, wanted: str) -> None:
        algorithm, _, digits = wanted.partition(":")
        is_known = len(digits) == _ALGORITHMS.get(algorithm, 0)
        if wanted and not (is_known and re.fullmatch("[0-9a-f]+", digits)):
            raise InvalidArgument(f"invalid checksum digest format: {wanted[:150]!r}")
        self._wanted = wanted
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm) if wanted else None

    def follow(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The same bytes."""
        for piece in pieces:
            if self._hash is not None:
                self._hash.update(piece)
            yield piece

    def check(self) -> None:
        """Raises: DataLoss with BuildKit's sentence."""
        if self._hash is None:
            return
        found = f"{self._algorithm}:{self._hash.hexdigest()}"
        if found != self._wanted:
            hint = Hint("contexts.checksum", found=found)
            raise DataLoss(f"digest mismatch {found}: {self._wanted}", hint=hint)


def _peek(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and the whole body again."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _HEAD_BYTES:
            break
    return b"".join(held)[:_HEAD_BYTES], chain(held, pieces)


def _is_text(content_type: str, head: bytes) -> bool:
    """Whether the body is a text. Servers that know no better say `octet-stream`."""
    if not head:
        raise InvalidArgument("empty response")
    kind = content_type or "application/octet-stream"
    found = _ARCHIVES.search(kind)
    if found is None:
        raise InvalidArgument(f'unsupported Content-Type "{content_type}"')
    may_be_text = found[0] in ("text/plain", "application/octet-stream")
    return may_be_text and _BINARY.search(head) is None


def _write(path: Path, pieces: Iterator[bytes], *, limit: int) -> None:
    """Raises: ResourceExhausted beyond the limit or for a full disk."""
    size = 0
    where = f"write /{path.name}"
    with os_errors(where):
        file = path.open("xb")
        path.chmod(_FILE_MODE)
    with file:
        for piece in pieces:
            size += len(piece)
            if size > limit:
                raise ResourceExhausted(f"{where}: more than {limit} bytes")
            with os_errors(where):
                file.write(piece)
        with os_errors(where):
            file.flush()
