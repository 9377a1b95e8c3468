"""A full table of connections is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from budu.network.hosts import Conntrack, conntrack


def switches(root: Path, *, count: int, limit: int) -> Path:
    (root / "netfilter").mkdir()
    (root / "netfilter/nf_conntrack_count").write_text(f"{count}\n")
    (root / "netfilter/nf_conntrack_max").write_text(f"{limit}\n")
    return root


@pytest.mark.parametrize(("count", "full"), [(0, False), (900, False), (950, True), (1000, True)])
def test_a_table_is_full_before_its_last_place(tmp_path: Path, count: int, full: bool) -> None:
    assert conntrack(switches(tmp_path, count=count, limit=1000)).is_full is full


def test_a_kernel_that_tracks_nothing_is_not_full(tmp_path: Path) -> None:
    assert conntrack(tmp_path) == Conntrack()
    assert not Conntrack().is_full
