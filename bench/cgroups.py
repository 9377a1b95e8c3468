"""Takes away the empty control groups that engines leave behind; nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from budu.daemon.settings import read_options

ROOT = Path("/sys/fs/cgroup")
"""Where the hierarchies are mounted."""


@contextmanager
def tidied(data_root: Path) -> Iterator[None]:
    """Remove, after the block, what was not there before. `data_root` is that of budu's engine."""
    instance = read_options(["--data-root", str(data_root)]).instance
    names = ("docker", "libpod_parent", f"budu-{instance}" if instance else "budu")
    groups = [hierarchy / name for hierarchy in _hierarchies() for name in names]
    made_here = [group for group in groups if not group.exists()]
    try:
        yield
    finally:
        for group in made_here:
            _remove(group)


def _hierarchies() -> list[Path]:
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    return [path for path in ROOT.iterdir() if path.is_dir() and not path.is_symlink()]


def _remove(group: Path) -> None:
    """Remove a group with those below it. One that is in use stays."""
    if not group.exists():
        return
    for child in group.iterdir():
        if child.is_dir():
            _remove(child)
    try:
        group.rmdir()
    except OSError:
        pass
