"""Builders for host tests: Docker's usual spec, and running it in a real container."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from budu.linux import mount as m
from budu.linux.libc import AT_FDCWD
from budu.linux.process import wait_pidfd
from budu.runtime.host import Host
from budu.runtime.launch import Launched, StepFailed, launch
from budu.runtime.plan import make_plan
from budu.spec.oci_runtime import (
    Capabilities,
    Linux,
    Mount,
    Namespace,
    Process,
    Root,
    RuntimeSpec,
)

CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
)
MOUNTS = (
    Mount(destination="/proc", type="proc", source="proc", options=("nosuid", "noexec", "nodev")),
    Mount(
        destination="/dev",
        type="tmpfs",
        source="tmpfs",
        options=("nosuid", "strictatime", "mode=755", "size=65536k"),
    ),
    Mount(
        destination="/dev/pts",
        type="devpts",
        source="devpts",
        options=("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
    ),
    Mount(
        destination="/sys",
        type="sysfs",
        source="sysfs",
        options=("nosuid", "noexec", "nodev", "ro"),
    ),
    Mount(
        destination="/sys/fs/cgroup",
        type="cgroup",
        source="cgroup",
        options=("ro", "nosuid", "noexec", "nodev"),
    ),
    Mount(
        destination="/dev/mqueue",
        type="mqueue",
        source="mqueue",
        options=("nosuid", "noexec", "nodev"),
    ),
    Mount(
        destination="/dev/shm",
        type="tmpfs",
        source="shm",
        options=("nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
    ),
)
NAMESPACES = tuple(Namespace(type=t) for t in ("mount", "pid", "network", "uts", "ipc", "cgroup"))
MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware")
READONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def make_spec(*argv: str, mounts: tuple[Mount, ...] = (), **process: object) -> RuntimeSpec:
    """Return Docker's usual spec for `argv`; keywords replace fields of the process."""
    sets = Capabilities(bounding=CAPABILITIES, effective=CAPABILITIES, permitted=CAPABILITIES)
    fields: dict[str, object] = {
        "args": argv,
        "env": ("PATH=/usr/sbin:/usr/bin:/sbin:/bin",),
        "capabilities": sets,
        **process,
    }
    return RuntimeSpec(
        oci_version="1.2.0",
        process=Process(**fields),  # type: ignore[arg-type]  # keywords of the test
        root=Root(path="fd:rootfs"),
        hostname="tester",
        mounts=(*MOUNTS, *mounts),
        linux=Linux(namespaces=NAMESPACES, masked_paths=MASKED, readonly_paths=READONLY),
    )


def with_linux(spec: RuntimeSpec, **fields: object) -> RuntimeSpec:
    """Return the spec with other fields in its Linux part."""
    assert spec.linux is not None
    return msgspec.structs.replace(spec, linux=msgspec.structs.replace(spec.linux, **fields))


class Result:
    """What a finished container left: exit code, stdout and stderr as text, start warnings."""

    def __init__(self, code: int, out: str, err: str, warnings: list[str]) -> None:
        self.code = code
        self.out = out
        self.err = err
        self.warnings = warnings


class Runner:
    """Runs specs on a copy of the root file system."""

    def __init__(self, root: Path, host: Host) -> None:
        self.root = root
        self.host = host

    def start(
        self, spec: RuntimeSpec, stdio: tuple[int, int, int], fds: dict[str, int], **plan: object
    ) -> Launched:
        """Launch; the caller waits."""
        made = make_plan(spec, self.host, **plan)  # type: ignore[arg-type]  # of the test
        rootfs = m.open_tree(AT_FDCWD, str(self.root), recursive=True)
        try:
            return launch(made, stdio, {"rootfs": rootfs, **fds})
        finally:
            os.close(rootfs)

    def run(
        self, spec: RuntimeSpec, *, fds: dict[str, int] | None = None, **plan: object
    ) -> Result:
        """Launch, collect the output (which must fit into a pipe), wait."""
        null = os.open("/dev/null", os.O_RDONLY)
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        try:
            started = self.start(spec, (null, out_write, err_write), fds or {}, **plan)
        except StepFailed:
            os.close(out_read)
            os.close(err_read)
            raise
        finally:
            for fd in (null, out_write, err_write):
                os.close(fd)
        ended = wait_pidfd(started.pidfd)
        assert ended is not None
        started.close()
        return Result(ended[0], _drain(out_read), _drain(err_read), started.warnings)

    def shell(self, script: str, **keywords: object) -> Result:
        """Run a shell script with Docker's usual spec."""
        return self.run(make_spec("sh", "-c", script), **keywords)  # type: ignore[arg-type]


def _drain(fd: int) -> str:
    with open(fd, "rb") as file:
        return file.read().decode()
