"""Named points at which an engine can be made to die, or to stand still while others die.

`BUDU_KILL_AT=start.cgroup-made` kills the process by SIGKILL when it comes by that point,
`start.cgroup-made:3` when it does so for the third time. `BUDU_HALT_AT=/a/file` stops it by SIGSTOP
at the point whose name is in that file, and takes the file away: a test kills a helper then and
lets the engine go on by SIGCONT. Without the variables nothing happens.
What a point means and what the next engine does is told in docs/flows/engine-restart.md.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "BUDU_KILL_AT"
"""The environment's word for where to die."""
HALT_VARIABLE = "BUDU_HALT_AT"
"""The environment's word for the file that names where to stand still."""


def at(point: str) -> None:
    """The process comes by `point`, named `operation.what-has-just-happened`."""
    wanted = os.environ.get(VARIABLE)
    if wanted is not None:
        _die_at(point, wanted)
    file = os.environ.get(HALT_VARIABLE)
    if file is not None:
        _halt_at(point, file)


def _die_at(point: str, wanted: str) -> None:
    name, _, passages = wanted.partition(":")
    if name != point:
        return
    if int(passages or 1) <= 1:
        os.kill(os.getpid(), signal.SIGKILL)
    os.environ[VARIABLE] = f"{name}:{int(passages) - 1}"


def _halt_at(point: str, file: str) -> None:
    try:
        with open(file, encoding="ascii") as wanted:  # noqa: PTH123 - pathlib is slow to import
            if wanted.read().strip() != point:
                return
        os.unlink(file)
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP)
