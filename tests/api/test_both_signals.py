"""`--sig-proxy` of either command line: who gets the signals of the one in front."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.scenes import logs
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

SCRIPT = "trap 'echo got; exit 7' USR1 TERM; echo ready; while :; do sleep 0.05; done"
Open = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture(params=["docker", "budu"])
def opened(request: pytest.FixtureRequest, docker: Docker, engine: EngineProcess) -> Open:
    """Starts a command of either command line."""
    ours = [sys.executable, "-m", "budu.cli.main"]
    command = [docker.binary] if request.param == "docker" else ours
    environment = {**docker.environment, "BUDU_HOST": engine.host}

    def start(*words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*command, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    return start


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_signals_go_to_the_container(opened: Open, number: int) -> None:
    with opened("run", "--rm", "busybox", "sh", "-c", SCRIPT) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.stdout.read() == b"got\n"
        assert process.wait(30) == 7


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_signals_stay_with_the_client(opened: Open, engine: EngineProcess, number: int) -> None:
    words = ("--sig-proxy=false", "--name", "box", "busybox", "sh", "-c", SCRIPT)
    with opened("run", *words) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        process.kill()
    with opened("attach", "--sig-proxy=false", "box") as process:
        try:
            eventually(lambda: attached(engine) == 1, "the attachment")
            process.send_signal(number)
        finally:
            process.kill()
    assert engine.state("box")["Running"]
    assert logs(engine, "box") == b"ready\n"


def attached(engine: EngineProcess) -> int:
    """How many have attached since the container was started."""
    id_ = engine.inspect("box")["Id"]
    actions = [each["Action"] for each in engine.events(container=id_)]
    return actions[actions.index("start") :].count("attach")
