"""The archive of a root file system shows neither order nor time."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

from budu.hub.seed.rootfs import EPOCH_S, pack


def make(tree: Path, names: list[str]) -> Path:
    for name in names:
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    os.utime(tree / "old", (7, 7))
    return tree


def test_neither_order_nor_time_shows(tmp_path: Path) -> None:
    names = ["a/z", "a/b", "old"]
    trees = [make(tmp_path / "one", names), make(tmp_path / "two", names[::-1])]
    os.utime(trees[0] / "a/z", (EPOCH_S + 5, EPOCH_S + 5))
    packed = [tree.with_suffix(".tar") for tree in trees]
    for tree, target in zip(trees, packed, strict=True):
        pack(tree, target)
    assert packed[0].read_bytes() == packed[1].read_bytes()
    with tarfile.open(packed[0]) as tar:
        times = {member.name: member.mtime for member in tar}
    assert times == {"a": EPOCH_S, "a/b": EPOCH_S, "a/z": EPOCH_S, "old": 7}
