"""What a pull shows."""

from __future__ import annotations

import io
from typing import Any

from budu.cli.progress import BarView, PlainView, Speed, choose_view
from budu.cli.terminal import display_width


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def total(current: int, of: int, **more: int) -> dict[str, Any]:
    return {"aux": {"current": current, "total": of, "layers": 2, "present": 0, **more}}


def drawn(*messages: dict[str, Any], step_s: float = 1.0) -> str:
    """The bar after the last message."""
    out, clock = io.StringIO(), Clock()
    view = BarView(out, width=lambda: 120, lang="en", clock=clock)
    for message in messages:
        clock.now += step_s
        view.feed(message)
    return out.getvalue().rpartition("\r\x1b[2K")[2]


def test_plain_view_has_a_line_a_step() -> None:
    out = io.StringIO()
    messages = [
        {"status": "Pulling from library/httpd", "id": "2.4"},
        {"status": "Downloading", "id": "abc", "progressDetail": {"current": 1, "total": 2}},
        {"status": "Pull complete", "id": "abc", "progressDetail": {}},
        {"aux": {"total": 1, "current": 1}},
        {"status": "Status: Downloaded newer image for httpd:2.4"},
    ]
    view = choose_view(out)
    for message in messages:
        view.feed(message)
    assert out.getvalue() == (
        "2.4: Pulling from library/httpd\n"
        "abc: Pull complete\n"
        "Status: Downloaded newer image for httpd:2.4\n"
    )


def test_quiet_view_says_nothing() -> None:
    out = io.StringIO()
    choose_view(out, quiet=True).feed({"status": "Pull complete", "id": "abc"})
    assert out.getvalue() == ""


def test_plain_view_says_nothing_at_its_end() -> None:
    out = io.StringIO()
    PlainView(out).close()
    assert out.getvalue() == ""


def test_bar_counts_bytes() -> None:
    line = drawn(total(0, 4_000_000), total(1_000_000, 4_000_000))
    assert line.startswith("█" * 6 + "░" * 18 + "   25%  1MB / 4MB")


def test_bar_tells_speed_and_what_is_left() -> None:
    line = drawn(total(0, 4_000_000), total(1_000_000, 4_000_000))
    assert line.endswith("1MB/s  0:03 left")


def test_bar_counts_no_resumed_bytes_as_speed() -> None:
    line = drawn(
        total(0, 4_000_000),
        total(2_000_000, 4_000_000, resumed=2_000_000),
        total(3_000_000, 4_000_000, resumed=2_000_000),
    )
    assert line.startswith("█" * 18)
    assert line.endswith("500kB/s  0:02 left")


def test_bar_follows_the_window() -> None:
    out, clock, columns = io.StringIO(), Clock(), [100]
    view = BarView(out, width=lambda: columns[0], lang="en", clock=clock)
    view.feed(total(1, 4))
    columns[0] = 20
    clock.now += 1
    view.feed(total(2, 4))
    assert len(out.getvalue().rpartition("\r\x1b[2K")[2]) == 19


def test_bar_fits_the_terminal_in_wide_letters() -> None:
    out, clock = io.StringIO(), Clock()
    view = BarView(out, width=lambda: 66, lang="ko", clock=clock)
    for done in (0, 1_000_000):
        clock.now += 1
        view.feed(total(done, 4_000_000))
    line = out.getvalue().rpartition("\r\x1b[2K")[2]
    assert display_width(line) <= 65


def test_bar_says_what_it_waits_for_when_nothing_arrives() -> None:
    waiting = {"status": "Verifying Checksum", "id": "abc"}
    line = drawn(total(1, 4), total(1, 4), waiting, total(1, 4), total(1, 4), waiting)
    assert line.endswith("Verifying Checksum")


def test_bar_tells_of_layers_that_were_here() -> None:
    line = drawn(total(1, 4, present=1))
    assert line.endswith("1 of 2 layers were here already")


def test_bar_is_not_drawn_more_often_than_eyes_need() -> None:
    out, clock = io.StringIO(), Clock()
    view = BarView(out, width=lambda: 80, lang="en", clock=clock)
    for done in range(1, 50):
        clock.now += 0.001
        view.feed(total(done, 100))
    assert out.getvalue().count("\r") == 1


def test_complete_bar_is_always_drawn() -> None:
    assert "100%" in drawn(total(1, 4), total(4, 4), step_s=0.001)


def test_bar_fits_the_terminal() -> None:
    out = io.StringIO()
    BarView(out, width=lambda: 30, lang="en", clock=Clock()).feed(total(1, 4))
    assert len(out.getvalue().removeprefix("\r\x1b[2K")) == 29


def test_closed_bar_leaves_a_clean_line() -> None:
    out = io.StringIO()
    view = BarView(out, width=lambda: 80, lang="en", clock=Clock())
    view.feed(total(1, 4))
    view.close()
    assert out.getvalue().endswith("\r\x1b[2K")


def test_last_line_stays_below_the_bar() -> None:
    out = io.StringIO()
    view = BarView(out, width=lambda: 80, lang="en", clock=Clock())
    view.feed(total(1, 4))
    view.feed({"status": "Digest: sha256:abc"})
    assert out.getvalue().endswith("\r\x1b[2KDigest: sha256:abc\n")


def test_speed_is_over_the_last_moments() -> None:
    clock = Clock()
    speed = Speed(clock)
    for done in (0, 1000, 2000, 3000, 4000, 5000, 5000, 5000):
        speed.add(done)
        clock.now += 1.0
    assert speed.per_second() < 1000


def test_speed_of_one_sample_is_unknown() -> None:
    speed = Speed(Clock())
    speed.add(5)
    assert speed.per_second() == 0.0


def test_idle_time_counts_from_the_last_byte() -> None:
    clock = Clock()
    speed = Speed(clock)
    speed.add(5)
    clock.now += 2.0
    speed.add(5)
    clock.now += 2.0
    assert speed.idle_s() == 4.0
