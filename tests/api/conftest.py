"""Foreign clients against an engine of ours: root, a real kernel, a registry on loopback."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.support.fixtures import clean, docker, engine, make_engine, registry  # noqa: E402

__all__ = ["clean", "docker", "engine", "make_engine", "registry"]
