"""How long ago, in words of the person's language."""

from __future__ import annotations

import pytest

from budu.cli.tables.times import duration

SECOND = 10**9
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("duration_ns", "english", "korean"),
    [
        (0, "Less than a second", "1초 미만"),
        (SECOND, "1 second", "1초"),
        (59 * SECOND, "59 seconds", "59초"),
        (MINUTE, "About a minute", "약 1분"),
        (5 * MINUTE, "5 minutes", "5분"),
        (HOUR, "About an hour", "약 1시간"),
        (47 * HOUR, "47 hours", "47시간"),
        (3 * DAY, "3 days", "3일"),
        (20 * DAY, "2 weeks", "2주"),
        (90 * DAY, "3 months", "3개월"),
        (800 * DAY, "2 years", "2년"),
    ],
)
def test_a_duration_in_both_languages(duration_ns: int, english: str, korean: str) -> None:
    assert (duration(duration_ns, "en"), duration(duration_ns, "ko")) == (english, korean)
