"""The local driver: a volume is a directory `<root>/<name>/_data`.

The directory holds the data, a row in the engine's database the rest (labels, options, time).
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from budu.archive.usage import tree_size
from budu.base.errors import InvalidArgument
from budu.volume.copy_up import copy_tree, is_empty

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")
_TRASH_PREFIX = ".removed-"


def check_name(name: str) -> None:
    """Raises: InvalidArgument with Docker's sentence for a name that no volume may have."""
    if len(name) == 1:
        raise InvalidArgument(
            f"create {name}: volume name is too short, names should be at least two alphanumeric "
            "characters"
        )
    if not _NAME.match(name):
        raise InvalidArgument(
            f'create {name}: "{name}" includes invalid characters for a local volume name, only '
            '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, '
            "use absolute path"
        )


class LocalVolumes:
    """All directories of one engine's local volumes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o701, parents=True, exist_ok=True)
        self._sweep()

    def _sweep(self) -> None:
        for left in self._root.glob(_TRASH_PREFIX + "*"):
            shutil.rmtree(left, ignore_errors=True)

    def names(self) -> set[str]:
        """The names of all volumes that have a directory."""
        return {each.name for each in self._root.iterdir() if _NAME.match(each.name)}

    def remove_if_empty(self, name: str) -> bool:
        """Remove the volume's directories if they never held anything; whether they are gone."""
        try:
            with suppress(FileNotFoundError):
                self.data_path(name).rmdir()
            (self._root / name).rmdir()
        except OSError:
            return False
        return True

    def data_path(self, name: str) -> Path:
        """Where the volume's files are."""
        return self._root / name / "_data"

    def create(self, name: str) -> Path:
        """Make the volume's directory when it is not there, and return its data path."""
        check_name(name)
        path = self.data_path(name)
        path.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o701)
        path.chmod(0o755)
        return path

    def remove(self, name: str) -> None:
        """Delete the volume's files. The name is free at once: the tree is renamed away first."""
        path = self._root / name
        trash = self._root / f"{_TRASH_PREFIX}{name}-{os.urandom(4).hex()}"
        try:
            path.rename(trash)
        except FileNotFoundError:
            return
        shutil.rmtree(trash)

    def size(self, name: str) -> int:
        """Bytes of the volume's files as `ls` shows them, hard links counted once. Blocks."""
        return tree_size(self.data_path(name))

    def fill(self, name: str, source_fd: int) -> None:
        """Copy a directory of the image into the volume, when the volume is still empty.

        `source_fd` is open on the mount point inside the container's root; a file there is left
        alone, as Docker does.
        """
        if not stat.S_ISDIR(os.fstat(source_fd).st_mode):
            return
        target = os.open(self.data_path(name), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if is_empty(target):
                copy_tree(source_fd, target)
        finally:
            os.close(target)
