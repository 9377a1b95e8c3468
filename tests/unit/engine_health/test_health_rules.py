"""How health changes: Docker's rules as tables, and the pauses of healing."""

from __future__ import annotations

import msgspec
import pytest

from budu.base.units import SECOND_NS
from budu.engine.containers.health_config import OnUnhealthy, ProbeKind, ProbeSettings
from budu.engine.containers.health_rules import (
    CURED_AFTER_NS,
    FIRST_PAUSE_NS,
    LONGEST_PAUSE_NS,
    after_probe,
    begin,
    end,
    healed,
    healing_delay_ns,
    needs_healing,
    next_delay_ns,
    pause_ns,
    resume_delay_ns,
)
from budu.engine.containers.health_state import HealthState, HealthStatus, ProbeRecord

BORN = 1_000 * SECOND_NS
STARTING, HEALTHY, UNHEALTHY = (
    HealthStatus.STARTING,
    HealthStatus.HEALTHY,
    HealthStatus.UNHEALTHY,
)


def settings(**changes: object) -> ProbeSettings:
    """A probe every 30 s with 3 retries."""
    return msgspec.structs.replace(ProbeSettings(kind=ProbeKind.EXEC, argv=("true",)), **changes)


def a_probe(code: int, *, at_s: float = 0) -> ProbeRecord:
    """A probe that began so many seconds after the container's start and took one."""
    start_ns = BORN + int(at_s * SECOND_NS)
    return ProbeRecord(start_ns=start_ns, end_ns=start_ns + SECOND_NS, exit_code=code)


def after(codes: str, probe: ProbeSettings, *, every_s: float = 30) -> HealthState:
    """The state after probes that ended well (`+`) or badly (`-`)."""
    state = begin(BORN, before=None)
    for number, code in enumerate(codes, start=1):
        state = after_probe(state, probe, a_probe(int(code != "+"), at_s=number * every_s))
    return state


@pytest.mark.parametrize(
    ("codes", "status", "streak"),
    [
        ("", STARTING, 0),
        ("-", STARTING, 1),
        ("--", STARTING, 2),
        ("---", UNHEALTHY, 3),
        ("----", UNHEALTHY, 4),
        ("+", HEALTHY, 0),
        ("+--", HEALTHY, 2),
        ("+---", UNHEALTHY, 3),
        ("+--+--", HEALTHY, 2),
        ("---+", HEALTHY, 0),
    ],
)
def test_status_and_streak(codes: str, status: HealthStatus, streak: int) -> None:
    state = after(codes, settings())
    assert (state.status, state.failing_streak) == (status, streak)


@pytest.mark.parametrize(
    ("codes", "status", "streak"),
    [
        ("---", STARTING, 0),
        ("----", STARTING, 1),
        ("------", UNHEALTHY, 3),
        ("+---", UNHEALTHY, 3),
        ("+--", HEALTHY, 2),
    ],
)
def test_failures_in_the_start_period_count_after_a_success_only(
    codes: str, status: HealthStatus, streak: int
) -> None:
    state = after(codes, settings(start_period_ns=40 * SECOND_NS), every_s=10.5)
    assert (state.status, state.failing_streak) == (status, streak)


@pytest.mark.parametrize("code", [1, 2, 126, 137, -1])
def test_every_code_but_zero_is_a_failure(code: int) -> None:
    state = after_probe(begin(BORN, before=None), settings(retries=1), a_probe(code))
    assert state.status is UNHEALTHY


def test_the_last_five_probes_are_kept() -> None:
    state = after("++++---", settings())
    assert [probe.exit_code for probe in state.log] == [0, 0, 1, 1, 1]


def test_a_new_life_begins_with_the_old_log() -> None:
    old = healed(after("---", settings()), now_ns=BORN)
    new = begin(BORN + 1, before=old)
    assert (new.status, new.failing_streak, new.heals) == (STARTING, 0, 1)
    assert new.log == old.log


def test_what_has_ended_is_unhealthy() -> None:
    assert end(after("+", settings())).status is UNHEALTHY


@pytest.mark.parametrize(
    ("codes", "now_s", "expected_s"),
    [("", 0, 5), ("--", 39, 5), ("", 40, 30), ("+", 10, 30), ("+-", 39, 30)],
)
def test_probes_come_quicker_while_starting(codes: str, now_s: int, expected_s: int) -> None:
    probe = settings(start_period_ns=40 * SECOND_NS)
    now_ns = BORN + now_s * SECOND_NS
    delay = next_delay_ns(after(codes, probe, every_s=5), probe, now_ns=now_ns)
    assert delay == expected_s * SECOND_NS


@pytest.mark.parametrize(
    ("codes", "now_s", "expected_s"),
    [("", 10, 20), ("", 100, 0), ("+", 41, 20), ("+", 500, 0), ("", -50, 30)],
)
def test_another_engine_goes_on_in_the_same_step(codes: str, now_s: int, expected_s: int) -> None:
    now_ns = BORN + now_s * SECOND_NS
    delay = resume_delay_ns(after(codes, settings()), settings(), now_ns=now_ns)
    assert delay == expected_s * SECOND_NS


@pytest.mark.parametrize(
    ("codes", "action", "expected"),
    [
        ("---", OnUnhealthy.RESTART, True),
        ("---", OnUnhealthy.NONE, False),
        ("--", OnUnhealthy.RESTART, False),
        ("---+", OnUnhealthy.KILL, False),
    ],
)
def test_who_is_healed(codes: str, action: OnUnhealthy, expected: bool) -> None:
    probe = settings(on_unhealthy=action)
    assert needs_healing(after(codes, probe), probe) is expected


def test_pauses_double_up_to_five_minutes() -> None:
    pauses = [pause_ns(heals) for heals in range(5)]
    assert pauses == [0, *(FIRST_PAUSE_NS << n for n in range(4))]
    assert pause_ns(1000) == LONGEST_PAUSE_NS


def test_the_first_healing_comes_at_once_and_the_next_after_its_pause() -> None:
    state = after("---", settings())
    assert healing_delay_ns(state, now_ns=BORN) == 0
    state = healed(healed(state, now_ns=BORN), now_ns=BORN)
    assert healing_delay_ns(state, now_ns=BORN + SECOND_NS) == SECOND_NS
    assert healing_delay_ns(state, now_ns=BORN + 5 * SECOND_NS) == 0


def test_a_clock_that_went_back_does_not_stretch_a_pause() -> None:
    state = healed(after("---", settings()), now_ns=BORN)
    assert healing_delay_ns(state, now_ns=0) == pause_ns(1)


@pytest.mark.parametrize(("healthy_s", "heals"), [(599, 1), (601, 0)])
def test_long_health_forgets_what_was_healed(healthy_s: int, heals: int) -> None:
    state = healed(after("---", settings()), now_ns=BORN)
    for at_s in (0, healthy_s):
        state = after_probe(state, settings(), a_probe(0, at_s=at_s))
    assert state.heals == heals
    assert CURED_AFTER_NS == 600 * SECOND_NS


def test_a_failure_in_between_keeps_what_was_healed() -> None:
    state = healed(after("+---", settings()), now_ns=BORN)
    for at_s, code in ((500, 0), (530, 1), (560, 1), (590, 1), (620, 0), (1150, 0)):
        state = after_probe(state, settings(), a_probe(code, at_s=at_s))
    assert (state.status, state.heals) == (HEALTHY, 1)
