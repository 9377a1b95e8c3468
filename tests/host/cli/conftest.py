"""Our own command line against an engine of ours."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[3])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.support.fixtures import clean, docker, engine, make_engine, registry  # noqa: E402

__all__ = ["clean", "docker", "engine", "make_engine", "registry"]
