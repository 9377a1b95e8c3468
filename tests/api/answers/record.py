"""`python -m tests.api.answers.record`: keep the shapes of a dockerd's answers.

dockerd runs in namespaces of its own, so that it touches nothing of the machine; root and Debian's
docker.io are needed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.api.answers.happenings import happen
from tests.api.answers.scene import asker, play
from tests.api.answers.shape import shape_of
from tests.support.waiting import eventually

RECORDED = Path(__file__).parent / "docker-20.10.json"
EVENTS = Path(__file__).parent / "docker-20.10-events.txt"
VERSION = "/v1.41"


def main() -> None:
    """Play the scene and write the file."""
    root = Path(tempfile.mkdtemp(prefix="ta-"))
    words = ["dockerd", "--data-root", f"{root}/d", "--exec-root", f"{root}/x"]
    words += ["-H", f"unix://{root}/s", "--pidfile", f"{root}/pid"]
    inside = 'ip link set lo up; exec "$@"'
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "-n", "-m", "sh", "-c", inside, "sh", *words],
            stdout=log,
            stderr=log,
            env={**os.environ, "LC_ALL": "C"},
        )
    try:
        eventually(lambda: (root / "s").exists(), "dockerd's socket", timeout_s=60)
        answers = play(asker(root / "s", VERSION))
        EVENTS.write_text("\n".join(happen(root / "s", VERSION)) + "\n")
    finally:
        process.terminate()
        process.wait(60)
        print((root / "log").read_text()[-2000:])
        shutil.rmtree(root, ignore_errors=True)
    shapes = {name: shape_of(answer, (name,)) for name, answer in answers.items()}
    RECORDED.write_text(json.dumps(shapes, indent=1) + "\n")


if __name__ == "__main__":
    main()
