"""Failures of steps in runc's words, and what the light modules load."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

from budu.linux.fds import socketpair_seqpacket
from budu.runtime.context import Context
from budu.runtime.failure import StepFailed, errno_text
from budu.runtime.steps import describe, run

HEAVY = {
    "argparse",
    "asyncio",
    "collections",
    "contextlib",
    "dataclasses",
    "enum",
    "functools",
    "inspect",
    "json",
    "logging",
    "msgspec",
    "pathlib",
    "re",
    "socket",
    "subprocess",
    "typing",
}


@pytest.fixture
def context() -> Context:
    """A context whose parent end is dropped."""
    _ours, theirs = socketpair_seqpacket()
    return Context(theirs, (0, 1, 2), {})


def test_failing_step_stops_the_run(context: Context) -> None:
    missing = "/no/such/source"
    steps = (("open-source", "tree0", missing, False), ("no-such-step",))
    failure = run(context, steps)
    assert failure is not None
    assert (failure.errno, failure.exit_code) == (errno.ENOENT, 128)
    assert failure.step == "open-source /no/such/source as tree0, recursive False"
    assert failure.detail == (
        'error mounting "/no/such/source" to rootfs: stat /no/such/source: '
        "no such file or directory"
    )


def test_missing_sysctl_has_runcs_words(context: Context) -> None:
    failure = run(context, (("sysctl", "/proc/sys/no/such", "1"),))
    assert failure is not None
    assert failure.detail == "open /proc/sys/no/such: no such file or directory"


def test_unknown_program_is_127(context: Context) -> None:
    failure = run(context, (("execute", ("budu-no-such-program",), ("PATH=/bin",)),))
    assert failure is not None
    assert failure.exit_code == 127


def test_seccomp_program_is_not_printed() -> None:
    assert describe(("seccomp", b"x" * 16)) == "seccomp 16 bytes"


def test_environment_is_not_printed() -> None:
    assert "secret" not in describe(("execute", ("true",), ("PASSWORD=secret",)))


def test_failure_crosses_the_wire() -> None:
    failure = StepFailed("bind /a", 2, "no", 127)
    again = StepFailed.from_tuple(failure.as_tuple())
    assert (again.as_tuple(), str(again)) == (failure.as_tuple(), "no")


def test_errno_text_is_gos() -> None:
    assert errno_text(errno.EPERM) == "operation not permitted"
    assert errno_text(errno.ENOEXEC) == "exec format error"


@pytest.mark.parametrize("module", ["budu.runtime.launch", "budu.runtime.exec"])
def test_launch_loads_nothing_heavy(module: str) -> None:
    code = f"import sys; sys.path[:0] = {sys.path!r}; import {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(loaded.stdout.split())
