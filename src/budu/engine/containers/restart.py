"""When a container that ended is started again. Pure.

Source: Docker docs, "Start containers automatically"; moby restartmanager: the delay doubles from
100 ms to one minute and begins anew after ten seconds of life.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from budu.base.errors import InvalidArgument
from budu.engine.containers.model import Container, Status
from budu.spec.api.host_config import HostConfig, RestartPolicy

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 60.0
STEADY_AFTER_S = 10.0
_NAMES = ("", "no", "always", "on-failure", "unless-stopped")


def check_policy(host_config: HostConfig) -> None:
    """Raises: InvalidArgument with Docker's sentence for a policy that makes no sense."""
    policy = host_config.restart_policy
    if policy.name not in _NAMES:
        raise InvalidArgument(
            f"invalid restart policy: unknown policy '{policy.name}'; use one of 'no', 'always', "
            "'on-failure', or 'unless-stopped'"
        )
    _check_retries(policy)
    if host_config.auto_remove and policy.name not in ("", "no"):
        raise InvalidArgument("can't create 'AutoRemove' container with restart policy")


def _check_retries(policy: RestartPolicy) -> None:
    negative = policy.maximum_retry_count < 0
    if policy.name == "on-failure" and negative:
        raise InvalidArgument("invalid restart policy: maximum retry count cannot be negative")
    if policy.name not in ("", "on-failure") and policy.maximum_retry_count:
        raise InvalidArgument(
            "invalid restart policy: maximum retry count can only be used with 'on-failure'"
            + (" and cannot be negative" if negative else "")
        )


def should_restart(policy: RestartPolicy, container: Container, *, exit_code: int) -> bool:
    """Whether a container that just ended by itself is started again."""
    if container.stopped_by_user:
        return False
    match policy.name:
        case "always" | "unless-stopped":
            return True
        case "on-failure":
            limit = policy.maximum_retry_count
            return exit_code != 0 and (not limit or container.restart_count < limit)
        case _:
            return False


def still_restarts(policy: RestartPolicy, container: Container) -> bool:
    """Whether a start that was decided at an exit still holds when its time has come.

    The policy may have been changed meanwhile; the start is counted in `restart_count` already.
    """
    counted = msgspec.structs.replace(container, restart_count=max(container.restart_count - 1, 0))
    return should_restart(policy, counted, exit_code=container.exit_code)


class AtEngineStart(Enum):
    """What an engine that starts does about a container that does not run."""

    LEAVE = "leave"
    START = "start"
    GO_ON = "go on"
    """It waits for its next start, which the last engine owed it: delays and counts go on."""


def at_engine_start(
    policy: RestartPolicy, container: Container, *, same_boot: bool
) -> AtEngineStart:
    """What becomes of a container that does not run when an engine starts.

    `always` starts even what the user stopped, as Docker documents. A container that was never
    started stays so. `same_boot` tells whether its last life was since the machine's last start:
    after a machine restart a start is no sign of trouble and counts as the first.
    """
    if container.status is Status.RESTARTING and same_boot:
        return AtEngineStart.GO_ON
    if not container.started_ns:
        return AtEngineStart.LEAVE
    if container.status is Status.RESTARTING or policy.name == "always":
        return AtEngineStart.START
    wanted = should_restart(policy, container, exit_code=container.exit_code)
    return AtEngineStart.START if wanted else AtEngineStart.LEAVE


def next_delay(previous_s: float, *, lived_s: float) -> float:
    """How long to wait before the next start, in seconds."""
    if not previous_s or lived_s >= STEADY_AFTER_S:
        return FIRST_DELAY_S
    return min(previous_s * 2, LONGEST_DELAY_S)
