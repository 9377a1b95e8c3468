"""A whole engine in the guest, with a registry of two small images."""

from __future__ import annotations

from tests.support.fixtures import clean, engine
from tests.support.small_registry import registry

__all__ = ["clean", "engine", "registry"]
