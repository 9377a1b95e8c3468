"""`python -m tests.api.tour.record`: play the tour against a dockerd of its own and keep what it
showed.

dockerd runs in a network namespace of its own, so that it touches nothing of the machine; root and
Debian's docker.io are needed. Names of scenes as arguments record only those.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.api.tour.play import Player, written
from tests.api.tour.scenes import SCENES
from tests.support.machine_marks import has_docker_28
from tests.support.waiting import eventually

RECORDED = Path(__file__).parent / "recorded"


@contextlib.contextmanager
def running_dockerd() -> Iterator[tuple[str, Path]]:
    """A dockerd; its address and its folder."""
    root = Path(tempfile.mkdtemp(prefix="tr-"))
    words = ["dockerd", "--data-root", f"{root}/d", "--exec-root", f"{root}/x", "-H"]
    words += [f"unix://{root}/s", "--pidfile", f"{root}/pid", "--storage-driver", "vfs"]
    inside = 'ip link set lo up; exec "$@"'
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "-n", "-m", "sh", "-c", inside, "sh", *words],
            stdout=log,
            stderr=log,
            env=os.environ | {"LC_ALL": "C"},
        )
    try:
        eventually(lambda: (root / "s").exists(), "dockerd's socket", timeout_s=40)
        yield f"unix://{root}/s", root
    finally:
        process.terminate()
        process.wait(40)
        shutil.rmtree(root, ignore_errors=True)


def main(names: list[str]) -> None:
    """Record the scenes called `names`, or all."""
    if not has_docker_28():
        raise SystemExit("record with docker 28: the tests are marked docker_28")
    with running_dockerd() as (host, root):
        player = Player(host, root)
        player.prepare()
        for name, lines in SCENES.items():
            if not names or name in names:
                (RECORDED / f"{name}.txt").write_text(written(player.scene(lines)))


if __name__ == "__main__":
    RECORDED.mkdir(exist_ok=True)
    main(sys.argv[1:])
