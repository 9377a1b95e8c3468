"""What the sources of COPY and ADD mean below a root: names, and wildcards looked up. Blocking.

Links on the way to a source, and one that is the source itself, lead to what is below the root;
wildcards do not go through links. Source: Dockerfile reference, "COPY"; tonistiigi/fsutil
copy.ResolveWildcards; moby 28.3 builder/dockerfile/copy.go (sentences).
"""

from __future__ import annotations

import os

from budu.archive.faults import from_os_error
from budu.archive.ignore import clean
from budu.archive.walk import HANDLE
from budu.archive.wildcards import has_wildcards, matches, tokens
from budu.base.errors import BuduError, Hint, InvalidArgument, NotFound
from budu.linux.paths import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, openat2
from budu.linux.waiting import open_below

_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINKS = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
_ABSENT = (FileNotFoundError, NotADirectoryError)


def find_sources(root: int, source: str, *, is_context: bool) -> list[str]:
    """Paths below the root, by name: the one that was named, or those that match.

    Raises: NotFound with Docker's sentence; InvalidArgument for a broken pattern or name.
    """
    path = clean("/" + source)
    if "\0" in path:
        raise InvalidArgument(f"stat {source.replace(chr(0), '?')}: invalid argument")
    if not has_wildcards(path):
        os.close(open_source(root, source, is_context=is_context))
        return [path]
    tokens(path)
    return _find_matches(root, path[1:].split("/"))


def open_source(root: int, source: str, *, is_context: bool) -> int:
    """An `O_PATH` descriptor of what a path leads to, links followed. Raises: as `find_sources`."""
    try:
        return open_below(root, clean("/" + source), os.O_PATH)
    except _ABSENT as error:
        raise _missing(source, is_context=is_context) from error
    except OSError as error:
        raise from_os_error(error, f"stat {source}") from error


def _missing(source: str, *, is_context: bool) -> BuduError:
    shown = source.removeprefix("/").removeprefix("./") or source
    sentence = f"stat {shown}: file does not exist"
    if not is_context:
        return NotFound(sentence, reference=source)
    return NotFound(
        f"file not found in build context or excluded by .dockerignore: {sentence}",
        hint=Hint("contexts.missing", path=shown),
        reference=source,
    )


def _find_matches(root: int, parts: list[str]) -> list[str]:
    """What matches, by name. All are equally deep, so the order is that of a walk."""
    first = next(at for at, part in enumerate(parts) if has_wildcards(part))
    above = "".join(f"/{part}" for part in parts[:first])
    try:
        base = open_below(root, above or "/", os.O_PATH)
    except OSError:
        return []
    try:
        places = [""]
        for part in parts[first:]:
            places = [
                f"{place}/{name}"
                for place in places
                for name in (_names(base, place, part) if has_wildcards(part) else [part])
            ]
        return [above + place for place in places if _exists(base, place)]
    finally:
        os.close(base)


def _names(base: int, place: str, part: str) -> list[str]:
    """Names in a folder that match; none where there is no folder, or only by a link."""
    try:
        fd = openat2(base, f".{place}", _LIST, resolve=_NO_LINKS)
    except OSError:
        return []
    try:
        return [name for name in sorted(os.listdir(fd)) if matches(part, name)]
    finally:
        os.close(fd)


def _exists(base: int, place: str) -> bool:
    try:
        os.close(openat2(base, f".{place}", HANDLE, resolve=_NO_LINKS))
    except OSError:
        return False
    return True
