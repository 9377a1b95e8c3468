"""Writes the program `budu` for people: a script that starts the interpreter with `-IS`.

An installer's own stub imports `re` and pays for every `.pth` file of the environment; this one
starts in the time of the bare interpreter and imports from a bundle (`cli.bundle`), which is
written, too. `python -m budu.cli.launcher FOLDER` writes both. Without a bundle, or with one that
is damaged or of another interpreter, the script does the same, a few milliseconds later.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from budu.cli.bundler import bundle_path, write_bundle

_SHEBANG_LIMIT = 127
"""Bytes that the kernel reads of a script's first line (linux/binfmts.h, older kernels)."""

_SCRIPT = """\
{first}
import sys
sys.path.insert(0, {source!r})
sys.path.append({site!r})
def use_bundle():
    import _imp, gc, marshal, posix
    from _frozen_importlib_external import MAGIC_NUMBER
    gc.set_threshold(20000)
    file = posix.open({bundle!r}, posix.O_RDONLY | posix.O_CLOEXEC)
    front = posix.read(file, 16)
    if front[:4] == MAGIC_NUMBER:
        data = posix.read(file, int.from_bytes(front[4:8], 'little'))
        if front[8:] == _imp.source_hash(int.from_bytes(MAGIC_NUMBER, 'little'), data):
            head = marshal.loads(data)
            reader = {{'__name__': 'budu.cli.bundle'}}
            exec(head[0], reader)
            reader['install'](file, {source!r}, head)
try:
    use_bundle()
except Exception:
    pass
from budu.cli.main import entry
entry({front})
"""
"""What it takes to read `cli.bundle` itself from the bundle. Nothing that a bundle can hold may
keep the program from running."""


def write_launcher(
    folder: Path, *, python: str = sys.executable, source: Path | None = None
) -> Path:
    """Write `folder/budu`, atomically and executable, and the bundle it imports from.

    `source` is the folder that `budu` is in; None stands for the package that runs this code.
    """
    source = source or Path(__file__).resolve().parents[2]
    write_bundle(source)
    folder = folder.absolute()
    front = _install_front(folder)
    line = front_line(str(front), python) if front else ""
    text = _SCRIPT.format(
        first=line or first_line(python),
        source=str(source),
        site=_site_packages(python),
        bundle=str(bundle_path(source)),
        front="front=True" if line else "",
    )
    _put(folder / "budu", text.encode())
    return folder / "budu"


def _install_front(folder: Path) -> Path | None:
    """The small program for this machine's processor beside the script; None if there is none."""
    packaged = Path(__file__).parent / "data" / f"front-{platform.machine()}"
    if not packaged.exists():
        return None
    _put(folder / "budu-front", packaged.read_bytes())
    return folder / "budu-front"


def _put(target: Path, content: bytes) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.chmod(0o755)
    temporary.replace(target)


def front_line(front: str, python: str) -> str:
    """The shebang with `front`; empty when the paths are too long for the kernel or have blanks."""
    line = f"#!{front} {python}"
    fits = len(line.encode()) <= _SHEBANG_LIMIT and not set(" \t") & set(front + python)
    return line if fits else ""


def first_line(python: str) -> str:
    """The shebang without it; through `/bin/sh` when the path is too long or has blanks."""
    line = f"#!{python} -IS"
    if len(line.encode()) <= _SHEBANG_LIMIT and " " not in python:
        return line
    quoted = "'" + python.replace("'", "'\\''") + "'"
    return f"#!/bin/sh\n'''exec' {quoted} -IS \"$0\" \"$@\"\n' '''"


def _site_packages(python: str) -> str:
    """Where the environment of `python` keeps its packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(Path(python).parent.parent / "lib" / version / "site-packages")


if __name__ == "__main__":
    print(write_launcher(Path(sys.argv[1])))
