"""The same tree gives the same layer."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

from budu.hub.seed.layers import EPOCH_S, pack_layer, tidy


def make(tree: Path, names: list[str]) -> Path:
    for name in names:
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tree / "old").write_text("")
    os.utime(tree / "old", (7, 7))
    return tree


def test_neither_order_nor_time_shows(tmp_path: Path) -> None:
    names = ["a/z", "a/b", "usr/share/doc/x/copyright"]
    one = make(tmp_path / "one", [*names, "var/log/dpkg.log", "usr/share/doc/x/manual"])
    two = make(tmp_path / "two", list(reversed(names)))
    for tree in (one, two):
        tidy(tree)
    (one / "var/log").rmdir()
    (one / "var").rmdir()
    for tree in (one, two):
        os.utime(tree, (EPOCH_S, EPOCH_S))
    first, second = (pack_layer(tree, tree.with_suffix(".gz")) for tree in (one, two))
    assert (first.digest, first.diff_id) == (second.digest, second.diff_id)
    packed = Path(first.path).read_bytes()
    plain = gzip.decompress(packed)
    assert first.digest == f"sha256:{hashlib.sha256(packed).hexdigest()}"
    assert first.diff_id == f"sha256:{hashlib.sha256(plain).hexdigest()}"
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        times = {member.name: member.mtime for member in tar}
    assert times.pop("old") == 7
    assert set(times.values()) == {EPOCH_S}
    assert "usr/share/doc/x/manual" not in times
