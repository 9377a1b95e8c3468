"""Writes the program `budu` for people: a script that starts the interpreter with `-IS`.

An installer's own stub imports `re` and pays for every `.pth` file of the environment; this one
starts in the time of the bare interpreter. `python -m budu.cli.launcher FOLDER` writes it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_SHEBANG_LIMIT = 127
"""Bytes that the kernel reads of a script's first line (linux/binfmts.h, older kernels)."""

_SCRIPT = """\
{first}
import sys
sys.path.insert(0, {source!r})
sys.path.append({site!r})
from budu.cli.main import entry
entry()
"""


def write_launcher(folder: Path, *, python: str = sys.executable) -> Path:
    """Write `folder/budu`, atomically and executable, for the package that runs this code."""
    source = Path(__file__).resolve().parents[2]
    site = _site_packages(python)
    text = _SCRIPT.format(first=first_line(python), source=str(source), site=site)
    target = folder / "budu"
    temporary = folder / f".budu.{os.getpid()}"
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(0o755)
    temporary.replace(target)
    return target


def first_line(python: str) -> str:
    """The shebang; through `/bin/sh` when the path is too long for the kernel or has blanks."""
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
