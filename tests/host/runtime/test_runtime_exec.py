"""A second process in a running container."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from runtime_containers import CAPABILITIES, Runner, make_spec

from budu.linux import capabilities
from budu.linux.process import pidfd_send_signal, wait_pidfd
from budu.runtime.exec import launch_exec
from budu.runtime.launch import Launched, StepFailed
from budu.runtime.plan import make_exec_plan
from budu.spec.oci_runtime import RuntimeSpec

pytestmark = pytest.mark.host


@pytest.fixture
def container(runner: Runner) -> Iterator[Launched]:
    """A running container; killed afterwards."""
    null = os.open("/dev/null", os.O_RDWR)
    started = runner.start(make_spec("sleep", "100"), (null, null, null), {})
    os.close(null)
    yield started
    pidfd_send_signal(started.pidfd, signal.SIGKILL)
    wait_pidfd(started.pidfd)
    started.close()


def _exec(runner: Runner, container: Launched, spec: RuntimeSpec, **plan: object) -> str:
    assert spec.process is not None
    made = make_exec_plan(spec.process, runner.host, spec=spec, **plan)  # type: ignore[arg-type]
    null = os.open("/dev/null", os.O_RDONLY)
    read, write = os.pipe()
    try:
        started = launch_exec(made, container.pidfd, (null, write, write), {})
    except StepFailed:
        os.close(read)
        raise
    finally:
        os.close(null)
        os.close(write)
    with open(read) as file:  # noqa: PTH123
        output = file.read()
    wait_pidfd(started.pidfd)
    started.close()
    return output


def test_exec_is_in_all_namespaces(runner: Runner, container: Launched) -> None:
    kinds = ("mnt", "pid", "net", "uts", "ipc", "cgroup")
    links = "; ".join(f"readlink /proc/self/ns/{kind}" for kind in kinds)
    script = f"hostname; ps -o args; {links}"
    lines = _exec(runner, container, make_spec("sh", "-c", script)).splitlines()
    assert lines[0] == "tester"
    assert "sleep 100" in lines
    inside = [
        os.readlink(f"/proc/{container.pid}/ns/{n}")
        for n in ("mnt", "pid", "net", "uts", "ipc", "cgroup")
    ]
    assert lines[-6:] == inside


def test_exec_leaves_the_callers_pid_namespace(runner: Runner, container: Launched) -> None:
    _exec(runner, container, make_spec("true"))
    own = os.readlink("/proc/self/ns/pid")
    assert os.readlink(f"/proc/{os.getpid()}/ns/pid_for_children") == own


def test_exec_has_user_directory_and_capabilities(runner: Runner, container: Launched) -> None:
    spec = make_spec("sh", "-c", "id -u; pwd; cat /proc/self/status", cwd="/tmp")
    output = _exec(runner, container, spec, user="www")
    assert output.startswith("33\n/tmp\n")
    assert capabilities.parse_status(output)["CapBnd"] == capabilities.mask(CAPABILITIES)


def test_exec_of_a_missing_program_is_127(runner: Runner, container: Launched) -> None:
    with pytest.raises(StepFailed) as failure:
        _exec(runner, container, make_spec("nosuch"))
    assert failure.value.detail == 'exec: "nosuch": executable file not found in $PATH'
    assert failure.value.exit_code == 127


def test_exec_in_a_missing_directory_fails(runner: Runner, container: Launched) -> None:
    with pytest.raises(StepFailed):
        _exec(runner, container, make_spec("pwd", cwd="/no/such"))


def test_exec_with_terminal(runner: Runner, container: Launched) -> None:
    spec = make_spec("tty", terminal=True)
    assert spec.process is not None
    made = make_exec_plan(spec.process, runner.host, spec=spec)
    null = os.open("/dev/null", os.O_RDWR)
    started = launch_exec(made, container.pidfd, (null, null, null), {})
    os.close(null)
    assert started.console is not None
    wait_pidfd(started.pidfd)
    assert os.read(started.console, 100) == b"/dev/pts/0\r\n"
    started.close()
