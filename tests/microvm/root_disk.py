"""The guest's disk: this interpreter, this project and a few programs, at the paths they have here.

Because the paths are the same, the virtual environment works in the guest as it does here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = ("busybox", "tar", "ip", "nft", "mke2fs", "docker-registry")
DISK_BYTES = 2 << 30

_FOLDERS = ("dev", "proc", "sys", "run", "tmp", "root", "etc", "bin", "sbin", "usr/bin", "usr/sbin")
_NOT_PYTHONS = ("site-packages", "test", "idlelib", "tkinter", "ensurepip", "config-*")
_NOT_PACKAGES = ("mypy*", "*__mypyc*", "ruff*", "pip*", "setuptools*", "grimp*", "importlinter*",
                 "ast_serialize*", "pyroute2*", "docker*", "librt*")  # fmt: skip
_NOT_PROJECTS = (".mypy_cache", ".hypothesis")
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/hosts": "127.0.0.1 localhost\n",
}


def build_root_disk(image: Path, staging: Path, modules: Path) -> None:
    """Write an ext4 image of the guest's root; `staging` is an empty directory to prepare it in."""
    _add_skeleton(staging)
    _add_python(staging)
    for part in ("src", "tests", "demo", "pyproject.toml"):
        _copy(ROOT / part, staging, ignore=_NOT_PROJECTS)
    programs = [Path(shutil.which(name) or name) for name in PROGRAMS]
    for program in programs:
        _copy(program.resolve(), staging, target=program)
    _add_libraries(staging, [*programs, *_binaries(staging)])
    shutil.copytree(modules, staging / "lib/modules" / modules.name, symlinks=True)
    _write_image(image, staging)


def _add_skeleton(staging: Path) -> None:
    # Debian's directories are merged, and the linker's path is one of the links.
    for name in ("bin", "sbin", "lib", "lib64"):
        (staging / "usr" / name).mkdir(parents=True)
        (staging / name).symlink_to(f"usr/{name}")
    for name in _FOLDERS:
        (staging / name).mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        (staging / name).write_text(text)


def _add_python(staging: Path) -> None:
    paths = sysconfig.get_paths()
    library = {paths["stdlib"], paths["platstdlib"], sysconfig.get_path("stdlib", vars=_base())}
    for place in library:
        if not Path(place).is_relative_to(sys.prefix):
            _copy(Path(place), staging, ignore=_NOT_PYTHONS)
    for place in {paths["purelib"], paths["platlib"]}:
        _copy(Path(place), staging, ignore=_NOT_PACKAGES)
    _copy(Path(sys.prefix, "pyvenv.cfg"), staging)
    _copy(Path(sys.executable).resolve(), staging)
    _copy(Path(sys.executable).resolve(), staging, target=Path(sys.executable))


def _base() -> dict[str, str]:
    return {"base": sys.base_prefix, "installed_base": sys.base_prefix}


def _binaries(staging: Path) -> list[Path]:
    return [Path(sys.executable).resolve(), *staging.rglob("*.so")]


def _add_libraries(staging: Path, binaries: Iterable[Path]) -> None:
    """What the binaries are linked with, from where the linker here finds it."""
    listed = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False)
    found = {word for word in listed.stdout.split() if word.startswith("/") and ".so" in word}
    for library in sorted(found):
        if os.path.exists(library) and not Path(library).is_relative_to(staging):
            _copy(Path(library).resolve(), staging, target=Path(library))


def _copy(
    source: Path, staging: Path, *, target: Path | None = None, ignore: tuple[str, ...] = ()
) -> None:
    """Copy a file or a tree to the same path, or `target`, below `staging`."""
    place = staging / str(target or source).lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        unwanted = shutil.ignore_patterns(*ignore)
        shutil.copytree(source, place, symlinks=True, ignore=unwanted, dirs_exist_ok=True)
    else:
        shutil.copy2(source, place)


def _write_image(image: Path, staging: Path) -> None:
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    options = ["-q", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", "-m", "0"]
    subprocess.run(["mkfs.ext4", *options, "-d", staging, image], check=True)
