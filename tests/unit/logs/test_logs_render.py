"""What clients read, compared with Docker's formats."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budu.base.errors import InvalidArgument, NotImplementedHere
from budu.logs.driver import (
    DEFAULT_MAX_FILES,
    DEFAULT_MAX_SIZE,
    UNLIMITED_PIECE,
    LogSettings,
    find_driver,
)
from budu.logs.frames import CONTINUES, STDERR, STDOUT, Frame
from budu.logs.render import JsonRenderer, Renderer, choose_renderer, rfc3339_nano

TIME = 1_714_979_289_000_000_010
STAMP = b"2024-05-06T07:08:09.000000010Z"


def frame(data: bytes, stream: int = STDOUT, at: int = TIME) -> Frame:
    return (stream, 0, at, data)


def more(data: bytes) -> Frame:
    return (STDOUT, CONTINUES, TIME, data)


def run(renderer: Renderer, *frames: Frame) -> bytes:
    return b"".join(renderer.render([one]) for one in frames) + renderer.finish()


def demultiplex(data: bytes) -> list[tuple[int, bytes]]:
    parts = []
    while data:
        stream, size = struct.unpack_from(">BxxxI", data)
        parts.append((stream, data[8 : 8 + size]))
        data = data[8 + size :]
    return parts


def test_stamp_has_nine_digits() -> None:
    assert rfc3339_nano(TIME) == STAMP


def test_plain_output_is_framed_by_stream() -> None:
    renderer = choose_renderer(tty=False)
    out = renderer.render([frame(b"a"), frame(b"b\n"), frame(b"e\n", STDERR), frame(b"c")])
    assert demultiplex(out) == [(1, b"ab\n"), (2, b"e\n"), (1, b"c")]


def test_terminal_output_is_raw() -> None:
    assert run(choose_renderer(tty=True), frame(b"a\r\n"), frame(b"b")) == b"a\r\nb"


def test_each_line_is_stamped_with_the_time_it_was_complete() -> None:
    renderer = choose_renderer(tty=False, timestamps=True)
    out = run(renderer, frame(b"one\ntw", at=0), frame(b"err\n", STDERR), more(b"o\nrest"))
    epoch = rfc3339_nano(0)
    assert demultiplex(out) == [
        (1, epoch + b" one\n"),
        (2, STAMP + b" err\n"),
        (1, STAMP + b" two\n"),
        (1, STAMP + b" rest"),
    ]


def test_a_new_run_does_not_go_on_with_the_line_of_the_last_one() -> None:
    out = run(choose_renderer(tty=True, timestamps=True), frame(b"killed", at=0), frame(b"new\n"))
    assert out == rfc3339_nano(0) + b" killed" + STAMP + b" new\n"


def test_details_come_between_stamp_and_line() -> None:
    renderer = choose_renderer(tty=True, timestamps=True, attributes="a=1,b=2")
    assert run(renderer, frame(b"x\n")) == STAMP + b" a=1,b=2 x\n"
    assert run(choose_renderer(tty=True, attributes=""), frame(b"x\n")) == b" x\n"


@settings(deadline=None)
@given(
    lines=st.lists(st.integers(0, 40000), min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 20000), min_size=1, max_size=5),
)
def test_long_lines_are_cut_at_16_kib_however_they_arrive(
    lines: list[int], sizes: list[int]
) -> None:
    data = b"".join(b"x" * length + b"\n" for length in lines)
    expected = []
    for length in lines:
        expected += ["x" * 16384] * (length // 16384) + ["x" * (length % 16384) + "\n"]
    frames, at, turn = [], 0, 0
    while at < len(data):
        step = sizes[turn % len(sizes)]
        frames.append(more(data[at : at + step]))
        at, turn = at + step, turn + 1
    records = [json.loads(line) for line in run(JsonRenderer(), *frames).splitlines()]
    assert [record["log"] for record in records] == expected


@given(text=st.text(max_size=200), stream=st.sampled_from([STDOUT, STDERR]))
def test_json_lines_carry_any_text(text: str, stream: int) -> None:
    out = run(JsonRenderer(), frame(text.encode(), stream))
    records = [json.loads(line) for line in out.split(b"\n") if line]
    assert "".join(record["log"] for record in records) == text
    assert {record["stream"] for record in records} <= {"stdout" if stream == 1 else "stderr"}


def test_json_lines_look_as_dockers() -> None:
    out = run(JsonRenderer(), frame(b'a "q" <b>\t\x01\n\xff\n'))
    assert out == (
        rb'{"log":"a \"q\" \u003cb\u003e\t\u0001\n","stream":"stdout","time":"%b"}' % STAMP
        + b"\n"
        + f'{{"log":"\ufffd\\n","stream":"stdout","time":"{STAMP.decode()}"}}\n'.encode()
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (DEFAULT_MAX_SIZE, DEFAULT_MAX_FILES)),
        ({"max-size": "10k", "max-file": "3"}, (10240, 3)),
        ({"max-size": "1.5m"}, (1572864, DEFAULT_MAX_FILES)),
        ({"max-size": "2GB"}, (2 << 30, DEFAULT_MAX_FILES)),
        ({"max-size": "-1"}, (UNLIMITED_PIECE, 0)),
    ],
)
def test_rotation_options(options: dict[str, str], expected: tuple[int, int]) -> None:
    kept = find_driver("json-file").settings(options)
    assert kept == LogSettings(max_size=expected[0], max_files=expected[1])


@pytest.mark.parametrize("options", [{"max-size": "big"}, {"max-file": "0"}, {"colour": "red"}])
def test_bad_options_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        find_driver("local").settings(options)


@pytest.mark.parametrize(
    "driver", ["local", "json-file", "syslog", "journald", "gelf", "fluentd", "none"]
)
def test_every_driver_may_be_told_not_to_block(driver: str) -> None:
    address = {"gelf-address": "udp://127.0.0.1:1"} if driver == "gelf" else {}
    find_driver(driver).settings({"mode": "non-blocking", "max-buffer-size": "4m"} | address)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mode": "fast"}, "logger: logging mode not supported: fast"),
        (
            {"max-buffer-size": "4m"},
            "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
        ),
        (
            {"mode": "non-blocking", "max-buffer-size": "much"},
            "error parsing option max-buffer-size: invalid size: 'much'",
        ),
    ],
)
def test_wrong_modes_are_refused_in_dockers_words(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        find_driver("json-file").settings(options)
    assert caught.value.message == sentence


def test_unknown_driver_is_named_as_docker_does() -> None:
    with pytest.raises(InvalidArgument, match="no log driver named 'gelff' is registered"):
        find_driver("gelff")


def test_none_driver_cannot_be_read() -> None:
    with pytest.raises(NotImplementedHere, match="does not support reading"):
        find_driver("none").settings({}).check_readable()
