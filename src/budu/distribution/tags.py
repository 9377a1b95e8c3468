"""Near tags for a mistyped one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBERS = re.compile(r"\d+")
_MOST = 5


def near_tags(tag: str, known: Iterable[str]) -> list[str]:
    """At most five tags that the writer of `tag` may have meant, the likeliest first.

    Where none is near, `latest` and the highest versions stand in, so that there is a way on.
    """
    import difflib  # here, because few processes ever need it and its 0.3 MiB

    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(tag, names, n=_MOST, cutoff=0.6)
    stem = tag.split(".", 1)[0].split("-", 1)[0]
    related = [name for name in newest_first(names) if name.split(".", 1)[0] == stem]
    if not near and not related:
        related = ["latest"] * ("latest" in names) + newest_first(names)
    return list(dict.fromkeys(near + related))[:_MOST]


def newest_first(names: list[str]) -> list[str]:
    """Tags by their version, the highest first; words by the alphabet."""
    return sorted(sorted(names), key=_version, reverse=True)


def _version(name: str) -> tuple[bool, tuple[int, ...], int]:
    """Sorts tags that begin with a number above the others, plain ones above suffixed ones."""
    numbers = tuple(int(digits) for digits in _NUMBERS.findall(name.split("-", 1)[0])[:4])
    return name[:1].isdigit(), numbers, -len(name)
