"""Named points at which an engine can be made to die: for tests of what it leaves behind.

`BUDU_KILL_AT=start.cgroup-made` kills the process by SIGKILL when it comes by that point,
`start.cgroup-made:3` when it does so for the third time. Without the variable nothing happens.
What a point means and what the next engine does is told in docs/flows/engine-restart.md.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "BUDU_KILL_AT"
"""The environment's word for where to die."""


def at(point: str) -> None:
    """The process comes by `point`, named `operation.what-has-just-happened`."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    name, _, passages = wanted.partition(":")
    if name != point:
        return
    if int(passages or 1) <= 1:
        os.kill(os.getpid(), signal.SIGKILL)
    os.environ[VARIABLE] = f"{name}:{int(passages) - 1}"
