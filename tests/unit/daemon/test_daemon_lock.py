"""One engine per pair of roots."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from budu.base.errors import Conflict
from budu.daemon.lock import PidFile


def test_file_holds_the_process_id(tmp_path: Path) -> None:
    path = tmp_path / "run" / "budu.pid"
    lock = PidFile(path)
    assert path.read_text() == f"{os.getpid()}\n"
    lock.release()


def test_second_engine_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    path = tmp_path / "budu.pid"
    lock = PidFile(path)
    with pytest.raises(Conflict) as caught:
        PidFile(path)
    assert caught.value.message == (
        f"failed to start daemon, ensure docker is not running or delete {path}: process with PID "
        f"{os.getpid()} is still running"
    )
    lock.release()


def test_refused_engine_leaves_the_file_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "budu.pid"
    lock = PidFile(path)
    with pytest.raises(Conflict):
        PidFile(path)
    assert path.read_text() == f"{os.getpid()}\n"
    lock.release()


def test_file_of_a_killed_engine_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "budu.pid"
    path.write_text("4194304123\n")
    lock = PidFile(path)
    assert path.read_text() == f"{os.getpid()}\n"
    lock.release()


def test_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "budu.pid"
    PidFile(path).release()
    assert not path.exists()
    PidFile(path).release()
