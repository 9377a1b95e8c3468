"""A registry with two small images, for engines on an emulated processor: packing takes long there.

The fixture has the name of the one in `fixtures`, which serves every test image: a module that
imports this one has it in its place.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from demo.images import busybox_layer, push
from tests.support.fixtures import Registry
from tests.support.images import SHELL
from tests.support.registry import running_registry


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
