"""Time: unix nanoseconds inside, RFC 3339 on the wire. Light.

Source: RFC 3339; Go time.RFC3339Nano; moby, api/types/time (GetTimestamp, ParseTimestamps) and
pkg/jsonmessage (RFC3339NanoFixed).
"""

from __future__ import annotations

import time

from budu.base.errors import InvalidArgument
from budu.base.units import SECOND_NS, parse_duration

ZERO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time: how an unset time looks on the wire."""

_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def now_ns() -> int:
    """Unix time in nanoseconds."""
    return time.time_ns()


def format_time(unix_ns: int | None) -> str:
    """RFC 3339 in UTC with as many fraction digits as are needed; None is Go's zero time."""
    if unix_ns is None:
        return ZERO_TIME
    seconds, fraction = divmod(unix_ns, SECOND_NS)
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f"{_date_and_time(seconds)}{digits}Z"


def parse_time(text: str) -> int:
    """Unix nanoseconds of an RFC 3339 time with its zone.

    Raises: InvalidArgument when it is something else.
    """
    parsed = _parse_local(text)
    if parsed is None or parsed[1] is None:
        raise InvalidArgument(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse')
    return parsed[0] - parsed[1] * SECOND_NS


def parse_timestamp(text: str) -> int:
    """Unix nanoseconds of `1136073600` or `1136073600.000000001`: what clients send.

    Raises: InvalidArgument with Go's sentence.
    """
    whole, dot, fraction = text.partition(".")
    if not whole.lstrip("+-").isdecimal() or len(whole.lstrip("+-")) + 1 < len(whole):
        raise InvalidArgument(f'strconv.ParseInt: parsing "{whole}": invalid syntax')
    if dot and not fraction.isdecimal():
        raise InvalidArgument(f'strconv.ParseInt: parsing "{fraction}": invalid syntax')
    return int(whole) * SECOND_NS + int(fraction[:9].ljust(9, "0"))


def parse_time_argument(text: str, *, now_ns: int) -> int:
    """Unix nanoseconds of a `--since` or `--until`: `10m` ago, RFC 3339 or a unix time.

    A time without a zone is in this machine's zone.
    Raises: InvalidArgument when it is none of them.
    """
    try:
        return now_ns - parse_duration(text)
    except InvalidArgument:
        pass
    parsed = _parse_local(text)
    if parsed is None:
        return _parse_unix(text)
    local_ns, offset_s = parsed
    if offset_s is None:
        offset_s = time.localtime(now_ns // SECOND_NS).tm_gmtoff
    return local_ns - offset_s * SECOND_NS


def _parse_unix(text: str) -> int:
    try:
        return parse_timestamp(text)
    except InvalidArgument:
        raise InvalidArgument(f'failed to parse value as time or duration: "{text}"') from None


def _date_and_time(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    year, month, day = _civil(days)
    return (
        f"{year:04d}-{month:02d}-{day:02d}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    )


def _parse_local(text: str) -> tuple[int, int | None] | None:
    """Nanoseconds as if the time were UTC, and the zone's offset in seconds where it has one.

    Hours, minutes and seconds may be missing from the end. None when it is not such a time.
    """
    body, offset_s = _split_zone(text)
    date, t, clock = body.partition("T")
    fields = date.split("-")
    if [len(field) for field in fields] != [4, 2, 2] or (t and not clock):
        return None
    clock, dot, fraction = clock.partition(".")
    parts = clock.split(":") if t else []
    numbers = fields + parts
    if len(parts) > 3 or not all(n.isdecimal() and n.isascii() for n in numbers):
        return None
    if any(len(part) != 2 for part in parts) or (dot and not _is_fraction(fraction, parts)):
        return None
    return _assemble([int(n) for n in numbers], fraction, offset_s)


def _is_fraction(text: str, parts: list[str]) -> bool:
    return len(parts) == 3 and text.isdecimal() and text.isascii()


def _assemble(
    numbers: list[int], fraction: str, offset_s: int | None
) -> tuple[int, int | None] | None:
    year, month, day, hour, minute, second = [*numbers, 0, 0, 0][:6]
    if not (1 <= month <= 12 and 1 <= day <= _days_in_month(year, month)):
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    seconds = _day_number(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
    return seconds * SECOND_NS + int(fraction[:9].ljust(9, "0")), offset_s


def _split_zone(text: str) -> tuple[str, int | None]:
    if text.endswith("Z"):
        return text[:-1], 0
    if len(text) > 16 or (len(text) == 16 and "T" not in text):
        zone = text[-6:]
        digits = zone[1:3] + zone[4:6]
        if zone[0] in "+-" and zone[3] == ":" and digits.isdecimal():
            offset_s = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
            return text[:-6], -offset_s if zone[0] == "-" else offset_s
    return text, None


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_in_month(year: int, month: int) -> int:
    return 29 if month == 2 and _is_leap(year) else _MONTH_DAYS[month - 1]


def _day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar."""
    before = year - 1
    leap_days = before // 4 - before // 100 + before // 400
    in_year = _DAYS_BEFORE[month - 1] + (month > 2 and _is_leap(year)) + day - 1
    return before * 365 + leap_days + in_year - 719_162


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a day number."""
    year = 1970 + days * 400 // 146_097
    while _day_number(year, 1, 1) > days:
        year -= 1
    while _day_number(year + 1, 1, 1) <= days:
        year += 1
    month = 12
    while _day_number(year, month, 1) > days:
        month -= 1
    return year, month, days - _day_number(year, month, 1) + 1
