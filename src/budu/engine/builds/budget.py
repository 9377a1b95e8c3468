"""What the build cache may take."""

from __future__ import annotations

import os
from pathlib import Path

from budu.base.errors import InvalidArgument
from budu.base.units import parse_bytes

_DEFAULT_BUDGET = "10%"
"""As BuildKit's."""


def budget_bytes(text: str, folder: Path) -> int:
    """`20g`, or `10%` of the disk of `folder`; 0 is no limit. Raises: InvalidArgument."""
    text = text or _DEFAULT_BUDGET
    if not text.endswith("%"):
        return parse_bytes(text)
    number = text.removesuffix("%")
    if not number.isdecimal() or not 0 < int(number) <= 100:
        raise InvalidArgument(f"invalid budget of the build cache: {text}")
    disk = os.statvfs(folder)
    return disk.f_blocks * disk.f_frsize * int(number) // 100
