"""Starting one more process in a running container: an exec, or a probe."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from budu.base.errors import NotFound
from budu.engine.containers.start import Running
from budu.runtime.launch import StepFailed
from budu.shim.client import ShimHandle

EXEC_FAILED = (
    "OCI runtime exec failed: exec failed: unable to start container process: {detail}: unknown"
)
"""Docker's sentence for a program that could not be run."""

CWD_NOT_ABSOLUTE = "OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown"
"""Docker's sentence for a working directory such as `tmp`."""


async def start_beside(
    running: Running, start: Callable[[dict[str, int]], Awaitable[ShimHandle]]
) -> ShimHandle:
    """The process that `start` makes, given the descriptors of the container's init and cgroup.

    Raises: StepFailed when the program cannot be run, NotFound when the container has ended,
    and what `start` raises.
    """
    if running.shim.pidfd < 0:
        raise _has_ended(running)
    passed = {"target": os.dup(running.shim.pidfd)}
    try:
        group = running.cgroup.placement.unified
        if group is not None:
            passed["cgroup"] = os.open(group, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return await start(passed)
    except FileNotFoundError:
        raise _has_ended(running) from None
    except StepFailed:
        if running.shim.pidfd < 0:
            raise _has_ended(running) from None
        raise
    finally:
        for fd in passed.values():
            os.close(fd)


def _has_ended(running: Running) -> NotFound:
    return NotFound(f"container {running.shim.id} has ended")
