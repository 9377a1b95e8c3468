"""Here-documents: `<<NAME`, `<<-NAME`, `<<"NAME"`, `3<<NAME`. Pure.

Source: Dockerfile reference, "Here-Documents"; buildkit 0.23 parser/parser.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.words import Manner, read

_FORM = re.compile(r"[0-9]*<<(-?)\s*([^<]*)\Z")
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)
_BARE = Manner(keeps_unset=True)
_QUOTED = Manner(keeps_unset=True, keeps_quotes=True)
_AS_WRITTEN = Manner(keeps_unset=True, keeps_quotes=True, keeps_escapes=True)


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """The word of a line that a here-document begins with."""

    name: str
    expands: bool
    """Whether variables in the document are replaced: not where quotes stand around the name."""
    strips_tabs: bool
    """`<<-`: the document's lines lose their leading tabs."""


def opening_of(word: str) -> Opening | None:
    """What the word opens; None for an ordinary word.

    Raises: InvalidArgument for a quote that stays open.
    """
    match = _FORM.match(word)
    if match is None or not match[2]:
        return None
    bare = read(match[2], {}, _BARE).words
    quoted = read(match[2], {}, _QUOTED).words
    if len(bare) != 1 or len(quoted) != 1:
        return None
    expands = _quotes(bare[0]) == _quotes(quoted[0])
    return Opening(name=bare[0], expands=expands, strips_tabs=bool(match[1]))


def _quotes(word: str) -> int:
    return word.count("'") + word.count('"')


def openings_in(line: str) -> Iterator[Opening]:
    """The here-documents that an instruction opens, in order, each when it is asked for.

    Raises: InvalidArgument as `opening_of`.
    """
    try:
        words = read(line, {}, _AS_WRITTEN).words
    except InvalidArgument:
        return  # A shell's syntax that is none of a Dockerfile's; the shell will judge it.
    for word in words:
        if (opening := opening_of(word)) is not None:
            yield opening


def is_end(line: str, opening: Opening) -> bool:
    """Whether the line, with or without its line break, ends the document."""
    text = line.rstrip("\r\n")
    return (text.lstrip("\t") if opening.strips_tabs else text) == opening.name


def stripped(content: str) -> str:
    """The lines without their leading tabs."""
    return _LEADING_TABS.sub("", content)
