"""Marks that say what a test needs of the machine; tests of another kind of machine are left out.

What one machine lacks another has: the virtual machine of `tests/microvm` is the other kind to
most hosts, so that between the two nothing stays untried.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.support.disks import quota_disk, reflink_disk

from budu.base.errors import BuduError
from budu.daemon.init_binary import packaged_init
from budu.runtime.cgroups.layout import read_layout
from budu.snapshot.choose import probe
from budu.volume.sized import quotas_work


def has_cgroup_v1() -> bool:
    """Whether v1 controllers are mounted, alone or in the hybrid layout."""
    layout = read_layout()
    return layout.version == 1 and bool(layout.v1)


def has_cgroup_v2() -> bool:
    """Whether a v2 hierarchy is mounted, with controllers or without."""
    return read_layout().v2 is not None


def has_erofs() -> bool:
    """Whether the kernel mounts EROFS from ordinary files, where tests keep theirs."""
    try:
        with tempfile.TemporaryDirectory(prefix="budu-probe-") as place:
            return probe(place).erofs
    except (BuduError, OSError):
        return False


def has_ipvlan() -> bool:
    """Whether the kernel makes ipvlan links; tried in a namespace that ends with the command."""
    script = "ip link add a type veth peer name b && ip link add link a name c type ipvlan"
    command = ["unshare", "-n", "sh", "-c", script]
    return not subprocess.run(command, capture_output=True, check=False, timeout=60).returncode


def has_nfs() -> bool:
    """Whether the kernel's NFS client and its server are there, built in or loaded."""
    lines = Path("/proc/filesystems").read_text().splitlines()
    return {"nfs4", "nfsd"} <= {line.split()[-1] for line in lines}


def has_project_quota() -> bool:
    """Whether the kernel keeps project quotas on ext4."""
    return _has_disk(quota_disk, quotas_work)


def has_reflinks() -> bool:
    """Whether there can be a file system whose files share blocks."""
    return _has_disk(reflink_disk, Path.is_dir)


def _has_disk(
    kind: Callable[[Path], AbstractContextManager[Path]], works: Callable[[Path], bool]
) -> bool:
    try:
        with (
            tempfile.TemporaryDirectory(prefix="budu-probe-") as place,
            kind(Path(place)) as disk,
        ):
            return works(disk)
    except (OSError, subprocess.CalledProcessError):
        return False


def has_docker_cli() -> bool:
    """Whether the genuine docker command line is installed."""
    return shutil.which("docker") is not None


def has_docker_28() -> bool:
    """Whether it is of the major version whose words the tests have on record."""
    if not has_docker_cli():
        return False
    shown = subprocess.run(["docker", "--version"], capture_output=True, text=True, check=False)
    return shown.stdout.startswith("Docker version 28.")


def has_podman() -> bool:
    """Whether podman is installed: a foreign client, which the tests' set-up does not bring."""
    return shutil.which("podman") is not None


def is_root() -> bool:
    """Whether the tests may do what only root may."""
    return os.geteuid() == 0


def is_x86_64() -> bool:
    """Whether the processor is of the kind whose system call numbers some tests have."""
    return os.uname().machine == "x86_64"


def has_packaged_init() -> bool:
    """Whether the package has its small init for this processor."""
    return packaged_init() is not None


def lacks_bfq() -> bool:
    """Whether no disk is served by the scheduler that knows weights."""
    schedulers = Path("/sys/block").glob("*/queue/scheduler")
    return not any("[bfq]" in each.read_text() for each in schedulers)


def has_sctp() -> bool:
    """Whether the kernel speaks sctp itself; it translates such packets anyhow."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError:
        return False
    return True


def lacks_sctp() -> bool:
    """Whether nothing in the kernel answers sctp packets."""
    return not has_sctp()


def is_guest() -> bool:
    """Whether this is the virtual machine: its init made the place for results."""
    return Path("/run/results").exists()


MARKS: dict[str, Callable[[], bool]] = {
    "host": is_root,
    "cgroup_v1": has_cgroup_v1,
    "cgroup_v2": has_cgroup_v2,
    "docker_cli": has_docker_cli,
    "docker_28": has_docker_28,
    "erofs": has_erofs,
    "guest": is_guest,
    "ipvlan": has_ipvlan,
    "nfs": has_nfs,
    "no_bfq": lacks_bfq,
    "packaged_init": has_packaged_init,
    "project_quota": has_project_quota,
    "podman": has_podman,
    "reflinks": has_reflinks,
    "sctp": has_sctp,
    "no_sctp": lacks_sctp,
    "x86_64": is_x86_64,
}
"""Each mark with the question whether this machine has it."""


def missing_here(marks: set[str]) -> set[str]:
    """Those of the marks that this machine cannot serve."""
    return {mark for mark in marks if mark in MARKS and not MARKS[mark]()}
