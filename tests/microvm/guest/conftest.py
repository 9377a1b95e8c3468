"""A whole engine in the guest, with a registry of two small images: packing takes long there."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from demo.images import busybox_layer, push
from tests.support.fixtures import Registry, clean, engine
from tests.support.images import SHELL
from tests.support.registry import running_registry

__all__ = ["clean", "engine"]


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with the images that the engine's fixture pulls."""
    layer = busybox_layer()
    packed = gzip.compress(layer, 1, mtime=0)
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        digests = {
            f"{name}:{tag}": push(
                address, f"library/{name}", [tag], [layer], dict(SHELL), compressed=[packed]
            )
            for name, tag in (("busybox", "latest"), ("app", "1.0"))
        }
        yield Registry(address, digests)
