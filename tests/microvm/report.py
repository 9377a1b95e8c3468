"""Results of a guest's tests: a pytest plugin writes a line for each, and the host reads them.

A line is a JSON object: `{"test": …, "outcome": …, "message": …, "seconds": …}`; the last one is
`{"ended": exit status}`. Without it the guest did not come to its end.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

RESULTS = Path("/run/results")
"""Where the guest's init links the line for results."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one test ended: `passed`, `failed` or `skipped`, and why."""

    test: str
    outcome: str
    message: str = ""
    seconds: float = 0

    @property
    def file(self) -> str:
        """The path of the test's file in the project."""
        return self.test.partition("::")[0]


class _End(msgspec.Struct, frozen=True, kw_only=True):
    ended: int


def read_results(text: str) -> tuple[list[Outcome], int | None]:
    """All outcomes, and pytest's exit status; None when the guest died before."""
    lines = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    outcomes = [msgspec.convert(line, Outcome) for line in lines if "test" in line]
    ends = [msgspec.convert(line, _End).ended for line in lines if "ended" in line]
    return outcomes, ends[0] if ends else None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In the guest: a line for a test's call, and for whatever else did not pass."""
    if report.when == "call" or report.outcome != "passed":
        _write(
            test=report.nodeid,
            outcome=report.outcome,
            message=report.longreprtext,
            seconds=round(report.duration, 2),
        )


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """In the guest: a line for a file that could not be read."""
    if report.outcome != "passed":
        _write(test=report.nodeid, outcome=report.outcome, message=report.longreprtext)


def pytest_sessionfinish(exitstatus: int) -> None:
    """In the guest: the last line."""
    _write(ended=int(exitstatus))


def _write(**fields: object) -> None:
    with RESULTS.open("w") as port:
        port.write(json.dumps(fields) + "\n")
