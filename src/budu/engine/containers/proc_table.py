"""The table of `ps -ef`, read from /proc.

Source: man 1 ps (columns of -f); man 5 proc, /proc/pid/stat, cmdline, status; procps-ng, which
shows the processor's share as a whole percentage and a day or a year for an old start.
"""

from __future__ import annotations

import functools
import os
import pwd
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

TITLES = ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")
"""The columns of `ps -ef`."""

DEFAULT_ARGUMENTS = ("-ef", "-fe")
"""Options of `ps` that ask for this table."""

_NAME_WIDTH = 8
_MAX_SHARE = 99
_PTS_MAJORS = range(136, 144)
_TTY_MAJOR = 4
_SERIAL_FIRST = 64
_CONSOLE = (5, 1)


def read_rows(pids: Iterable[int]) -> Iterator[tuple[str, ...]]:
    """A row for each process that is still there."""
    uptime_s = _uptime_s()
    now_s = time.time()
    for pid in pids:
        try:
            yield _row(pid, uptime_s=uptime_s, now_s=now_s)
        except (FileNotFoundError, ProcessLookupError):
            continue


def _row(pid: int, *, uptime_s: float, now_s: float) -> tuple[str, ...]:
    folder = Path("/proc") / str(pid)
    head, _, rest = (folder / "stat").read_text(errors="replace").rpartition(")")
    name = head.partition("(")[2]
    fields = rest.split()
    tick = os.sysconf("SC_CLK_TCK")
    used_s = (int(fields[11]) + int(fields[12])) // tick
    age_s = uptime_s - int(fields[19]) / tick
    share = int((int(fields[11]) + int(fields[12])) * 100 / tick / age_s) if age_s >= 1 else 0
    return (
        user_name(_effective_uid(folder)),
        str(pid),
        fields[1],
        str(min(share, _MAX_SHARE)),
        start_text(now_s - age_s, now_s),
        terminal_name(int(fields[4])),
        time_text(used_s),
        command_text((folder / "cmdline").read_bytes(), name, state=fields[0]),
    )


def _effective_uid(folder: Path) -> int:
    for line in (folder / "status").read_text(errors="replace").splitlines():
        if line.startswith("Uid:"):
            return int(line.split()[2])
    raise ProcessLookupError(folder.name)


def _uptime_s() -> float:
    return float(Path("/proc/uptime").read_text().split()[0])


@functools.lru_cache(maxsize=256)
def user_name(uid: int) -> str:
    """The host's name of a user, at most eight characters wide; the number without one."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
    return name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 1]}+"


def start_text(start_s: float, now_s: float) -> str:
    """`14:05` today, `Nov23` this year, else the year."""
    start, now = time.localtime(start_s), time.localtime(now_s)
    if start.tm_year != now.tm_year:
        return str(start.tm_year)
    if start.tm_yday != now.tm_yday:
        return f"{_MONTHS[start.tm_mon - 1]}{start.tm_mday:02}"
    return f"{start.tm_hour:02}:{start.tm_min:02}"


# fmt: off
_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)
# fmt: on


def terminal_name(number: int) -> str:
    """`pts/3`, `tty1`, `ttyS0`; `?` without a terminal. `number` is the kernel's device number."""
    major, minor = os.major(number), os.minor(number)
    if major in _PTS_MAJORS:
        return f"pts/{minor + 256 * (major - _PTS_MAJORS.start)}"
    if major == _TTY_MAJOR:
        serial = minor - _SERIAL_FIRST
        return f"tty{minor}" if serial < 0 else f"ttyS{serial}"
    return "console" if (major, minor) == _CONSOLE else "?"


def time_text(seconds: int) -> str:
    """`00:01:02`; days stand in front."""
    days, rest = divmod(seconds, 86_400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}-{clock}" if days else clock


def command_text(command_line: bytes, name: str, *, state: str) -> str:
    """The arguments; the program's name in brackets where there are none."""
    text = command_line.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    if text:
        return "".join(char if char.isprintable() else "?" for char in text)
    return f"[{name}] <defunct>" if state == "Z" else f"[{name}]"
