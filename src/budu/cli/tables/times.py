"""Times in lists: in words since then, and in the local zone as Go writes them. Light."""

from __future__ import annotations

import time

from budu.base.units import human_duration


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


def local_time(unix_s: int) -> str:
    """`2026-11-23 22:15:00 +0000 UTC`."""
    moment = time.localtime(unix_s)
    return time.strftime("%Y-%m-%d %H:%M:%S %z ", moment) + moment.tm_zone
