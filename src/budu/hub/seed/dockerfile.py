"""Which images a Dockerfile stands on. Pure.

Only what names images is read; the engine's builder knows the whole language.
Source: Dockerfile reference: FROM, COPY --from, RUN --mount.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

_CONTINUED = re.compile(r"\\[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*")
"""A line's end that is none, with the comments and empty lines behind it."""
_MOUNTED = re.compile(r"(?:^|,)from=([^,]+)")


def images_below(text: str) -> list[str]:
    """The names after FROM, `--from=` and `--mount=…,from=` that are no stages, each once."""
    found: dict[str, None] = {}
    stages = {"scratch"}
    for line in _CONTINUED.sub(" ", text).splitlines():
        word, *rest = line.split() or [""]
        if word.upper() == "FROM":
            flags = [each for each in rest if each.startswith("--")]
            base, *alias = rest[len(flags) :]
            found.update(dict.fromkeys({base} - stages))
            stages.update(alias[1:2])
        elif word.upper() in ("COPY", "ADD", "RUN"):
            names = (name for name in _origins(rest) if not name.isdecimal())
            found.update(dict.fromkeys(name for name in names if name not in stages))
    return [*found]


def _origins(words: list[str]) -> Iterator[str]:
    """What the flags at an instruction's beginning take files from."""
    for word in words:
        if not word.startswith("--"):
            return
        name, _, value = word.partition("=")
        if name == "--from":
            yield value
        elif name == "--mount":
            yield from _MOUNTED.findall("".join(shlex.split(value)))
