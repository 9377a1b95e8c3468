"""Signal names and numbers."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.engine.containers.signals import parse_signal, parse_signal_to_send


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9", 9),
        ("64", 64),
        ("KILL", 9),
        ("SIGKILL", 9),
        ("sigterm", 15),
        ("Hup", 1),
        ("SIGIOT", 6),
        ("SIGCLD", 17),
        ("POLL", 29),
        ("WINCH", 28),
        ("RTMIN", 34),
        ("SIGRTMIN+3", 37),
        ("RTMAX-1", 63),
        ("RTMAX", 64),
    ],
)
def test_signal_is_read(text: str, number: int) -> None:
    assert parse_signal(text) == number


@pytest.mark.parametrize("text", ["", "0", "65", "-9", "SIGFOO", "SIG", "²", "٩", "9.0", " 9"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_signal(text)
    assert caught.value.message == f"invalid signal: {text}"


def test_a_number_beyond_the_last_signal_cannot_be_sent() -> None:
    assert parse_signal_to_send("SIGRTMAX") == 64
    with pytest.raises(InvalidArgument, match=r"^the linux daemon does not support signal 65$"):
        parse_signal_to_send("65")
    with pytest.raises(InvalidArgument, match=r"^invalid signal: 0$"):
        parse_signal_to_send("0")
