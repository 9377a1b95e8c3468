"""Foreign clients against an engine of ours: root, a real kernel, a registry on loopback."""

from tests.support.fixtures import clean, docker, engine, make_engine, registry, target

__all__ = ["clean", "docker", "engine", "make_engine", "registry", "target"]
