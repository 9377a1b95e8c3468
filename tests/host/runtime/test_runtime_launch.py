"""Containers on the real kernel: what a program finds inside, and what the host keeps."""

from __future__ import annotations

import pytest
from conftest import Runner, make_spec

pytestmark = pytest.mark.host


def test_program_is_pid_1_with_its_hostname(runner: Runner) -> None:
    result = runner.shell("echo $$; hostname; exit 7")
    assert (result.code, result.out, result.err) == (7, "1\ntester\n", "")
