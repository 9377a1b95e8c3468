"""The copy of the small init that containers are given."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from budu.daemon.init_binary import install_init, packaged_init

SOURCE = packaged_init()
pytestmark = pytest.mark.packaged_init


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(install_init(tmp_path / "init"))


def test_copy_is_executable_and_whole(copy: Path) -> None:
    assert SOURCE is not None
    assert copy.read_bytes() == SOURCE.read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o755


def test_good_copy_is_left_alone(copy: Path) -> None:
    before = copy.stat().st_ino
    install_init(copy)
    assert copy.stat().st_ino == before


def test_changed_copy_is_replaced(copy: Path) -> None:
    copy.write_bytes(b"#!/bin/sh\n")
    install_init(copy)
    assert copy.read_bytes().startswith(b"\x7fELF")


@pytest.mark.parametrize("mode", [0o644, 0o777, 0o4755])
def test_copy_with_another_mode_is_replaced(mode: int, copy: Path) -> None:
    copy.chmod(mode)
    install_init(copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o755


def test_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("keep")
    os.symlink("other", tmp_path / "init")
    install_init(tmp_path / "init")
    assert (tmp_path / "other").read_text() == "keep"
    assert not (tmp_path / "init").is_symlink()
