"""Sizes and durations as Docker reads and writes them. Light.

Source: docker/go-units (size.go, duration.go); Go time.ParseDuration and Duration.String.
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument

SECOND_NS = 1_000_000_000
"""Nanoseconds of a second."""

_BINARY = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_DECIMAL_NAMES = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY_NAMES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
_DURATION_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND_NS,
    "m": 60 * SECOND_NS,
    "h": 3600 * SECOND_NS,
}
_MAX_INT64 = (1 << 63) - 1


def parse_bytes(text: str) -> int:
    """Bytes of `10m`, `1.5g`, `512`, `64 KiB`: units are powers of 1024, `b` alone is one byte.

    Raises: InvalidArgument with go-units' sentence.
    """
    number, suffix = _split_size(text)
    size = _parse_float(number)
    if size < 0 or size > _MAX_INT64:
        raise InvalidArgument(f"invalid size: '{text}'")
    return int(size * _multiplier(suffix))


def _split_size(text: str) -> tuple[str, str]:
    end = len(text)
    while end and text[end - 1] not in "0123456789. ":
        end -= 1
    if not end:
        raise InvalidArgument(f"invalid size: '{text}'")
    number = text[: end - 1] if text[end - 1] == " " else text[:end]
    return number, text[end:]


def _parse_float(text: str) -> float:
    digits = text[1:] if text[:1] in ("-", "+") else text
    mantissa, e, exponent = digits.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    if not (whole + fraction).isdecimal() or (e and not exponent.lstrip("+-").isdecimal()):
        raise InvalidArgument(f'strconv.ParseFloat: parsing "{text}": invalid syntax')
    return float(text)


def _multiplier(suffix: str) -> int:
    unit = suffix.lower()
    if unit in ("", "b"):
        return 1
    if unit[0] in _BINARY and unit[1:] in ("", "b", "ib"):
        return _BINARY[unit[0]]
    raise InvalidArgument(f"invalid suffix: '{unit if len(suffix) <= 3 else suffix}'")


def human_size(size_bytes: float, *, precision: int = 4) -> str:
    """`13.3MB`: decimal units and `precision` significant digits (image lists use 3)."""
    return _scaled(size_bytes, 1000.0, _DECIMAL_NAMES, precision)


def human_size_binary(size_bytes: float, *, precision: int = 4) -> str:
    """`12.7MiB`: binary units, as in the memory column of stats."""
    return _scaled(size_bytes, 1024.0, _BINARY_NAMES, precision)


def _scaled(size: float, base: float, names: tuple[str, ...], precision: int) -> str:
    step = 0
    while size >= base and step < len(names) - 1:
        size /= base
        step += 1
    return f"{size:.{precision}g}{names[step]}"


def parse_duration(text: str) -> int:
    """Nanoseconds of Go's `1h2m3.5s`, `-10ms`, `0`.

    Raises: InvalidArgument with Go's sentence.
    """
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    if not rest:
        raise InvalidArgument(f'time: invalid duration "{text}"')
    total = 0
    while rest:
        amount, rest = _duration_part(rest, text)
        total += amount
    if total > _MAX_INT64:
        raise InvalidArgument(f'time: invalid duration "{text}"')
    return -total if text[0] == "-" else total


def _duration_part(rest: str, text: str) -> tuple[int, str]:
    number_end = _span(rest, "0123456789.")
    number = rest[:number_end]
    whole, _, fraction = number.partition(".")
    if not (whole + fraction).isdecimal() or "." in fraction:
        raise InvalidArgument(f'time: invalid duration "{text}"')
    unit_end = number_end
    while unit_end < len(rest) and rest[unit_end] not in "0123456789.":
        unit_end += 1
    unit = rest[number_end:unit_end]
    if not unit:
        raise InvalidArgument(f'time: missing unit in duration "{text}"')
    if unit not in _DURATION_NS:
        raise InvalidArgument(f'time: unknown unit "{unit}" in duration "{text}"')
    scale = _DURATION_NS[unit]
    part = int(whole or "0") * scale
    if fraction:
        part += int(fraction) * scale // 10 ** len(fraction)
    return part, rest[unit_end:]


def _span(text: str, characters: str) -> int:
    end = 0
    while end < len(text) and text[end] in characters:
        end += 1
    return end


def format_duration(duration_ns: int) -> str:
    """Go's spelling: `1h2m3.5s`, `1.5ms`, `0s`."""
    if duration_ns < 0:
        return "-" + format_duration(-duration_ns)
    if duration_ns < SECOND_NS:
        return _format_subsecond(duration_ns)
    minutes, rest = divmod(duration_ns, 60 * SECOND_NS)
    seconds = f"{_decimal(rest, SECOND_NS)}s"
    if not minutes:
        return seconds
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}"


def _format_subsecond(duration_ns: int) -> str:
    if not duration_ns:
        return "0s"
    for unit in ("ms", "µs"):
        if duration_ns >= _DURATION_NS[unit]:
            return _decimal(duration_ns, _DURATION_NS[unit]) + unit
    return f"{duration_ns}ns"


def _decimal(value: int, scale: int) -> str:
    whole, rest = divmod(value, scale)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:0{len(str(scale)) - 1}d}".rstrip("0")


def human_duration(duration_ns: int) -> str:
    """`About a minute`, `3 weeks`: the words of the STATUS column."""
    seconds = duration_ns // SECOND_NS
    if seconds < 60:
        return _seconds_in_words(seconds)
    minutes = seconds // 60
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    hours = (duration_ns + 1800 * SECOND_NS) // (3600 * SECOND_NS)
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{seconds // 3600 // 24 // 365} years"


def _seconds_in_words(seconds: int) -> str:
    if seconds < 1:
        return "Less than a second"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
