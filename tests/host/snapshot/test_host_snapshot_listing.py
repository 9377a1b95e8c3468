"""Directories of mounted layers list everything that directories list."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.contract.layer_tools import directory, make_tar, member

from budu.snapshot.choose import choose_layer_store, probe

pytestmark = pytest.mark.host


@pytest.mark.parametrize(
    ("path", "names"),
    [(".", ["a", "z"]), ("a", ["b", "file"]), ("a/b", ["deep"]), ("z", [])],
)
def test_dots_are_listed_at_every_depth(path, names, tmp_path: Path):
    (tmp_path / "layers").mkdir()
    layers = choose_layer_store(tmp_path / "layers", probe(tmp_path / "layers"))
    tree = [directory("a"), member("a/file", b"1"), directory("a/b"), directory("z")]
    writer = layers.begin(None)
    writer.write(make_tar([*tree, member("a/b/deep", b"2")]))
    fd = layers.lower(writer.commit().diff_id)
    command = ["ls", "-a", f"/proc/self/fd/{fd}/{path}"]
    done = subprocess.run(command, pass_fds=[fd], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [".", "..", *names]
    layers.close()
