"""Dockerfile text to instructions as text: directives, comments, continuations, here-documents.

Source: Dockerfile reference, "Format"; buildkit 0.23 parser/parser.go. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from budu.base.errors import Hint, InvalidArgument
from budu.build.dockerfile.directives import DirectiveReader
from budu.build.dockerfile.heredocs import Opening, is_end, openings_in
from budu.build.dockerfile.model import Directives
from budu.build.dockerfile.statement import Statement, parse_statement
from budu.build.dockerfile.words import ESCAPE, SPACE

_BREAKS = "\r\n"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A here-document with its lines as they are."""

    opening: Opening
    content: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One instruction."""

    number: int
    """Of the line that it begins on, from 1."""
    text: str
    """Its continuations joined."""
    statement: Statement
    documents: tuple[Document, ...] = ()
    comments: tuple[str, ...] = ()
    """Those since the instruction before, without the sign."""


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """A whole text."""

    directives: Directives
    lines: tuple[Line, ...]
    empty_continuations: tuple[int, ...] = ()
    """Where instructions end that go on over empty lines."""


class LineError(Exception):
    """What is wrong with a line."""

    def __init__(self, error: InvalidArgument, number: int) -> None:
        super().__init__(error.message)
        self.error = error
        self.number = number


def read_lines(text: str, *, escape: str = ESCAPE) -> Lines:
    """All instructions of a text. `escape` counts until a directive names another.

    Raises: LineError for directives, for a here-document without an end, and for arguments that no
    instruction of that name can have.
    """
    reader = _Reader(text, escape)
    lines = tuple(reader.lines())
    return Lines(
        directives=reader.directives.found,
        lines=lines,
        empty_continuations=tuple(reader.empty_continuations),
    )


def _continuation(escape: str) -> re.Pattern[str]:
    """The escape at a line's end, unless another escape stands before it."""
    sign = re.escape(escape)
    return re.compile(rf"(?<!{sign}){sign}[ \t]*\Z")


class _Reader:
    """Takes physical lines from the top."""

    def __init__(self, text: str, escape: str) -> None:
        lines = text.removeprefix("\ufeff").split("\n")
        self._physical = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
        self._at = 0
        self._comments: list[str] = []
        self.directives = DirectiveReader(escape)
        self.empty_continuations: list[int] = []

    def lines(self) -> Iterator[Line]:
        while self._at < len(self._physical):
            number = self._at + 1
            try:
                line = self._line(number)
            except InvalidArgument as error:
                raise LineError(error, number) from None
            if line is not None:
                yield line

    def _take(self) -> str:
        self._at += 1
        return self._physical[self._at - 1]

    def _line(self, number: int) -> Line | None:
        """The instruction that begins at the next physical line, if one does."""
        first = self._take().rstrip(_BREAKS).lstrip(SPACE)
        if self.directives.take(first):
            return None
        if first.startswith("#"):
            self._note(first)
            return None
        if not first:
            return None
        text = self._continued(first)
        statement = parse_statement(text, escape=self.directives.found.escape)
        documents = self._documents(text) if statement.takes_documents else ()
        comments, self._comments = tuple(self._comments), []
        return Line(
            number=number,
            text=text.strip(SPACE),
            statement=statement,
            documents=documents,
            comments=comments,
        )

    def _note(self, comment: str) -> None:
        words = comment[1:].strip(SPACE)
        self._comments = [*self._comments, words] if words else []

    def _continued(self, first: str) -> str:
        """The line with those that continue it; comments and empty lines between are left out."""
        pattern = _continuation(self.directives.found.escape)
        parts, line = [], first
        has_empty = False
        while continues := pattern.search(line):
            parts.append(line[: continues.start()])
            line = ""
            while self._at < len(self._physical):
                line = self._take().rstrip(_BREAKS)
                if line.strip(SPACE) and not line.lstrip(SPACE).startswith("#"):
                    break
                has_empty = has_empty or not line.strip(SPACE)
                line = ""
        if has_empty:
            self.empty_continuations.append(self._at)
        return "".join(parts) + line

    def _documents(self, text: str) -> tuple[Document, ...]:
        if "<<" not in text:
            return ()
        return tuple(self._document(opening) for opening in openings_in(text))

    def _document(self, opening: Opening) -> Document:
        first, content = self._at, list[str]()
        while self._at < len(self._physical):
            line = self._take()
            if is_end(line, opening):
                return Document(opening=opening, content="".join(content))
            content.append(line)
        hint = Hint("build.open-heredoc", line=first, name=opening.name)
        raise InvalidArgument("unterminated heredoc", hint=hint)
