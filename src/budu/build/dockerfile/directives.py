"""Directives: comments at the top of a Dockerfile that speak to the parser. Pure.

Source: Dockerfile reference, "Parser directives"; buildkit 0.23 parser/directives.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from budu.base.errors import InvalidArgument
from budu.build.dockerfile.model import Directives

_FORM = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*\Z")
_LOCAL = re.compile(r"check\s*=\s*(\S+)", re.IGNORECASE)
_NAMES = ("escape", "syntax", "check")


class DirectiveReader:
    """Takes the first lines, one by one, up to the first that is no directive."""

    def __init__(self, escape: str) -> None:
        self._found: dict[str, str] = {}
        self._escape = escape
        self._is_over = False

    @property
    def found(self) -> Directives:
        """The directives so far."""
        return Directives(**{"escape": self._escape, **self._found})

    def take(self, line: str) -> bool:
        """Whether the line is a directive. Raises: InvalidArgument for one that stands twice, and
        for an escape that is none."""
        match = None if self._is_over else _FORM.match(line)
        name = match[1].lower() if match else ""
        if match is None or name not in _NAMES:
            self._is_over = True
            return False
        if name in self._found:
            raise InvalidArgument(f"only one {name} parser directive can be used")
        if name == "escape" and match[2] not in ("\\", "`"):
            raise InvalidArgument(f"invalid escape token '{match[2]}' does not match ` or \\")
        self._found[name] = match[2]
        return True


def local_check(comments: Iterable[str]) -> str:
    """The value of the first comment `check=…`, which is about one instruction; empty without."""
    matches = (_LOCAL.match(comment) for comment in comments)
    return next((match[1] for match in matches if match), "")
