"""The health flags that docker does not have."""

from __future__ import annotations

import pytest

from budu.base.errors import InvalidArgument
from budu.cli.declare import Command
from budu.cli.parser import parse
from budu.cli.run_flags import CREATE_FLAGS
from budu.cli.run_options import create_body

CREATE = Command(
    lambda _context, _call: 0,
    usage="[OPTIONS] IMAGE",
    help=("", ""),
    flags=CREATE_FLAGS,
    least=1,
    options_first=True,
)


def healthcheck(*words: str) -> object:
    call = parse(CREATE, "budu create", [*words, "busybox"])
    assert call is not None
    return create_body(call).get("Healthcheck")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--health-http", ":80/ok"), {"Test": ["HTTP", ":80/ok"]}),
        (
            ("--health-tcp=5432", "--health-retries=2"),
            {"Test": ["TCP", "5432"], "Retries": 2},
        ),
        (("--on-unhealthy", "restart"), {"OnUnhealthy": "restart"}),
        (
            ("--health-cmd", "x", "--on-unhealthy", "kill"),
            {"Test": ["CMD-SHELL", "x"], "OnUnhealthy": "kill"},
        ),
    ],
)
def test_flags_become_fields(words: tuple[str, ...], expected: object) -> None:
    assert healthcheck(*words) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--health-cmd", "x", "--health-tcp", "1"), "--health-cmd conflicts with --health-tcp"),
        (
            ("--on-unhealthy", "reboot"),
            "invalid action for --on-unhealthy: reboot: must be one of none, restart, stop, kill",
        ),
        (
            ("--no-healthcheck", "--health-http", ":1"),
            "--no-healthcheck conflicts with --health-* options",
        ),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        healthcheck(*words)
    assert caught.value.message == message
