"""Points at which an engine can be made to die."""

import os
import signal
import subprocess
import sys

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
