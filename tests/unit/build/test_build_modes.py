"""Modes of --chmod, beside those that chmod(1) makes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from budu.base.errors import InvalidArgument
from budu.build.modes import parse_mode


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("644", 0o7777, 0o644),
        ("0755", 0, 0o755),
        ("4711", 0, 0o4711),
        ("u=rwX,go=rX", 0o600, 0o644),
        ("u=rwX,go=rX", 0o700, 0o755),
        ("+x", 0o644, 0o755),
        ("a-w", 0o666, 0o444),
        ("g=u", 0o740, 0o770),
        ("u+s,+t", 0o755, 0o5755),
        ("o=", 0o777, 0o770),
        ("ug+r-x", 0o110, 0o440),
        ("=", 0o7777, 0),
        ("u=g+w", 0o250, 0o750),
    ],
)
def test_mode_of_a_file(text, before, after, tmp_path: Path):
    assert oct(parse_mode(text)(before, False)) == oct(after)
    path = tmp_path / "file"
    path.touch()
    path.chmod(before)
    umask = os.umask(0)
    try:
        subprocess.run(["chmod", "--", text, path], check=True)
    finally:
        os.umask(umask)
    assert oct(path.stat().st_mode & 0o7777) == oct(after)


def test_a_folder_is_entered_where_a_file_is_not_run():
    assert parse_mode("a+X")(0o600, True) == 0o711
    assert parse_mode("a+X")(0o600, False) == 0o600


@pytest.mark.parametrize("text", ["", "888", "77777", "u", "u=q", "x+u", "u=rw,", "u=r w", "७"])
def test_what_is_no_mode_is_refused_with_the_sentence_of_docker(text):
    with pytest.raises(InvalidArgument) as refusal:
        parse_mode(text)
    assert refusal.value.message == (
        f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"
    )
