"""Our own command line against an engine of ours."""

from tests.support.fixtures import clean, docker, engine, make_engine, registry, target

__all__ = ["clean", "docker", "engine", "make_engine", "registry", "target"]
