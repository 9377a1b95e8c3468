"""Whether this process runs a command for another one. Light.

A resident (`cli.resident`) has no terminal of its own and was started some time ago by somebody
else's session. What depends on that is left to the process that was called.
"""

from __future__ import annotations


class NotHere(BaseException):
    """The command has to be run by the process that was called; nothing has happened yet."""


class _Here:
    is_resident = False


def become_resident() -> None:
    """From now on `needs_own_process` raises."""
    _Here.is_resident = True


def needs_own_process() -> None:
    """Go on only in a process that was called for this command. Raises: NotHere."""
    if _Here.is_resident:
        raise NotHere
