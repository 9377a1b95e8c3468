"""Tests of the other kind of machine: nothing but cgroup v2, and Linux 6.1.

A guest with Debian's cloud kernel runs the files of `selection.SELECTION`, once; each file is one
test here, which shows what failed in it. Its console is in the temporary directory.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.microvm.initramfs import DISK_MODULES, build_initramfs, modules_in_order
from tests.microvm.machine import Machine
from tests.microvm.report import Outcome, read_results
from tests.microvm.root_disk import ROOT, build_root_disk
from tests.microvm.selection import OPTIONS, SELECTION

DEADLINE_S = 500

pytestmark = [pytest.mark.host, pytest.mark.timeout(DEADLINE_S + 100)]

KERNEL = ROOT / ".cache/microvm/kernel"
INIT = ROOT / "tests/microvm/guest/init"


class GuestRun:
    """What a guest's run left."""

    def __init__(self, outcomes: list[Outcome], status: int | None, console: str) -> None:
        self.outcomes = outcomes
        self.status = status
        self.console = console

    def of_file(self, file: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.file == file]


@pytest.fixture(scope="session")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuestRun]:
    """The one run of the guest; its disk is gone afterwards."""
    place = tmp_path_factory.mktemp("microvm")
    machine = _build(place)
    try:
        machine.run(deadline_s=DEADLINE_S)
    except subprocess.TimeoutExpired:
        pass  # the results have no end, which a test tells
    finally:
        machine.disk.unlink()
    outcomes, status = read_results(_text(machine.results))
    yield GuestRun(outcomes, status, _text(machine.console))


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _build(place: Path) -> Machine:
    version = (KERNEL / "version").read_text().strip()
    modules = KERNEL / "lib/modules" / version
    staging = place / "staging"
    staging.mkdir()
    build_root_disk(place / "disk", staging, modules)
    shutil.rmtree(staging)
    busybox = Path(shutil.which("busybox") or "busybox")
    program = (str(INIT), str(ROOT), sys.executable, *OPTIONS, *SELECTION)
    archive = build_initramfs(busybox, modules_in_order(modules, DISK_MODULES), program)
    (place / "initramfs").write_bytes(archive)
    return Machine(
        kernel=KERNEL / f"boot/vmlinuz-{version}",
        initramfs=place / "initramfs",
        disk=place / "disk",
        console=place / "console",
        results=place / "results",
    )


def test_the_guest_came_to_its_end(guest: GuestRun) -> None:
    assert guest.status is not None, guest.console[-5000:]


@pytest.mark.parametrize("file", SELECTION)
def test_all_passed_in_the_guest(guest: GuestRun, file: str) -> None:
    outcomes = guest.of_file(file)
    others = [f"{each.test}: {each.outcome}\n{each.message}" for each in outcomes
              if each.outcome != "passed"]  # fmt: skip
    assert outcomes, "nothing was reported of it"
    assert not others, "\n\n".join(others)
