"""Runs one command or unpacks files in a root file system, in namespaces of its own.

Started as `unshare … python -m budu.hub.seed.room PLAN` by `build`, so that mounts and processes
end with it. The layer is overlay's upper directory. Nothing that stands here only for the command
is left in it: name servers are bound over an empty file, apt's settings and downloads are below a
`/dev` that is not the image's. Needs root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from budu.archive.extract import ExtractOptions, extract
from budu.archive.tar import FileSource

NODES = ("null", "zero", "full", "random", "urandom", "tty")
APT_CONFIG = "/dev/seed/apt.conf"
_APT = """Dir::Cache::archives "/dev/seed/archives";
Dir::State::lists "/dev/seed/lists";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
"""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What happens in the room."""

    lower: list[str]
    """The layers below, highest first; may be empty."""
    upper: str
    work: str
    merged: str
    cache: str
    """Keeps apt's lists and packages from room to room."""
    archive: str = ""
    """A tar to unpack into the image."""
    command: list[str] = []
    environment: dict[str, str] = {}
    folder: str = "/"


def main(path: str) -> int:
    """Carry out the plan at `path`; the command's exit status."""
    plan = msgspec.json.decode(Path(path).read_bytes(), type=Plan)
    root = _mount_root(plan)
    if plan.archive:
        _unpack(plan.archive, root)
    if not plan.command:
        return 0
    _furnish(root, Path(plan.cache))
    chroot = ["chroot", str(root), "/bin/sh", "-c", 'cd "$0" && exec "$@"', plan.folder]
    done = subprocess.run([*chroot, *plan.command], env=plan.environment, stdin=subprocess.DEVNULL)
    return done.returncode


def _mount_root(plan: Plan) -> Path:
    """Where the image stands: overlay, or the layer itself when nothing is below it."""
    if not plan.lower:
        return Path(plan.upper)
    options = f"lowerdir={':'.join(plan.lower)},upperdir={plan.upper},workdir={plan.work}"
    _run("mount", "-t", "overlay", "overlay", "-o", options, plan.merged)
    return Path(plan.merged)


def _unpack(archive: str, root: Path) -> None:
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        with Path(archive).open("rb") as source:
            extract(FileSource(source.fileno()), fd, options=ExtractOptions(keeps_root=True))
    finally:
        os.close(fd)


def _furnish(root: Path, cache: Path) -> None:
    """What a command expects of a machine: /proc, /dev, names of hosts, apt's caches."""
    device = root / "dev"
    _run("mount", "-t", "proc", "proc", str(root / "proc"))
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(device))
    for node in NODES:
        (device / node).touch()
        _run("mount", "--bind", f"/dev/{node}", str(device / node))
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        (device / name).symlink_to(f"/proc/self/fd/{number}")
    (device / "fd").symlink_to("/proc/self/fd")
    for name in ("archives/partial", "lists/partial"):
        (cache / name).mkdir(parents=True, exist_ok=True)
    for name in ("archives", "lists"):
        (device / "seed" / name).mkdir(parents=True)
        _run("mount", "--bind", str(cache / name), str(device / "seed" / name))
    (device / "seed" / "apt.conf").write_text(_APT + _host_apt_settings())
    if (root / "etc/resolv.conf").is_file():
        names = cache / "resolv.conf"
        shutil.copy("/etc/resolv.conf", names)
        _run("mount", "--bind", str(names), str(root / "etc/resolv.conf"))


def _host_apt_settings() -> str:
    """The host's way to Debian's mirror, where it has one of its own: its proxy."""
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True)
    wanted = ("Acquire::http::", "Acquire::https::", "Acquire::Check-")
    return "".join(f"{line}\n" for line in done.stdout.splitlines() if line.startswith(wanted))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
