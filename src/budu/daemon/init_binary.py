"""The small init for `--init`: from the package to a file that containers can be given.

The engine mounts a copy below its data root, not the package's file: the copy belongs to root, is
executable however the package was unpacked, and stays when the package is replaced while
containers run.
Source: packaging/native/init.c.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

import budu.runtime
from budu.base.files import write_atomic

_DATA = Path(budu.runtime.__file__).parent / "data"
_MODE = 0o755


def packaged_init() -> Path | None:
    """The package's init for this machine's processor, None where there is none."""
    path = _DATA / f"init-{platform.machine()}"
    return path if path.exists() else None


def install_init(target: Path) -> str:
    """Make sure that `target` is a copy of the package's init, and return its path.

    Empty where the package has none for this processor: containers run without one then.
    """
    source = packaged_init()
    if source is None:
        return ""
    wanted = source.read_bytes()
    if not _is_copy(target, wanted):
        write_atomic(target, wanted, mode=_MODE)
    return str(target)


def _is_copy(target: Path, wanted: bytes) -> bool:
    try:
        status = target.lstat()
        return (
            status.st_mode & 0o177777 == 0o100000 | _MODE
            and status.st_uid == os.geteuid()
            and target.read_bytes() == wanted
        )
    except OSError:
        return False
