"""When a container that ended is started again. Pure.

Source: Docker docs, "Start containers automatically"; moby restartmanager: the delay doubles from
100 ms to one minute and begins anew after ten seconds of life.
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument
from budu.engine.containers.model import Container
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


def should_start_at_boot(policy: RestartPolicy, container: Container) -> bool:
    """Whether a container that does not run is started when the engine starts.

    `always` starts even what the user stopped, as Docker documents; a container that was never
    started stays so.
    """
    if not container.started_ns:
        return False
    match policy.name:
        case "always":
            return True
        case "unless-stopped":
            return not container.stopped_by_user
        case "on-failure":
            return not container.stopped_by_user and container.exit_code != 0
        case _:
            return False


def next_delay(previous_s: float, *, lived_s: float) -> float:
    """How long to wait before the next start, in seconds."""
    if not previous_s or lived_s >= STEADY_AFTER_S:
        return FIRST_DELAY_S
    return min(previous_s * 2, LONGEST_DELAY_S)
