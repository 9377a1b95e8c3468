"""The root file system that all images of the library stand on: Debian's minimal system."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from budu.archive.tar import TarEntry
from budu.archive.write import PackOptions, write_tree
from budu.base.errors import Internal, Unavailable

EPOCH_S = 1767225600
"""2026-01-01, the date of everything that a recipe makes."""
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
FILES = {
    "etc/apt/sources.list.d/debian.sources": (
        "Types: deb\n"
        f"URIs: {MIRROR}\n"
        f"Suites: {SUITE} {SUITE}-updates\n"
        "Components: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n"
        "Types: deb\n"
        f"URIs: {MIRROR}-security\n"
        f"Suites: {SUITE}-security\n"
        "Components: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    ),
    "etc/apt/apt.conf.d/container": (
        "// What a layer need not hold: recommendations, translations, caches, logs, backups.\n"
        'APT::Install-Recommends "false";\n'
        'Acquire::Languages "none";\n'
        'Acquire::GzipIndexes "true";\n'
        'Dir::Cache::pkgcache "";\n'
        'Dir::Cache::srcpkgcache "";\n'
        'Dir::Log::Terminal "/dev/null";\n'
        'Dir::Log::History "/dev/null";\n'
        'Dir::Log::Planner "/dev/null";\n'
        "// Packages stay where a cache is mounted: RUN --mount=type=cache,target=/var/cache/apt\n"
        "DPkg::Post-Invoke {\n"
        '  "mountpoint -q /var/cache/apt || rm -f /var/cache/apt/archives/*.deb";\n'
        '  "rm -f /var/log/alternatives.log /var/log/dpkg.log /var/log/fontconfig.log";\n'
        '  "rm -f /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache /var/lib/dpkg/*-old";\n'
        "};\n"
    ),
    "etc/dpkg/dpkg.cfg.d/container": (
        "# A layer is thrown away when its build is cut off, so nothing waits for the disk.\n"
        "force-unsafe-io\n"
        "# Nobody reads manuals in a container; licences stay.\n"
        "path-exclude=/usr/share/doc/*\n"
        "path-include=/usr/share/doc/*/copyright\n"
        "path-exclude=/usr/share/doc-base/*\n"
        "path-exclude=/usr/share/info/*\n"
        "path-exclude=/usr/share/lintian/*\n"
        "path-exclude=/usr/share/locale/*\n"
        "path-include=/usr/share/locale/locale.alias\n"
        "path-exclude=/usr/share/man/*\n"
    ),
    "etc/hostname": "",
    "etc/machine-id": "",
    "etc/resolv.conf": "",
}
"""What a container's system has that a machine's has not; the engine writes the empty ones."""
EMPTIED = {
    **dict.fromkeys(("dev", "run", "tmp", "var/log/apt", "var/lib/apt/lists"), ""),
    **dict.fromkeys(("var/cache/apt", "var/cache/ldconfig"), ""),
    **dict.fromkeys(("usr/share/doc-base", "usr/share/info", "usr/share/lintian"), ""),
    **dict.fromkeys(("usr/share/locale", "usr/share/man"), ""),
    "usr/share/doc": "copyright",
}
"""Folders that debootstrap fills and nobody needs, and the name of what stays in them."""
REMOVED = (
    *("etc/apt/sources.list", "var/log/alternatives.log", "var/log/bootstrap.log"),
    *("var/log/dpkg.log", "var/cache/debconf/*-old", "var/lib/dpkg/*-old"),
)
FOLDERS = {"run/lock": 0o1777}
"""What programs expect below the folders that are emptied, with modes."""
POLICY = "#!/bin/sh\n# Packages do not start services in an image.\nexit 101\n"


def fingerprint() -> str:
    """Of what is made here."""
    return repr((SUITE, MIRROR, FILES, EMPTIED, REMOVED, FOLDERS, POLICY, EPOCH_S))


def archive(cache: Path, say: Callable[[str], object]) -> Path:
    """The root file system as a tar in `cache`; made, and `say` told so, when it is not there.

    Raises: as `make`.
    """
    mark = hashlib.sha256(fingerprint().encode()).hexdigest()[:12]
    path = cache / f"rootfs-{mark}.tar"
    if not path.exists():
        say(f"debootstrap {SUITE}")
        for old in cache.glob("rootfs-*.tar*"):
            old.unlink()
        with tempfile.TemporaryDirectory(prefix="rootfs-", dir=cache) as scratch:
            tree = Path(scratch) / "tree"
            tree.mkdir()
            make(tree, cache / "debootstrap")
            pack(tree, path)
    return path


def make(tree: Path, archives: Path) -> None:
    """Debian's minimal system in the empty folder `tree`; `archives` keeps its packages.

    Raises: Internal, Unavailable.
    """
    if shutil.which("debootstrap") is None:
        raise Unavailable("debootstrap is not installed: apt-get install debootstrap")
    archives.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", "--variant=minbase", f"--cache-dir={archives.absolute()}"]
    done = subprocess.run([*command, SUITE, str(tree), MIRROR], capture_output=True, text=True)
    if done.returncode:
        raise Internal(f"debootstrap failed:\n{(done.stdout + done.stderr)[-3000:]}")
    for pattern in REMOVED:
        for path in tree.glob(pattern):
            path.unlink()
    for name, kept in EMPTIED.items():
        _empty(tree / name, kept)
    for name, text in FILES.items():
        (tree / name).write_text(text)
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text(POLICY)
    policy.chmod(0o755)
    for name, mode in FOLDERS.items():
        (tree / name).mkdir()
        (tree / name).chmod(mode)


def pack(tree: Path, target: Path) -> None:
    """A tar of a tree in which neither order nor time shows; `target` appears whole."""
    making = target.with_name(f"{target.name}.new")
    fd = os.open(tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with making.open("wb") as file:
            write_tree(fd, file.write, options=PackOptions(changes=_dated))
    finally:
        os.close(fd)
    making.rename(target)


def _dated(entry: TarEntry) -> TarEntry:
    return msgspec.structs.replace(entry, mtime_ns=min(entry.mtime_ns, EPOCH_S * 10**9))


def _empty(folder: Path, kept: str) -> None:
    """Remove what is in a folder but for files called `kept`, with the folders they are in."""
    for path in folder.iterdir():
        if not path.is_dir() or path.is_symlink():
            if path.name != kept:
                path.unlink()
        elif not kept:
            shutil.rmtree(path)
        else:
            _empty(path, kept)
            with contextlib.suppress(OSError):  # something is kept in it
                path.rmdir()
