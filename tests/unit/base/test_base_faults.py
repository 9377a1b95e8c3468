"""Points at which an engine can be made to die, or to stand still."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from budu.base import faults

PROGRAM = """
from budu.base import faults
for point in ("a.one", "a.two", "a.one", "a.two"):
    faults.at(point)
    print(point, flush=True)
"""


def passed(kill_at: str | None) -> tuple[int, list[str]]:
    """Exit status of the program, and the points that it came by alive."""
    environment = dict(os.environ)
    if kill_at is not None:
        environment[faults.VARIABLE] = kill_at
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout.split()


def test_nothing_happens_without_the_variable() -> None:
    assert passed(None) == (0, ["a.one", "a.two", "a.one", "a.two"])


def test_dies_at_the_point() -> None:
    assert passed("a.two") == (-signal.SIGKILL, ["a.one"])


def test_dies_at_the_nth_passage() -> None:
    assert passed("a.one:2") == (-signal.SIGKILL, ["a.one", "a.two"])


def test_another_point_is_passed() -> None:
    assert passed("a.on")[0] == 0


def test_stands_still_at_the_point_once(tmp_path: Path) -> None:
    order = tmp_path / "halt"
    order.write_text("a.two")
    environment = {**os.environ, faults.HALT_VARIABLE: str(order)}
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert not order.exists()
        assert process.stdout is not None
        assert process.stdout.readline() == "a.one\n"
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read().split() == ["a.two", "a.one", "a.two"]
        assert process.wait(30) == 0
