"""Times on the wire and on the command line."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.clock import (
    ZERO_TIME,
    format_time,
    parse_time,
    parse_time_argument,
    parse_timestamp,
)
from budu.base.errors import InvalidArgument
from budu.base.units import SECOND_NS

NOW = 1_700_000_000 * SECOND_NS
ZERO_NS = -62_135_596_800 * SECOND_NS
LEAP_DAY = 1_709_210_096 * SECOND_NS


def test_unset_time_is_gos_zero_time() -> None:
    assert format_time(None) == ZERO_TIME == "0001-01-01T00:00:00Z"
    assert parse_time(ZERO_TIME) == ZERO_NS
    assert format_time(ZERO_NS) == ZERO_TIME


@pytest.mark.parametrize(
    ("unix_ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (LEAP_DAY, "2024-02-29T12:34:56Z"),
        (LEAP_DAY + 120_000_000, "2024-02-29T12:34:56.12Z"),
        (LEAP_DAY + 1, "2024-02-29T12:34:56.000000001Z"),
    ],
)
def test_format_time_has_no_needless_digits(unix_ns: int, text: str) -> None:
    assert format_time(unix_ns) == text


@given(st.integers(min_value=ZERO_NS, max_value=253_402_300_799 * SECOND_NS))
def test_times_survive_formatting_and_parsing(unix_ns: int) -> None:
    assert parse_time(format_time(unix_ns)) == unix_ns


@given(st.datetimes(min_value=datetime.datetime(1, 1, 1), timezones=st.just(datetime.UTC)))
def test_calendar_agrees_with_datetime(moment: datetime.datetime) -> None:
    whole = moment.replace(microsecond=0)
    seconds = (whole - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(
        seconds=1
    )
    assert format_time(seconds * SECOND_NS) == whole.isoformat().replace("+00:00", "Z")


def test_zone_is_taken_into_account() -> None:
    assert parse_time("2024-02-29T21:34:56+09:00") == LEAP_DAY
    assert parse_time("2024-02-29T07:04:56-05:30") == LEAP_DAY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01T0:00:00Z",
        "2024-01-01T00:00.5Z",
        "2024-1-1T00:00:00Z",
    ],
)
def test_other_texts_are_no_times(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "unix_ns"),
    [
        ("0", 0),
        ("1136073600", 1_136_073_600 * SECOND_NS),
        ("1136073600.000000001", 1_136_073_600 * SECOND_NS + 1),
        ("1136073600.5", 1_136_073_600 * SECOND_NS + SECOND_NS // 2),
    ],
)
def test_timestamps_are_seconds_with_a_fraction(text: str, unix_ns: int) -> None:
    assert parse_timestamp(text) == unix_ns


@pytest.mark.parametrize("text", ["", "abc", "1.x", "--1", "1.5.5"])
def test_bad_timestamps_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid syntax"):
        parse_timestamp(text)


@pytest.mark.parametrize(
    ("text", "unix_ns"),
    [
        ("10m", NOW - 600 * SECOND_NS),
        ("1h30m", NOW - 5400 * SECOND_NS),
        ("1699999999", NOW - SECOND_NS),
        ("2024-02-29T12:34:56Z", LEAP_DAY),
        ("2024-02-29T12:34:56.5Z", LEAP_DAY + SECOND_NS // 2),
        ("2024-02-29Z", LEAP_DAY - (12 * 3600 + 34 * 60 + 56) * SECOND_NS),
        ("2024-02-29T12:34Z", LEAP_DAY - 56 * SECOND_NS),
        ("2024-02-29+01:00", LEAP_DAY - (13 * 3600 + 34 * 60 + 56) * SECOND_NS),
    ],
)
def test_time_arguments_have_many_forms(text: str, unix_ns: int) -> None:
    assert parse_time_argument(text, now_ns=NOW) == unix_ns


def test_time_argument_without_zone_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "KST-9")
    time.tzset()
    try:
        got = parse_time_argument("2024-02-29T21:34:56", now_ns=NOW)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert got == LEAP_DAY


@pytest.mark.parametrize("text", ["yesterday", "2024-02-30", "2024-xx-01"])
def test_bad_time_arguments_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_time_argument(text, now_ns=NOW)
    assert caught.value.message == f'failed to parse value as time or duration: "{text}"'
