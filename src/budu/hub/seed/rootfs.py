"""The root file system that all images of the library stand on: Debian's minimal system."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from budu.base.errors import Internal

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
        'APT::Install-Recommends "false";\nAcquire::Languages "none";\n'
        'Acquire::GzipIndexes "true";\n'
        'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };\n'
    ),
    "etc/hostname": "",
    "etc/machine-id": "",
    "etc/resolv.conf": "",
}
"""What a container's system has that a machine's has not; the engine writes the empty ones."""
FOLDERS = {"run/lock": 0o1777}
"""What programs expect below the folders that are emptied, with modes."""
POLICY = "#!/bin/sh\n# Packages do not start services in an image.\nexit 101\n"


def fingerprint() -> str:
    """Of what is made here."""
    return repr((SUITE, MIRROR, FILES, FOLDERS, POLICY))


def make(tree: Path, cache: Path) -> None:
    """Debian's minimal system in the empty folder `tree`. Raises: Internal."""
    archives = cache / "debootstrap"
    archives.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", "--variant=minbase", f"--cache-dir={archives.absolute()}"]
    done = subprocess.run([*command, SUITE, str(tree), MIRROR], capture_output=True, text=True)
    if done.returncode:
        raise Internal(f"debootstrap failed:\n{(done.stdout + done.stderr)[-3000:]}")
    (tree / "etc/apt/sources.list").unlink(missing_ok=True)
    for name, text in FILES.items():
        (tree / name).write_text(text)
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text(POLICY)
    policy.chmod(0o755)
    for name in ("dev", "run", "tmp"):
        _empty(tree / name)
    for name, mode in FOLDERS.items():
        (tree / name).mkdir()
        (tree / name).chmod(mode)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
