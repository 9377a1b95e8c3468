"""Whole engines on the real kernel, killed and started again."""

from tests.support.fixtures import clean, docker, engine, make_engine, registry

__all__ = ["clean", "docker", "engine", "make_engine", "registry"]
