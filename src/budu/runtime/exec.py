"""Starts one more process in a running container.

One clone: the parent joins the pid namespace for its future children, clones and goes back; the
child joins all other namespaces by one setns on the container's pidfd. Standard library only.
Source: man 2 setns, pidfd as file descriptor.
"""

from __future__ import annotations

from budu.runtime.launch import Launched, start, start_in_pid_namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.runtime.launch import Plan


def launch_exec(
    plan: Plan, pidfd: int, stdio: tuple[int, int, int], fds: dict[str, int]
) -> Launched:
    """Start the program of a plan from `make_exec_plan` in the container whose init is `pidfd`.

    Raises: StepFailed, as `launch` does.
    """
    passed = {**fds, "target": pidfd}
    if not plan["join_pid"]:
        return start(plan, stdio, passed, hold_mounts=False)
    return start_in_pid_namespace(plan, stdio, passed, pidfd, hold_mounts=False)
