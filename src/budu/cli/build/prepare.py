"""What goes over the wire as the context of a build, wherever it comes from."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from operator import itemgetter

from budu.archive.ignore import Ignore, read_patterns
from budu.base.errors import InvalidArgument
from budu.cli.build.context import pack, pack_files
from budu.cli.build.incoming import (
    download,
    put_before,
    read_file,
    read_standard_input,
    take_in,
)
from budu.cli.build.source import (
    GIT,
    IGNORE_FILE,
    LOCAL,
    STANDARD_INPUT,
    STDIN,
    Place,
    kind_of,
    locate,
    locate_inside,
)
from budu.cli.copy_progress import Progress
from budu.cli.failures import CommandFailed
from budu.cli.reading import pieces_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

_DIGITS = 20
_BURDEN_MIN = 100_000_000
_CODING = ("utf-8", "surrogateescape")


class Prepared:
    """A context that is ready to be sent. `pieces` can be read once."""

    __slots__ = ("dockerfile", "pieces", "weights")

    def __init__(
        self, pieces: Iterable[bytes], dockerfile: str, weights: dict[str, int] | None = None
    ) -> None:
        self.pieces = pieces
        self.dockerfile = dockerfile
        """Its name in the context."""
        self.weights = {} if weights is None else weights
        """Bytes that were sent, by the first name of their paths; as far as they are known."""

    @property
    def burden(self) -> tuple[str, int] | None:
        """What was most of a large context, and its bytes; None unless something stands out."""
        name, size = max(self.weights.items(), key=itemgetter(1), default=("", 0))
        stands_out = size >= _BURDEN_MIN and 2 * size >= sum(self.weights.values())
        return (name, size) if stands_out else None


@contextmanager
def prepare(
    text: str, given: str, *, arguments: Sequence[str], out: TextIO, quiet: bool
) -> Iterator[Prepared]:
    """The context that an argument names, with `given` as its `--file`.

    `arguments` are those of `--build-arg`; how far a download is goes to `out`.
    Raises: CommandFailed in Docker's words.
    """
    kind = kind_of(text)
    if kind == STDIN and given == STANDARD_INPUT:
        raise CommandFailed(
            "invalid argument: can't use stdin for both build context and dockerfile"
        )
    if kind == GIT:
        from budu.cli.build.git import Clone

        with Clone(text, arguments) as folder:
            yield _of_folder(locate_inside(folder, given))
    elif kind == LOCAL:
        yield _of_folder(locate(text, given))
    elif kind == STDIN:
        yield _of_stream(pieces_of(0), given)
    else:
        header = f"Downloading build context from remote url: {text}"
        progress = Progress(out, quiet=quiet, header=header)
        try:
            yield _of_stream(progress.count(download(text)), given)
        finally:
            progress.clear()


def compress(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same as gzip."""
    from isal import isal_zlib

    packer = isal_zlib.compressobj(level=1, wbits=31)
    for piece in pieces:
        packed = packer.compress(piece)
        if packed:
            yield packed
    yield packer.flush()


def _of_folder(place: Place) -> Prepared:
    *nearer, rules = map(_read_ignore, place.rules)
    beside = nearer[0] if nearer else None
    lines = read_patterns((rules or b"" if beside is None else beside).decode(*_CODING))
    weights: dict[str, int] = {}
    if place.is_inside:
        ignore = _heeding(lines, (IGNORE_FILE, place.name, place.name + IGNORE_FILE))
        return Prepared(pack(place.root, ignore, {}, weights=weights), place.name, weights)
    name, added = _outside(read_standard_input() if place.name == STANDARD_INPUT
                           else read_file(place.dockerfile))  # fmt: skip
    if beside is not None:
        added[name + IGNORE_FILE] = beside + f"\n{name}\n{name}{IGNORE_FILE}\n".encode()
    elif rules is not None:
        added[IGNORE_FILE] = rules + f"\n{name}\n".encode()
    else:
        added[IGNORE_FILE] = f"{IGNORE_FILE}\n{name}\n".encode()
    ignore = _heeding(lines, (IGNORE_FILE,))
    return Prepared(pack(place.root, ignore, added, weights=weights), name, weights)


def _of_stream(pieces: Iterator[bytes], given: str) -> Prepared:
    archive, name = take_in(pieces, given)
    if given != STANDARD_INPUT:
        return Prepared(archive, name)
    name, added = _outside(read_standard_input())
    added[IGNORE_FILE] = f"{IGNORE_FILE}\n{name}\n".encode()
    return Prepared(put_before(pack_files(added), archive), name)


def _outside(dockerfile: bytes) -> tuple[str, dict[str, bytes]]:
    """A name for a Dockerfile that the context does not have, always the same one for the same."""
    name = f".dockerfile.{hashlib.sha256(dockerfile).hexdigest()[:_DIGITS]}"
    return name, {name: dockerfile}


# What .dockerignore says. The engine reads it, too: the Dockerfile and the rules themselves are
# sent always, and go there after they were read where they are ignored. Rules of
# `NAME.dockerignore` beside the Dockerfile NAME go before those of `.dockerignore`.


def _heeding(lines: Sequence[str], needed: Sequence[str]) -> Ignore:
    """The rules, with exceptions for what the engine has to read."""
    try:
        ignore = Ignore(lines)
    except InvalidArgument as error:
        raise error.after("error checking context: ") from None
    kept = [f"!{name}" for name in needed if ignore.ignores(name)]
    return Ignore([*lines, *kept]) if kept else ignore


def _read_ignore(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise CommandFailed(f"error reading {IGNORE_FILE}: open {path}: {reason}") from None
