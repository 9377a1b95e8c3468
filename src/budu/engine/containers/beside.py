"""Starting one more process in a running container: an exec, or a probe."""

from __future__ import annotations

import os

from budu.base.errors import NotFound
from budu.engine.containers.start import Running
from budu.shim.client import ShimHandle
from budu.shim.pool import ShimPool, StartOrder

EXEC_FAILED = (
    "OCI runtime exec failed: exec failed: unable to start container process: {detail}: unknown"
)
"""Docker's sentence for a program that could not be run."""

CWD_NOT_ABSOLUTE = "OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown"
"""Docker's sentence for a working directory such as `tmp`."""


async def start_beside(shims: ShimPool, running: Running, order: StartOrder) -> ShimHandle:
    """The started process, in the container's namespaces and cgroup.

    Raises: StepFailed when the program cannot be run, NotFound when the container has ended,
    Unavailable as `ShimPool.take`.
    """
    idle = await shims.take()
    if running.shim.pidfd < 0:
        idle.discard()
        raise NotFound(f"container {running.shim.id} has ended")
    passed = {"target": running.shim.pidfd}
    group = running.cgroup.placement.unified
    try:
        if group is not None:
            passed["cgroup"] = os.open(group, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        idle.discard()
        raise NotFound(f"container {running.shim.id} has ended") from None
    try:
        return await idle.start(order, passed)
    finally:
        if "cgroup" in passed:
            os.close(passed["cgroup"])
