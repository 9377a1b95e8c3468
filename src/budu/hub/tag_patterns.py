"""Patterns of tags: shell patterns, apart by commas. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase


def split_patterns(text: str) -> tuple[str, ...]:
    """Patterns apart by commas: `v*, latest`."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def is_immutable(tag: str, patterns: str) -> bool:
    """Whether a tag fits one of a repository's patterns of tags that never move."""
    return any(fnmatchcase(tag, pattern) for pattern in split_patterns(patterns))
