"""Modes as `--chmod` takes them: octal digits, or the symbols of chmod(1). Pure.

Source: Dockerfile reference, "COPY --chmod"; POSIX.1-2017 chmod, "Extended Description", with a
umask of 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from budu.base.errors import InvalidArgument

Change = Callable[[int, bool], int]
"""The new twelve bits for the old ones and whether it is a folder."""

_MAX = 0o7777
_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)\Z")
_ACTION = re.compile(r"([-+=])([ugo]|[rwxXst]*)")
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111}
_WHO_BITS = {"u": 0o4700, "g": 0o2070, "o": 0o0007}


def folder_mode(text: str) -> int | None:
    """The mode that digits give to folders which are made on the way: who may read may enter.

    None for symbols, which say nothing of what is not there. Source: fsutil copy.go (MkdirAll),
    which has no thought for entering.
    """
    if not _is_octal(text):
        return None
    mode = int(text, 8) & 0o777
    return mode | (mode & 0o444) >> 2


def parse_mode(text: str) -> Change:
    """What a mode makes of others. Raises: InvalidArgument with Docker's sentence."""
    if _is_octal(text):
        fixed = int(text, 8)
        return lambda _mode, _is_folder: fixed
    clauses = [_CLAUSE.match(clause) for clause in text.split(",")]
    if not text or None in clauses:
        raise InvalidArgument(
            f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"
        )
    steps = [
        (clause[1], action[1], action[2])
        for clause in clauses
        if clause is not None
        for action in _ACTION.finditer(clause[2])
    ]

    def change(mode: int, is_folder: bool) -> int:
        for who, operator, wanted in steps:
            mode = _apply(mode, who, operator, wanted, is_folder=is_folder)
        return mode

    return change


def _is_octal(text: str) -> bool:
    return bool(text) and all(digit in "01234567" for digit in text) and int(text, 8) <= _MAX


def _apply(mode: int, who: str, operator: str, wanted: str, *, is_folder: bool) -> int:
    everybody = not who or "a" in who
    names = "ugo" if everybody else who
    reach = sum(_WHO_BITS[name] for name in set(names)) | (0o1000 if everybody else 0)
    bits = _wanted(mode, wanted, is_folder=is_folder) & reach
    match operator:
        case "+":
            return mode | bits
        case "-":
            return mode & ~bits
        case _:
            return mode & ~reach | bits


def _wanted(mode: int, wanted: str, *, is_folder: bool) -> int:
    if wanted in _SHIFTS and wanted:
        copied = mode >> _SHIFTS[wanted] & 0o7
        return copied << 6 | copied << 3 | copied
    bits = 0
    for letter in wanted:
        match letter:
            case "X":
                bits |= 0o111 if is_folder or mode & 0o111 else 0
            case "s":
                bits |= 0o6000
            case "t":
                bits |= 0o1000
            case _:
                bits |= _BITS[letter]
    return bits
