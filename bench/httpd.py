"""The httpd image of the measurements: Debian's base system in one layer, apache2 in a second.

It stays as it is so that figures compare; what people run comes from `hub/library`. The layers are
made once into a cache folder. Needs root, debootstrap and Debian's mirror.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
SUITE = "bookworm"
PAGE = "<html><body><h1>It works!</h1></body></html>\n"
CONFIG: dict[str, object] = {
    "Env": [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "APACHE_RUN_USER=www-data",
        "APACHE_RUN_GROUP=www-data",
        "APACHE_PID_FILE=/var/run/apache2/apache2.pid",
        "APACHE_RUN_DIR=/var/run/apache2",
        "APACHE_LOCK_DIR=/var/lock/apache2",
        "APACHE_LOG_DIR=/var/log/apache2",
    ],
    "Cmd": ["/usr/sbin/apache2", "-D", "FOREGROUND"],
    "ExposedPorts": {"80/tcp": {}},
    "StopSignal": "SIGWINCH",
    "WorkingDir": "/var/www/html",
}


def layers(cache: Path) -> list[bytes]:
    """The two plain tars, lowest first; made on the first call."""
    base, apache = cache / "debian.tar", cache / "apache.tar"
    if not base.exists() or not apache.exists():
        build(cache, base, apache)
    return [base.read_bytes(), apache.read_bytes()]


def build(cache: Path, base: Path, apache: Path) -> None:
    """Make both layers below `cache`."""
    cache.mkdir(parents=True, exist_ok=True)
    root, upper, work, merged = (cache / name for name in ("root", "upper", "work", "merged"))
    for folder in (root, upper, work, merged):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    run("debootstrap", "--variant=minbase", SUITE, str(root), MIRROR)
    shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
    pack(root, base)
    run(
        "mount",
        "-t",
        "overlay",
        "overlay",
        "-o",
        f"lowerdir={root},upperdir={upper},workdir={work}",
        str(merged),
    )
    try:
        shutil.copy("/etc/resolv.conf", merged / "etc/resolv.conf")
        for name in ("apt.conf.d",):
            for extra in Path("/etc/apt", name).glob("*proxy*"):
                shutil.copy(extra, merged / "etc/apt" / name)
        chroot(merged, "apt-get", "update", "-q")
        chroot(merged, "apt-get", "install", "-y", "-q", "--no-install-recommends", "apache2")
        configure(merged)
    finally:
        run("umount", str(merged))
    pack(upper, apache)
    for folder in (root, upper, work, merged):
        shutil.rmtree(folder, ignore_errors=True)


def configure(root: Path) -> None:
    """Logs to the container's own output, a page, no name warning, nothing left of apt."""
    (root / "var/www/html/index.html").write_text(PAGE)
    (root / "etc/apache2/conf-enabled/name.conf").write_text("ServerName localhost\n")
    for log, target in (
        ("access.log", "stdout"),
        ("other_vhosts_access.log", "stdout"),
        ("error.log", "stderr"),
    ):
        link = root / "var/log/apache2" / log
        link.unlink(missing_ok=True)
        link.symlink_to(f"/proc/self/fd/{1 if target == 'stdout' else 2}")
    for left in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / left, ignore_errors=True)
    (root / "run/apache2").mkdir(parents=True, exist_ok=True)
    (root / "run/lock/apache2").mkdir(parents=True, exist_ok=True)


def pack(root: Path, target: Path) -> None:
    """A tar of a tree; overlay's whiteouts (devices 0:0) are left out."""

    def wanted(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        is_whiteout = info.ischr() and (info.devmajor, info.devminor) == (0, 0)
        info.uname = info.gname = ""
        return None if is_whiteout else info

    partial = target.with_suffix(".partial")
    with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(os.listdir(root)):
            tar.add(root / name, name, filter=wanted)
    partial.rename(target)


def run(*command: str) -> None:
    """One command; its output only when it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def chroot(root: Path, *command: str) -> None:
    """One command inside the tree, without questions and without starting services."""
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        run("env", "DEBIAN_FRONTEND=noninteractive", "chroot", str(root), *command)
    finally:
        policy.unlink()
