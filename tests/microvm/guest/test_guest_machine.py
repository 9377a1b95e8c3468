"""The guest is what it is there for: nothing but cgroup v2, and a kernel without the new mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from budu.runtime.cgroups.choose import choose_cgroups
from budu.runtime.cgroups.contract import Features
from budu.runtime.cgroups.layout import read_layout
from budu.snapshot.choose import probe

pytestmark = [pytest.mark.host, pytest.mark.guest]


def test_only_version_2_is_mounted() -> None:
    layout = read_layout()
    assert (layout.version, layout.v1) == (2, {})


def test_every_limit_can_be_set() -> None:
    assert choose_cgroups(read_layout()).features() == Features(
        memory=True,
        swap=True,
        reservation=True,
        cpu_shares=True,
        cpu_cfs=True,
        cpuset=True,
        pids=True,
        blkio_weight=True,
        blkio_weight_device=True,
        blkio_throttle=True,
        devices=True,
        hugetlb=True,
    )


def test_layers_are_extracted_and_overlay_is_mounted_by_a_string(tmp_path: Path) -> None:
    assert probe(tmp_path).summary == "layers=extracted overlay=classic userxattr=False"
