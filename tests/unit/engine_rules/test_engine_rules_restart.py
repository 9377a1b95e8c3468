"""Restart policies."""

from __future__ import annotations

import pytest
from tests.support.records import a_container, an_exited_container

from budu.base.errors import InvalidArgument
from budu.engine.containers.model import Status
from budu.engine.containers.restart import (
    FIRST_DELAY_S,
    LONGEST_DELAY_S,
    AtEngineStart,
    at_engine_start,
    check_policy,
    next_delay,
    should_restart,
    still_restarts,
)
from budu.spec.api.host_config import HostConfig, RestartPolicy

ONLY_ON_FAILURE = "invalid restart policy: maximum retry count can only be used with 'on-failure'"


def policy(name: str, retries: int = 0) -> RestartPolicy:
    return RestartPolicy(name=name, maximum_retry_count=retries)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        (
            {"restart_policy": policy("sometimes")},
            "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', "
            "'on-failure', or 'unless-stopped'",
        ),
        ({"restart_policy": policy("always", 3)}, ONLY_ON_FAILURE),
        ({"restart_policy": policy("no", -1)}, ONLY_ON_FAILURE + " and cannot be negative"),
        (
            {"restart_policy": policy("on-failure", -1)},
            "invalid restart policy: maximum retry count cannot be negative",
        ),
        (
            {"restart_policy": policy("always"), "auto_remove": True},
            "can't create 'AutoRemove' container with restart policy",
        ),
    ],
)
def test_senseless_policy_is_refused(host: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_policy(HostConfig(**host))  # type: ignore[arg-type]
    assert caught.value.message == message


@pytest.mark.parametrize(
    "host",
    [
        {"restart_policy": policy("on-failure", 3)},
        {"restart_policy": policy("", 3)},
        {"restart_policy": policy("no"), "auto_remove": True},
        {"auto_remove": True},
    ],
)
def test_sensible_policy_passes(host: dict[str, object]) -> None:
    check_policy(HostConfig(**host))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "retries", "exit_code", "restarts", "expected"),
    [
        ("no", 0, 1, 0, False),
        ("", 0, 1, 0, False),
        ("always", 0, 0, 99, True),
        ("unless-stopped", 0, 0, 0, True),
        ("on-failure", 0, 0, 0, False),
        ("on-failure", 0, 1, 99, True),
        ("on-failure", 2, 1, 1, True),
        ("on-failure", 2, 1, 2, False),
    ],
)
def test_restart_after_an_exit(
    name: str, retries: int, exit_code: int, restarts: int, expected: bool
) -> None:
    container = a_container(restart_count=restarts)
    assert should_restart(policy(name, retries), container, exit_code=exit_code) is expected


@pytest.mark.parametrize("name", ["always", "unless-stopped", "on-failure"])
def test_what_the_user_stopped_is_not_restarted(name: str) -> None:
    stopped = a_container(stopped_by_user=True)
    assert not should_restart(policy(name), stopped, exit_code=1)


START, LEAVE, GO_ON = AtEngineStart.START, AtEngineStart.LEAVE, AtEngineStart.GO_ON


@pytest.mark.parametrize("same_boot", [True, False])
@pytest.mark.parametrize(
    ("name", "stopped_by_user", "exit_code", "expected"),
    [
        ("always", True, 0, START),
        ("always", False, 0, START),
        ("unless-stopped", False, 0, START),
        ("unless-stopped", True, 0, LEAVE),
        ("on-failure", False, 1, START),
        ("on-failure", False, 0, LEAVE),
        ("on-failure", True, 137, LEAVE),
        ("no", False, 1, LEAVE),
        ("", False, 255, LEAVE),
    ],
)
def test_engine_start_with_an_ended_container(
    name: str, stopped_by_user: bool, exit_code: int, expected: AtEngineStart, same_boot: bool
) -> None:
    container = an_exited_container(stopped_by_user=stopped_by_user, exit_code=exit_code)
    assert at_engine_start(policy(name), container, same_boot=same_boot) is expected


@pytest.mark.parametrize(("same_boot", "expected"), [(True, GO_ON), (False, START)])
@pytest.mark.parametrize("name", ["always", "unless-stopped", "on-failure"])
def test_engine_start_with_a_restarting_container(
    name: str, same_boot: bool, expected: AtEngineStart
) -> None:
    container = an_exited_container(status=Status.RESTARTING, exit_code=1, restart_count=1)
    assert at_engine_start(policy(name), container, same_boot=same_boot) is expected


def test_engine_start_respects_the_number_of_retries() -> None:
    container = an_exited_container(exit_code=1, restart_count=2)
    assert at_engine_start(policy("on-failure", 2), container, same_boot=True) is LEAVE
    assert at_engine_start(policy("on-failure", 3), container, same_boot=True) is START


@pytest.mark.parametrize("name", ["always", "unless-stopped", "on-failure", "no"])
def test_what_was_never_started_is_not_started_with_the_engine(name: str) -> None:
    assert at_engine_start(policy(name), a_container(), same_boot=False) is LEAVE


@pytest.mark.parametrize(
    ("name", "retries", "expected"),
    [
        ("always", 0, True),
        ("on-failure", 0, True),
        ("on-failure", 2, True),
        ("on-failure", 1, False),
        ("no", 0, False),
    ],
)
def test_a_policy_changed_meanwhile_decides_over_the_next_start(
    name: str, retries: int, expected: bool
) -> None:
    waiting = an_exited_container(status=Status.RESTARTING, exit_code=1, restart_count=2)
    assert still_restarts(policy(name, retries), waiting) is expected


def test_delay_doubles_up_to_a_minute() -> None:
    delays = [0.0]
    for _ in range(12):
        delays.append(next_delay(delays[-1], lived_s=1.0))
    assert delays[1:4] == [FIRST_DELAY_S, 2 * FIRST_DELAY_S, 4 * FIRST_DELAY_S]
    assert delays[-1] == LONGEST_DELAY_S


def test_delay_begins_anew_after_a_steady_life() -> None:
    assert next_delay(51.2, lived_s=10.0) == FIRST_DELAY_S
