"""Ids of containers, networks and execs, and the rule for container names. Light.

Source: moby, pkg/stringid and daemon/names.
"""

from __future__ import annotations

import os

from budu.base.errors import InvalidArgument

SHORT_LENGTH = 12
"""Hex digits of a short id."""

_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_NAME_CHARACTERS = _ALNUM | frozenset("_.-")


def new_id() -> str:
    """64 random hex digits; the first twelve are never all decimal, so no short id is a number.

    A host name made of digits only is taken for an address by some programs.
    """
    while True:
        text = os.urandom(32).hex()
        if not text[:SHORT_LENGTH].isdigit():
            return text


def check_name(name: str) -> str:
    """The container or volume name without the slash that Docker allows in front.

    Raises: InvalidArgument when it is shorter than two characters or has others than allowed.
    """
    bare = name.removeprefix("/")
    if len(bare) < 2 or bare[0] not in _ALNUM or not _NAME_CHARACTERS.issuperset(bare):
        raise InvalidArgument(
            f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        )
    return bare
