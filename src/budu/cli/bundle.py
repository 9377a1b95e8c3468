"""Imports the command line's modules from one file, the bundle. Light.

`cli.bundler` writes the file, `cli.launcher` the script that opens it. Layout:

    magic number of the interpreter's byte code (4 bytes), size of the head (4, little end first),
    hash of the head (8), head, code of one module after the other

The head is a tuple in marshal's form: the code of this module, an index of the modules, the
prefix of the interpreter, and where that keeps extension modules. A module is taken from the
bundle only when its source still has the size and the time of change that the index says, so an
edited checkout never runs old code; whatever does not fit is left to the usual importers.

The code of this module is run before `budu` can be imported: it needs nothing but built-ins.
"""

from __future__ import annotations

import posix
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, ExtensionFileLoader
from _imp import source_hash
from marshal import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import CodeType, ModuleType

    Entry = tuple[bool, int, int, bytes, int, int]
    """Whether it is a package, offset, size and hash of the code, time of change of the source in
    nanoseconds, size of the source. The index keeps entries packed: few of them are looked at."""
    Head = tuple[CodeType, Mapping[str, bytes], str, Mapping[str, str]]
    """This module, the index, the interpreter's prefix, paths of extension modules."""

HASH_KEY = int.from_bytes(MAGIC_NUMBER, "little")
FRONT_SIZE = 16
_SELF = "budu.cli.bundle"


class BundleFinder:
    """Finds modules in an open bundle and runs them. Keeps `file` open while the program runs."""

    def __init__(
        self,
        file: int,
        folder: str,
        *,
        index: Mapping[str, bytes],
        extensions: Mapping[str, str],
    ) -> None:
        self._file = file
        self._folder = folder
        self._index = index
        self._extensions = extensions

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec, with its code; None when the bundle has none that is current."""
        packed = self._index.get(name)
        if packed is None:
            return self._find_extension(name)
        entry: Entry = loads(packed)
        is_package, offset, size, checksum, _, _ = entry
        source = source_path(self._folder, name, is_package=is_package)
        if not _is_current(source, entry):
            return None
        code = posix.pread(self._file, size, offset)
        if source_hash(HASH_KEY, code) != checksum:
            return None
        spec = ModuleSpec(
            name,
            self,  # type: ignore[arg-type]  # a loader by its methods, importlib.abc is not light
            origin=source,
            loader_state=code,
            is_package=is_package,
        )
        if is_package:
            spec.submodule_search_locations = [source.rpartition("/")[0]]
        return spec

    def _find_extension(self, name: str) -> ModuleSpec | None:
        place = self._extensions.get(name)
        if place is None or not _is_there(place):
            return None
        return ModuleSpec(name, ExtensionFileLoader(name, place), origin=place)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """The usual kind of module."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's code."""
        spec = module.__spec__
        if spec is None:
            raise ImportError(f"{module.__name__} has no spec")
        module.__file__ = spec.origin
        exec(loads(spec.loader_state), module.__dict__)


def install(file: int, folder: str, head: Head) -> bool:
    """Import from the open bundle from now on; False when this module itself has been edited."""
    _, index, prefix, extensions = head
    if not _is_current(source_path(folder, _SELF, is_package=False), loads(index[_SELF])):
        return False
    known = extensions if prefix == sys.base_exec_prefix else {}
    finder = BundleFinder(file, folder, index=index, extensions=known)
    sys.meta_path.insert(0, finder)
    return True


def source_path(folder: str, name: str, *, is_package: bool) -> str:
    """The file of a module's source."""
    return f"{folder}/{name.replace('.', '/')}{'/__init__.py' if is_package else '.py'}"


def _is_current(source: str, entry: Entry) -> bool:
    try:
        facts = posix.stat(source)
    except OSError:
        return False
    return (facts.st_mtime_ns, facts.st_size) == entry[4:]


def _is_there(path: str) -> bool:
    try:
        posix.stat(path)
    except OSError:
        return False
    return True
