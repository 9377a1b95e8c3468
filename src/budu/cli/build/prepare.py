"""What goes over the wire as the context of a build, wherever it comes from."""

from __future__ import annotations

import os
from operator import itemgetter

from budu.archive.ignore import Ignore, read_patterns
from budu.base.errors import InvalidArgument
from budu.cli.build.context import pack
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TextIO

_BURDEN_MIN = 100_000_000
_CODING = ("utf-8", "surrogateescape")


class Prepared:
    """A context that is ready to be sent. `pieces` can be read once; `close` it in any case."""

    __slots__ = ("close", "dockerfile", "pieces", "weights")

    def __init__(
        self, pieces: Iterable[bytes], dockerfile: str, weights: dict[str, int] | None = None
    ) -> None:
        self.pieces = pieces
        self.dockerfile = dockerfile
        """Its name in the context."""
        self.weights = {} if weights is None else weights
        """Bytes that were sent, by the first name of their paths; as far as they are known."""
        self.close: Callable[[], object] = _nothing
        """Takes away what was fetched."""

    @property
    def burden(self) -> tuple[str, int] | None:
        """What was most of a large context, and its bytes; None unless something stands out."""
        name, size = max(self.weights.items(), key=itemgetter(1), default=("", 0))
        stands_out = size >= _BURDEN_MIN and 2 * size >= sum(self.weights.values())
        return (name, size) if stands_out else None


def _nothing() -> None:
    """There is nothing to take away."""


def prepare(
    text: str, given: str, *, arguments: Sequence[str], out: TextIO, quiet: bool
) -> Prepared:
    """The context that an argument names, with `given` as its `--file`.

    `arguments` are those of `--build-arg`; how far a download is goes to `out`.
    Raises: CommandFailed in Docker's words.
    """
    kind = kind_of(text)
    if kind == STDIN and given == STANDARD_INPUT:
        raise CommandFailed(
            "invalid argument: can't use stdin for both build context and dockerfile"
        )
    if kind == LOCAL:
        return _of_folder(locate(text, given))
    if kind == GIT:
        return _of_repository(text, given, arguments)
    from budu.cli.build.incoming import download, take_in
    from budu.cli.reading import pieces_of

    if kind == STDIN:
        return Prepared(*take_in(pieces_of(0), given))
    progress = Progress(
        out, quiet=quiet, header=f"Downloading build context from remote url: {text}"
    )
    try:
        prepared = Prepared(*take_in(progress.count(download(text)), given))
    except BaseException:
        progress.clear()
        raise
    prepared.close = progress.clear
    return prepared


def compress(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same as gzip."""
    from isal import isal_zlib

    packer = isal_zlib.compressobj(level=1, wbits=31)
    for piece in pieces:
        packed = packer.compress(piece)
        if packed:
            yield packed
    yield packer.flush()


def _of_repository(text: str, given: str, arguments: Sequence[str]) -> Prepared:
    from budu.cli.build.git import Clone

    clone = Clone(text, arguments)
    try:
        prepared = _of_folder(locate_inside(clone.folder(), given))
    except BaseException:
        clone.remove()
        raise
    prepared.close = clone.remove
    return prepared


def _of_folder(place: Place) -> Prepared:
    *beside, rules = map(_read_rules, place.rules)
    nearer = beside[0] if beside else None
    lines = read_patterns((rules or b"" if nearer is None else nearer).decode(*_CODING))
    weights: dict[str, int] = {}
    if place.is_inside:
        ignore = _heeding(lines, (IGNORE_FILE, place.name, place.name + IGNORE_FILE))
        return Prepared(pack(place.root, ignore, {}, weights=weights), place.name, weights)
    from budu.cli.build.outside import added_files, read_outside

    ignore = _heeding(lines, (IGNORE_FILE,))
    name, added = added_files(read_outside(place), rules=rules, nearer=nearer)
    return Prepared(pack(place.root, ignore, added, weights=weights), name, weights)


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


def _read_rules(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise CommandFailed(f"error reading {IGNORE_FILE}: open {path}: {reason}") from None
