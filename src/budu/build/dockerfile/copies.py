"""The arguments of COPY and ADD. Pure.

Source: buildkit 0.23 instructions/parse.go, parseCopy, parseAdd, parseSourcesAndDest.
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.flags import Kind, parse_flags
from budu.build.dockerfile.heredocs import Opening, opening_of, stripped
from budu.build.dockerfile.lines import Document, Line
from budu.build.dockerfile.model import Add, Copy, Heredoc
from budu.build.dockerfile.words import expand_word

_BOTH = {
    "chown": Kind.TEXT,
    "chmod": Kind.TEXT,
    "link": Kind.SWITCH,
    "exclude": Kind.TEXTS,
}
_COPY = {**_BOTH, "from": Kind.TEXT, "parents": Kind.SWITCH}
_ADD = {**_BOTH, "keep-git-dir": Kind.SWITCH, "checksum": Kind.TEXT, "unpack": Kind.SWITCH}


def parse_copy(line: Line, *, escape: str) -> Copy:
    """Read COPY. Raises: InvalidArgument with Docker's sentence."""
    _require_target(line)
    flags = parse_flags(line.statement.flags, _COPY)
    sources, heredocs, target = _files(line)
    origin = flags.text("from")
    if expand_word(origin, {}, escape=escape) != origin:
        raise InvalidArgument(
            "variable expansion is not supported for --from, define a new stage with FROM using "
            "ARG from global scope as a workaround"
        )
    return Copy(
        line=line.number,
        source=line.text,
        sources=sources,
        target=target,
        heredocs=heredocs,
        origin=origin,
        owner=flags.text("chown"),
        mode=flags.text("chmod"),
        excludes=flags.texts("exclude"),
        parents=bool(flags.switch("parents")),
        link=bool(flags.switch("link")),
    )


def parse_add(line: Line) -> Add:
    """Read ADD. Raises: InvalidArgument with Docker's sentence."""
    _require_target(line)
    flags = parse_flags(line.statement.flags, _ADD)
    sources, heredocs, target = _files(line)
    return Add(
        line=line.number,
        source=line.text,
        sources=sources,
        target=target,
        heredocs=heredocs,
        owner=flags.text("chown"),
        mode=flags.text("chmod"),
        excludes=flags.texts("exclude"),
        link=bool(flags.switch("link")),
        checksum=flags.text("checksum"),
        keeps_git=bool(flags.switch("keep-git-dir")),
        unpacks=flags.switch("unpack"),
    )


def _require_target(line: Line) -> None:
    if len(line.statement.arguments) < 2:
        raise InvalidArgument(
            f"{line.statement.keyword} requires at least two arguments, but only one was "
            "provided. Destination could not be determined"
        )


def _files(line: Line) -> tuple[tuple[str, ...], tuple[Heredoc, ...], str]:
    """Sources, here-documents and target."""
    *sources, target = line.statement.arguments
    if _opening(target) is not None:
        raise InvalidArgument(f"{line.statement.keyword} cannot accept a heredoc as a destination")
    openings = [(source, _opening(source)) for source in sources]
    paths = tuple(source for source, opening in openings if opening is None)
    heredocs = tuple(_heredoc(opening, line.documents) for _, opening in openings if opening)
    return paths, heredocs, target


def _opening(word: str) -> Opening | None:
    try:
        return opening_of(word)
    except InvalidArgument:
        return None  # An open quote: no here-document, and refused when variables are replaced.


def _heredoc(opening: Opening, documents: tuple[Document, ...]) -> Heredoc:
    named = [each.content for each in documents if each.opening.name == opening.name]
    content = named[-1] if named else ""
    return Heredoc(
        name=opening.name,
        content=stripped(content) if opening.strips_tabs else content,
        expands=opening.expands,
    )
