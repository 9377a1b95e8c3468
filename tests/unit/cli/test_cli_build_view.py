"""What a terminal shows of a build."""

from __future__ import annotations

import io

from budu.cli.build.view import BuildView, show_sending

CLEAR = "\r\x1b[2K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_context_is_counted_while_it_is_sent() -> None:
    out = Terminal()
    assert list(show_sending([b"x" * 1500], out, quiet=False)) == [b"x" * 1500]
    first, *_, last = out.getvalue().split(CLEAR)[1:]
    assert first == "Sending build context to Docker daemon - 0B"
    assert last == "Sending build context to Docker daemon    1.5kB\n"


def test_a_context_that_was_not_sent_whole_leaves_no_line() -> None:
    out = Terminal()
    pieces = show_sending([b"x", b"y"], out, quiet=False)
    next(pieces)
    pieces.close()
    assert out.getvalue().endswith(CLEAR)


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    list(show_sending([b"x", b"y"], out, quiet=False))
    assert out.getvalue() == "Sending build context to Docker daemon       2B\n"


def test_the_bar_of_a_pull_gives_way_to_the_text_after_it() -> None:
    out = Terminal()
    view = BuildView(out, mode="auto", lang="en")
    view.feed({"stream": "Step 1/1 : FROM busybox\n"})
    view.feed({"aux": {"current": 1, "total": 2, "layers": 1, "present": 0}})
    view.feed({"stream": " ---> 1\n"})
    view.close()
    begin, bar, end = out.getvalue().split(CLEAR)
    assert begin == "Step 1/1 : FROM busybox\n"
    assert "50%" in bar
    assert end == " ---> 1\n"


def test_plain_progress_draws_nothing_on_a_terminal() -> None:
    out = Terminal()
    view = BuildView(out, mode="plain", lang="en")
    view.feed({"status": "Pulling from library/busybox", "id": "latest"})
    view.feed({"aux": {"current": 1, "total": 2, "layers": 1, "present": 0}})
    view.feed({"aux": {"ID": "sha256:1"}})
    view.close()
    assert out.getvalue() == "latest: Pulling from library/busybox\n"
    assert view.image_id == "sha256:1"
