"""Sizes and durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budu.base.errors import InvalidArgument
from budu.base.units import (
    SECOND_NS,
    format_duration,
    human_duration,
    human_size,
    human_size_binary,
    parse_bytes,
    parse_duration,
)

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("32b", 32),
        ("32k", 32 * KIB),
        ("32kB", 32 * KIB),
        ("32KiB", 32 * KIB),
        ("10m", 10 * MIB),
        ("1.5g", GIB + GIB // 2),
        ("64 MB", 64 * MIB),
        ("0.5 k", 512),
        ("1e3", 1000),
        ("2t", 2 << 40),
    ],
)
def test_parse_bytes_reads_binary_units(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid size: ''"),
        ("hello", "invalid size: 'hello'"),
        ("-32", "invalid size: '-32'"),
        ("32mm", "invalid suffix: 'mm'"),
        ("32bb", "invalid suffix: 'bb'"),
        ("32kbps", "invalid suffix: 'kbps'"),
        ("32x", "invalid suffix: 'x'"),
        ("1.2.3k", 'strconv.ParseFloat: parsing "1.2.3": invalid syntax'),
        (" 32k", 'strconv.ParseFloat: parsing " 32": invalid syntax'),
    ],
)
def test_parse_bytes_refuses_in_go_units_words(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_bytes(text)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (1024, "1.024kB"),
        (13_256_000, "13.26MB"),
        (13_300_000, "13.3MB"),
        (3.42 * 10**12, "3.42TB"),
    ],
)
def test_human_size_has_four_digits_in_decimal_units(size: float, text: str) -> None:
    assert human_size(size) == text


def test_human_size_of_image_lists_has_three_digits() -> None:
    assert human_size(148_123_456, precision=3) == "148MB"


@pytest.mark.parametrize(
    ("size", "text"),
    [(1023, "1023B"), (1024, "1KiB"), (13_316_915, "12.7MiB"), (GIB * 2, "2GiB")],
)
def test_human_size_binary_uses_binary_units(size: int, text: str) -> None:
    assert human_size_binary(size) == text


@pytest.mark.parametrize(
    ("text", "duration_ns"),
    [
        ("0", 0),
        ("5s", 5 * SECOND_NS),
        ("1h2m3.5s", 3723 * SECOND_NS + SECOND_NS // 2),
        ("-1.5h", -5400 * SECOND_NS),
        ("+30ms", 30_000_000),
        ("1us", 1000),
        ("1µs", 1000),
        (".5s", SECOND_NS // 2),
        ("1.s", SECOND_NS),
    ],
)
def test_parse_duration_reads_gos_form(text: str, duration_ns: int) -> None:
    assert parse_duration(text) == duration_ns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("3", 'time: missing unit in duration "3"'),
        ("-", 'time: invalid duration "-"'),
        ("3x", 'time: unknown unit "x" in duration "3x"'),
        (".s", 'time: invalid duration ".s"'),
        ("1h-2m", 'time: unknown unit "h-" in duration "1h-2m"'),
        ("9999999h", 'time: invalid duration "9999999h"'),
    ],
)
def test_parse_duration_refuses_in_gos_words(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_duration(text)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (3_300_000_000, "3.3s"),
        (245 * SECOND_NS, "4m5s"),
        (3600 * SECOND_NS, "1h0m0s"),
        (-90 * SECOND_NS, "-1m30s"),
    ],
)
def test_format_duration_is_gos(duration_ns: int, text: str) -> None:
    assert format_duration(duration_ns) == text


@given(st.integers(min_value=-(1 << 62), max_value=1 << 62))
def test_durations_survive_formatting_and_parsing(duration_ns: int) -> None:
    assert parse_duration(format_duration(duration_ns)) == duration_ns


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "Less than a second"),
        (1, "1 second"),
        (45, "45 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (3600 * 1.49, "About an hour"),
        (3600 * 1.5, "2 hours"),
        (3600 * 47, "47 hours"),
        (3600 * 48, "2 days"),
        (3600 * 24 * 14, "2 weeks"),
        (3600 * 24 * 60, "2 months"),
        (3600 * 24 * 365 * 2, "2 years"),
    ],
)
def test_human_duration_has_dockers_words(seconds: float, text: str) -> None:
    assert human_duration(int(seconds * SECOND_NS)) == text
