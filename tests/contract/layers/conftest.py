"""Every layer store, and containers on it in every style of overlay."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from layer_stores import EROFS_FORMS, LOWER, UPPER, add

from budu.snapshot.choose import Abilities, probe
from budu.snapshot.container import ContainerSnapshots
from budu.snapshot.erofs.form import ErofsLayers
from budu.snapshot.extracted import ExtractedLayers
from budu.snapshot.layers import LayerStore
from budu.snapshot.overlay import OverlayStyle


@pytest.fixture(scope="module")
def abilities(tmp_path_factory) -> Abilities:
    return probe(tmp_path_factory.mktemp("probe"))


@pytest.fixture(params=[*EROFS_FORMS, "extracted"])
def store(request, tmp_path):
    if request.param == "extracted":
        store: LayerStore = ExtractedLayers(tmp_path / "layers")
    else:
        store = ErofsLayers(tmp_path / "layers", attached=request.param != "erofs")
    yield store
    store.close()


@pytest.fixture(params=list(OverlayStyle), ids=lambda style: style.value)
def snapshots(request, store, tmp_path):
    return ContainerSnapshots(tmp_path / "containers", store, style=request.param)


@pytest.fixture
def rootfs(snapshots, store):
    """A container on two layers: its mount as a path."""
    stack = [add(store, LOWER), add(store, UPPER)]
    snapshots.prepare("c1", stack)
    fd = snapshots.mount("c1", stack)
    yield Path(f"/proc/self/fd/{fd}")
    os.close(fd)
