"""The arguments of HEALTHCHECK. Pure.

Source: buildkit 0.23 instructions/parse.go, parseHealthcheck.
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument
from budu.base.quoting import quote
from budu.base.units import parse_duration
from budu.build.dockerfile.flags import Flags, Kind, parse_flags
from budu.build.dockerfile.model import Command, HealthProbe
from budu.build.dockerfile.statement import Statement

_SHORTEST_NS = 1_000_000
_MOST_RETRIES = (1 << 31) - 1
_KINDS = dict.fromkeys(
    ("interval", "timeout", "start-period", "start-interval", "retries"), Kind.TEXT
)


def parse_health(statement: Statement, *, line: int, source: str) -> HealthProbe:
    """Read HEALTHCHECK. Raises: InvalidArgument with Docker's sentence."""
    if not statement.arguments:
        raise InvalidArgument("HEALTHCHECK requires at least one argument")
    kind, words = statement.arguments[0].upper(), statement.arguments[1:]
    if kind == "NONE":
        if words:
            raise InvalidArgument("HEALTHCHECK NONE takes no arguments")
        return HealthProbe(line=line, source=source)
    flags = parse_flags(statement.flags, _KINDS)
    if kind != "CMD":
        raise InvalidArgument(f"Unknown type {quote(kind)} in HEALTHCHECK (try CMD)")
    if not words:
        raise InvalidArgument("Missing command after HEALTHCHECK CMD")
    return HealthProbe(
        line=line,
        source=source,
        command=Command(words=words, is_shell=not statement.is_json),
        interval_ns=_interval("interval", flags),
        timeout_ns=_interval("timeout", flags),
        start_period_ns=_interval("start-period", flags),
        start_interval_ns=_interval("start-interval", flags),
        retries=_retries(flags.text("retries")),
    )


def _interval(name: str, flags: Flags) -> int:
    text = flags.text(name)
    duration_ns = parse_duration(text) if text else 0
    if duration_ns and duration_ns < _SHORTEST_NS:
        raise InvalidArgument(f'Interval "{name}" cannot be less than 1ms')
    return duration_ns


def _retries(text: str) -> int:
    if not text:
        return 0
    digits = text[1:] if text[0] in "+-" else text
    if not (digits.isascii() and digits.isdecimal()):
        raise InvalidArgument(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    # So many digits are too large whatever they are; Python refuses to read thousands of them.
    count = int(digits[:20]) if len(digits.lstrip("0")) < 20 else _MOST_RETRIES + 1
    if count > _MOST_RETRIES:
        raise InvalidArgument(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    if text[0] == "-" and count:
        raise InvalidArgument(f"--retries cannot be negative (-{count})")
    return count
