"""Moments as people write them: `42m`, `2013-01-02T13:23:37Z`, a date, seconds. Light."""

from __future__ import annotations

import time

from budu.cli.failures import CommandFailed

_BILLION = 1_000_000_000


def moment_of(flag: str, text: str) -> str | None:
    """Seconds of the epoch, for `42m`, `2013-01-02T13:23:37Z`, a date or seconds."""
    from budu.base.errors import InvalidArgument

    if not text:
        return None
    try:
        return moment(text, time.time_ns())
    except (InvalidArgument, ValueError):
        words = f'failed to parse value as time or duration: "{text}"'
        raise CommandFailed(f'invalid value for "{flag}": {words}') from None


def moment(text: str, now_ns: int) -> str:
    """`seconds.nanoseconds` of a time that a person wrote; durations count back from `now_ns`.

    Raises: InvalidArgument or ValueError for what is none.
    Source: moby `api/types/time/timestamp.go` (GetTimestamp).
    """
    if text.replace(".", "", 1).isdecimal():
        return text
    if text[0].isdecimal() and "-" in text:
        return _from_date(text)
    from budu.base.units import parse_duration

    at_ns = now_ns - parse_duration(text)
    return f"{at_ns // _BILLION}.{at_ns % _BILLION:09d}"


def _from_date(text: str) -> str:
    from datetime import datetime

    whole, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if dot else ""
    zone = rest[len(digits) :]
    parsed = datetime.fromisoformat(whole + zone)
    moment_s = int(parsed.timestamp())
    return f"{moment_s}.{digits.ljust(9, '0')[:9]}"
