"""What a machine lacks is a mark; nothing is skipped where nobody looks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.machine_marks import MARKS

TESTS = Path(__file__).parents[2]
SKIP = re.compile(r"pytest\.(skip|importorskip)\b|\bmark\.(skip|skipif|xfail)\b|\bxfail\(")


def test_no_test_is_skipped() -> None:
    sources = (each for each in TESTS.rglob("*.py") if each != Path(__file__))
    skipping = [str(each) for each in sources if SKIP.search(each.read_text())]
    assert skipping == []


def test_every_mark_of_the_machine_is_declared(pytestconfig: pytest.Config) -> None:
    declared = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    assert set(MARKS) <= declared
