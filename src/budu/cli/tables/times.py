"""Times in lists: in words since then, and in the local zone as Go writes them. Light."""

from __future__ import annotations

import time

from budu.base.units import human_duration

_KOREAN = {
    "Less than a second": "1초 미만",
    "About a minute": "약 1분",
    "About an hour": "약 1시간",
}
_KOREAN_UNITS = {
    "second": "초",
    "minute": "분",
    "hour": "시간",
    "day": "일",
    "week": "주",
    "month": "개월",
    "year": "년",
}


def duration(duration_ns: int, lang: str) -> str:
    """`3 weeks` or `3주`: for sentences; lists keep Docker's words in either language."""
    words = human_duration(duration_ns)
    if lang != "ko":
        return words
    if words in _KOREAN:
        return _KOREAN[words]
    count, _, unit = words.partition(" ")
    return f"{count}{_KOREAN_UNITS[unit.removesuffix('s')]}"


def ago(unix_s: int) -> str:
    """`3 weeks ago`; `N/A` where there is no time."""
    if unix_s <= 0:
        return "N/A"
    return f"{human_duration(max(0, time.time_ns() - unix_s * 10**9))} ago"


def rfc3339_local(unix_ns: int) -> str:
    """`2026-11-23T22:15:00.000000001+09:00`, always with nine digits; `Z` in UTC."""
    seconds, rest = divmod(unix_ns, 10**9)
    moment = time.localtime(seconds)
    zone = time.strftime("%z", moment)
    zone = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', moment)}.{rest:09d}{zone}"


def go_time(text: str) -> str:
    """An RFC 3339 time as Go prints it: `2026-11-23 22:15:00.1 +0000 UTC`."""
    date, _, rest = text.partition("T")
    if rest.endswith("Z"):
        return f"{date} {rest[:-1]} +0000 UTC"
    zone = rest[-6:].replace(":", "")
    return f"{date} {rest[:-6]} {zone} {zone}"


def local_time(unix_s: int) -> str:
    """`2026-11-23 22:15:00 +0000 UTC`."""
    moment = time.localtime(unix_s)
    return time.strftime("%Y-%m-%d %H:%M:%S %z ", moment) + moment.tm_zone
