"""Times in lists: in words since then, and in the local zone as Go writes them. Light."""

from __future__ import annotations

import time

from budu.base.units import human_duration


def ago(unix_s: int) -> str:
    """`3 weeks ago`; `N/A` where there is no time."""
    if unix_s <= 0:
        return "N/A"
    return f"{human_duration(max(0, time.time_ns() - unix_s * 10**9))} ago"


def local_time(unix_s: int) -> str:
    """`2026-11-23 22:15:00 +0000 UTC`."""
    moment = time.localtime(unix_s)
    return time.strftime("%Y-%m-%d %H:%M:%S %z ", moment) + moment.tm_zone
