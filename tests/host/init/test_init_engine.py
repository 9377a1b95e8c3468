"""`--init` through the engine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.waiting import eventually

from budu.daemon.init_binary import packaged_init

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


def test_init_is_process_one_and_the_program_its_child(docker: Docker) -> None:
    out = docker("run", "--rm", "--init", "busybox", "sh", "-c", "cat /proc/1/comm; echo $PPID")
    assert out.split() == ["docker-init", "1"]


def test_without_init_the_program_is_process_one(docker: Docker) -> None:
    assert docker("run", "--rm", "busybox", "sh", "-c", "echo $$").strip() == "1"


def test_exit_code_passes_through(docker: Docker) -> None:
    assert docker.run("run", "--rm", "--init", "busybox", "sh", "-c", "exit 7").status == 7


def test_stop_reaches_the_program_at_once(docker: Docker, engine: EngineProcess) -> None:
    script = "trap 'exit 42' TERM; echo ready; while :; do sleep 0.05; done"
    docker("run", "-d", "--name", "web", "--init", "busybox", "sh", "-c", script)
    eventually(lambda: "ready" in docker("logs", "web"))
    docker("stop", "web")
    assert engine.state("web")["ExitCode"] == 42


def test_container_cannot_change_its_init(docker: Docker) -> None:
    done = docker.run("run", "--rm", "--init", "busybox", "chmod", "0", "/sbin/docker-init")
    assert "Read-only file system" in done.err


def test_engines_copy_is_the_packages_and_roots(engine: EngineProcess) -> None:
    (copy,) = Path(engine.root).rglob("init")
    source, status = packaged_init(), os.lstat(copy)
    assert source is not None
    assert copy.read_bytes() == source.read_bytes()
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o755, 0)
